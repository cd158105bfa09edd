package exec_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
	"github.com/darray-go/darray/net/link"
)

// everyStep is a table that takes every kind of step, over a column that rank 2 cannot read where the ranks do not share
// the process.
func everyStep(t testing.TB) (*array.Node, func(rank int, c *exec.Config)) {
	const n = 100_000
	block, err := array.FromSlice(floats(n))
	if err != nil {
		t.Fatal(err)
	}
	x := array.File(&array.Source{Name: "f.x"}, array.Float64, n, 0)
	centred := apply(array.Subtract, apply(array.Add, x, data(t, floats(n))), apply(array.Mean, x))
	table := array.Reshape(centred, array.Shape{n / 1000, 1000}, 0)
	row := data(t, floats(1000))
	computed := apply(array.Multiply, apply(array.Add, table, row), apply(array.Square, row))
	other := matmul(reshape(computed, 1000, n/1000), data(t, floats(3*n/1000), n/1000, 3))
	return matmul(computed, other), func(rank int, c *exec.Config) {
		c.Open = func(context.Context, *array.Source) (exec.Reader, error) {
			if rank == 2 && !c.Comm.InProcess(0) {
				return nil, errors.New("not on this rank")
			}
			return &column{block, new(bool)}, nil
		}
	}
}

// TestLostRank: wherever a rank goes away, before it sends or when it should receive any of its parcels, the Collect and
// those that follow end with its name and the step.
func TestLostRank(t *testing.T) {
	leak.Check(t)
	for _, overQUIC := range []bool{false, true} {
		for _, sending := range []bool{false, true} {
			at := int64(1)
			for lostAt(t, overQUIC, sending, at) {
				at++
			}
			if at < 5 {
				t.Errorf("rank 2 had only %d parcels", at-1)
			}
		}
	}
}

// lostAt cuts rank 2 off at one of its parcels; false where it has none of that number.
func lostAt(t *testing.T, overQUIC, sending bool, at int64) (lost bool) {
	var armed, cut atomic.Bool
	var parcels atomic.Int64
	const control = 4 // the kind of what comm says itself: of two ranks that dial each other at once one is refused
	fault := func(_, _ int, h link.Header) link.Fault {
		if armed.Load() && h.Kind != control && parcels.Add(1) == at {
			cut.Store(true)
			return link.Fault{Cut: true}
		}
		return link.Fault{}
	}
	transports := link.NewMem(3)
	if overQUIC {
		transports = quicTransports(t, 3)
	}
	plan := link.Plan{Recv: fault}
	if sending {
		plan = link.Plan{Send: fault}
	}
	transports[2] = link.NewFault(transports[2], plan)
	n, files := everyStep(t)
	cl := joined(t, transports, files)
	armed.Store(true)
	_, _, err := cl.Collect(context.Background(), []*array.Node{n})
	armed.Store(false)
	if cut.Load() && err == nil { // the last parcel only said that the Collect had ended well
		_, _, err = cl.Collect(context.Background(), []*array.Node{n})
	}
	for range 2 {
		if !cut.Load() {
			break
		}
		var re *comm.RankError
		if !errors.As(err, &re) || re.Rank != 2 || !named(err) {
			t.Errorf("rank 2 was lost at parcel %d, QUIC %v, sending %v: the error is %v", at, overQUIC, sending, err)
		}
		_, _, err = cl.Collect(context.Background(), []*array.Node{n})
	}
	if !cut.Load() && err != nil {
		t.Error(err)
	}
	var re *comm.RankError
	if cut.Load() { // else rank 1 may hear of the end first
		const nobodys = 1 << 20 // tag
		if _, err := comm.Recv(t.Context(), cl.comms[1], 2, nobodys, make([]byte, 1)); !errors.As(err, &re) || re.Rank != 2 {
			t.Errorf("rank 1 waits for rank 2 and got %v", err)
		}
	}
	cl.stop()
	if err := cl.served[1]; (err != nil) != cut.Load() || err != nil && (!errors.As(err, &re) || re.Rank != 2) {
		t.Errorf("rank 1 served and got %v", err)
	}
	if err := cl.served[2]; (err != nil) != cut.Load() {
		t.Errorf("rank 2 served and got %v", err)
	}
	return cut.Load()
}

// named reports whether an error begins with what was going on.
func named(err error) bool {
	for _, step := range []string{"ask ", "begin: ", "read ", "scatter ", "bcast ", "run ", "reduce ", "matmul ", "gather ", "allgather ", "alltoall ", "end: "} {
		if strings.HasPrefix(err.Error(), step) {
			return true
		}
	}
	return false
}

// TestLostDriver: the others' Serve returns with rank 0's name.
func TestLostDriver(t *testing.T) {
	leak.Check(t)
	cl := local(t, 3)
	check(t, cl, xPlusMean(t, 1000))
	cl.comms[0].Close()
	cl.wait.Wait()
	for r, err := range cl.served[1:] {
		var re *comm.RankError
		if !errors.As(err, &re) || re.Rank != 0 {
			t.Errorf("rank %d served and got %v", r+1, err)
		}
	}
}
