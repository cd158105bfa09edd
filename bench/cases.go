package bench

import (
	"fmt"
	"slices"
	"strings"
)

// operation is one kind of case and the sizes at which it is measured.
type operation struct {
	name  string
	sizes []int // bytes; elements of add
	quick []int // the sizes that a short run takes
	pair  bool  // only two ranks talk
}

// grid is what `darray bench collectives` measures.
func grid() []operation {
	const kib, mib = 1 << 10, 1 << 20
	three, small := []int{8, 64 * kib, 16 * mib}, []int{8, 64 * kib}
	return []operation{
		{"pingpong", []int{8, 1 * kib, 16 * kib, 64 * kib, 1 * mib, 16 * mib, 64 * mib}, []int{8, 64 * kib, 1 * mib}, true},
		{"bw", []int{8, 64 * kib, 1 * mib}, small, true},
		{"bcast", three, small, false},
		{"allreduce", three, small, false},
		{"allgather", three, small, false},
		{"alltoall", three, small, false},
		{"barrier", []int{0}, []int{0}, false},
		{"add", []int{1e3, 1e6, 1e7, 5e7}, []int{1e3, 1e6}, false},
	}
}

// The cases that are whole programs.
const (
	opLaunch = "launch" // the tutorial from its start to its exit
	opBare   = "bare"   // a block by comm beside the same block in a bare loop
)

// operations lists the names of the cases.
func operations() []string {
	names := []string{}
	for _, op := range grid() {
		names = append(names, op.name)
	}
	return append(names, opLaunch, opBare)
}

// chosen leaves those of the grid that were asked for.
func chosen(o CollectivesOptions) []operation {
	var ops []operation
	for _, op := range grid() {
		if len(o.Cases) > 0 && !slices.Contains(o.Cases, op.name) {
			continue
		}
		if o.Quick {
			op.sizes = op.quick
		}
		op.sizes = slices.DeleteFunc(op.sizes, func(n int) bool {
			bytes := n
			if op.name == "add" {
				bytes *= 8
			}
			return o.Largest > 0 && bytes > o.Largest
		})
		ops = append(ops, op)
	}
	return ops
}

// cases are the names by which ranks know them.
func (op operation) cases() []string {
	var names []string
	for _, n := range op.sizes {
		names = append(names, fmt.Sprintf("%s:%d", op.name, n))
	}
	return names
}

// moved is the payload bytes of one call where a rate makes sense, else 0.
func moved(op string, n int) float64 {
	switch op {
	case "pingpong":
		return 2 * float64(n)
	case "bw":
		return window * float64(n)
	case "add":
		return 24 * float64(n)
	}
	return 0
}

// title says a case as people read it: "allreduce 64 KiB".
func title(name string) string {
	op, n, err := parseCase(name)
	switch {
	case err != nil || op == "barrier":
		return strings.TrimSuffix(name, ":0")
	case op == "add":
		return fmt.Sprintf("scatter+add+gather n=%.0e", float64(n))
	case op == "bw":
		return fmt.Sprintf("%d x %s in flight", window, byteSize(n))
	}
	return op + " " + byteSize(n)
}

func byteSize(n int) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d B", n)
}
