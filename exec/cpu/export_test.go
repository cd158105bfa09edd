package cpu

import (
	"sync"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
)

// Dump is the code of a program as text.
func Dump(p *array.Program, nullable []bool, isa kern.ISA) string {
	kernels := kern.New(isa)
	if err := p.Check(); err != nil {
		return err.Error()
	}
	return compile(p, nullable, kernels).String()
}

// Asleep reports whether all goroutines of a device's crew have to be woken.
func Asleep(d *Device) bool {
	for i := range d.crew.members {
		if d.crew.members[i].task.Load() != &asleep {
			return false
		}
	}
	return len(d.crew.members) > 0
}

// Taken deals n pieces out and has members take them on goroutines of their own, or one after another; it gives what each took.
func Taken(n, members int, together bool) [][]int {
	var s shares
	s.begin(n, members)
	taken := make([][]int, members)
	var wait sync.WaitGroup
	for k := range members {
		take := func() {
			for p, ok := s.take(k); ok; p, ok = s.take(k) {
				taken[k] = append(taken[k], p)
				s.finish(1)
			}
		}
		if together {
			wait.Go(take)
		} else {
			take()
		}
	}
	s.wait()
	wait.Wait()
	return taken
}

// Joined joins the trees of pieces that come in an order, and gives how many were kept at most.
func Joined(op array.Op, acc array.DType, pieces []array.Forest, order []int) (all array.Forest, most int) {
	var o inOrder
	for _, k := range order {
		o.put(op, acc, k, pieces[k])
		most = max(most, len(o.done))
	}
	return o.take(), most
}
