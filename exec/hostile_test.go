package exec_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
	"github.com/darray-go/darray/exec/cpu"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
)

// lying is a device that gives other trees than its own.
type lying struct {
	exec.Device
	lie atomic.Pointer[func(p *array.Partial)] // nil: it gives its own
}

func (l *lying) Run(ctx context.Context, launch *array.Launch) ([]array.Forest, error) {
	forests, err := l.Device.Run(ctx, launch)
	lie := l.lie.Load()
	if lie == nil {
		return forests, err
	}
	for _, f := range forests {
		for i := range f {
			(*lie)(&f[i])
		}
	}
	for _, f := range launch.Columns {
		for k := range f {
			c := &f[k]
			c.SpreadCount()
			p := c.At(1)
			(*lie)(&p)
			c.Acc[1], c.Count[1] = p.Acc, p.Count
			if c.Aux != nil {
				c.Aux[1] = p.Aux
			}
		}
	}
	return forests, err
}

// TestLyingRank: what a rank sends for its part of a reduction is held against the part: no count beyond its elements, no index
// outside of them, no squares below zero, no bool but 0 and 1. The error names the rank, and the next collect works.
func TestLyingRank(t *testing.T) {
	leak.Check(t)
	const rows = 5000
	x := data(t, floats(rows*3), rows, 3)
	flags := apply(array.Less, x, number(0.0))
	liar := &lying{Device: cpu.New(cpu.Config{Threads: 1})}
	cl := quic(t, 2, func(rank int, c *exec.Config) {
		if rank == 1 {
			c.Device = liar
		}
	})
	more := func(p *array.Partial) { p.Count += 1 << 40 }
	first := func(p *array.Partial) { p.Aux = 0 } // rank 0's
	behind := func(p *array.Partial) { p.Aux = 3 * rows }
	for _, tt := range []struct {
		name string
		node *array.Node
		lie  func(p *array.Partial)
		says string
	}{
		{"count", apply(array.Count, x), more, "that counts"},
		{"mean", apply(array.Mean, x), more, "that counts"},
		{"argmin before", apply(array.ArgMin, x), first, "to the index 0"},
		{"argmin behind", apply(array.ArgMin, x), behind, "to the index 15000"},
		{"argmax behind", apply(array.ArgMax, x), behind, "to the index 15000"},
		{"var", apply(array.Var, x), func(p *array.Partial) { p.Aux = math.Float64bits(-1) }, "squared deviations -1"},
		{"any", apply(array.Any, flags), func(p *array.Partial) { p.Acc = 6 }, "the bool 6"},
		{"running sum", apply(array.CumSum, x), more, "that counts"},
		{"count of columns", array.Reduce(array.Count, 0, x, 0), more, "in column 1 a reduction that counts"},
		{"mean of columns", array.Reduce(array.Mean, 0, x, 0), more, "in column 1 a reduction that counts"},
		{"argmin of columns", array.Reduce(array.ArgMin, 0, x, 0), first, "in column 1 a reduction to the index 0"},
		{"argmax of columns", array.Reduce(array.ArgMax, 0, x, 0), behind, "in column 1 a reduction to the index 15000"},
		{"var of columns", array.Reduce(array.Var, 0, x, 0), func(p *array.Partial) { p.Aux = math.Float64bits(-1) }, "squared deviations -1"},
		{"all of columns", array.Reduce(array.All, 0, flags, 0), func(p *array.Partial) { p.Acc = 2 }, "the bool 2"},
	} {
		liar.lie.Store(&tt.lie)
		_, _, err := cl.Collect(context.Background(), []*array.Node{tt.node})
		if err == nil || !strings.Contains(err.Error(), "rank 1 sent") || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v", tt.name, err)
		}
		liar.lie.Store(nil)
		check(t, cl, tt.node)
	}
	cl.stop()
}

// TestPossibleAtTheEdge: what elements can give is taken, up to the last one.
func TestPossibleAtTheEdge(t *testing.T) {
	const n = 2*array.LeafSize + 7
	x := data(t, append(slices.Repeat([]float64{1}, n-1), 2))
	for _, p := range []int{1, 2, 3} {
		cl := local(t, p)
		check(t, cl, apply(array.ArgMax, x), apply(array.ArgMin, x), apply(array.Count, x), apply(array.Var, x), apply(array.All, apply(array.Less, x, number(3.0))))
		cl.stop()
	}
}

// lazy is an accelerator that is open once it was asked how fast it is.
type lazy struct {
	exec.Accelerator
	open func() exec.Accelerator
}

func (l *lazy) Rates(ctx context.Context) (array.Rates, error) {
	l.Accelerator = l.open()
	return l.Accelerator.Rates(ctx)
}

// TestUnaskedChoice: a task for accelerators that nobody has asked about is refused by ranks whose accelerator is not open yet. The next
// collect works.
func TestUnaskedChoice(t *testing.T) {
	leak.Check(t)
	const control, failed, saysTask = 0, 2, 1
	cl := joined(t, apart(2, 1), func(_ int, c *exec.Config) {
		c.Accelerator, c.Accelerate = &lazy{open: func() exec.Accelerator { return newAfar(t) }}, true
	})
	root := apply(array.Square, data(t, floats(100)))
	graph, _, err := array.Encode([]*array.Node{root})
	if err != nil {
		t.Fatal(err)
	}
	task := fmt.Appendf(nil, `{"graph":%s,"choice":{"always":true},"plan":"0"}`, graph)
	if err := comm.SendParcel(t.Context(), cl.comms[0], 1, control, comm.Parcel{Flags: saysTask, Bufs: [][]byte{task}}); err != nil {
		t.Fatal(err)
	}
	in, err := comm.RecvParcel(t.Context(), cl.comms[0], 1, failed)
	if err != nil {
		t.Fatal(err)
	}
	why := make([]byte, in.Size)
	if err := in.ReadInto(t.Context(), why); err != nil || !strings.Contains(string(why), "has never asked") {
		t.Errorf("it said %s: %v", why, err)
	}
	in.Discard()
	check(t, cl, root)
}
