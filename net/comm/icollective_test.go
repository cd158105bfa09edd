package comm_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
)

// pendingResult is a collective under way and what it must give.
type pendingResult struct {
	name string
	*comm.Result[float64]
	want []float64
}

// startAll starts every non-blocking collective at once.
func startAll(t *testing.T, c *comm.Comm, root, n, salt int) []pendingResult {
	ctx, p, r := t.Context(), c.Size(), c.Rank()
	onRoot := func(xs []float64) []float64 {
		if r == root {
			return xs
		}
		return nil
	}
	lengths, sum := counts(p, n)
	lo := 0
	for i := range r {
		lo += lengths[i]
	}
	vector := input(r, n, salt)
	total := reduced(inputs(p, n, salt), odd)
	var before []float64
	if r > 0 {
		before = reduced(inputs(r, n, salt), odd)
	}
	var column []float64
	for src := range p {
		column = append(column, input(src, n*p, salt)[r*n:(r+1)*n]...)
	}
	f := comm.Each(odd)
	mine := input(r, lengths[r], salt)
	whole := input(root, sum, salt)
	return []pendingResult{
		{"bcast", comm.Ibcast(ctx, c, root, input(r, n, salt)), input(root, n, salt)},
		{"scatter", comm.Iscatter(ctx, c, root, onRoot(whole)), runOf(whole, r, p)},
		{"scatterv", comm.Iscatterv(ctx, c, root, onRoot(whole), lengths), whole[lo : lo+lengths[r]]},
		{"gather", comm.Igather(ctx, c, root, mine), onRoot(gathered(p, n, salt))},
		{"allgather", comm.Iallgather(ctx, c, mine), gathered(p, n, salt)},
		{"alltoall", comm.Ialltoall(ctx, c, input(r, n*p, salt)), column},
		{"reduce", comm.Ireduce(ctx, c, root, f, vector), onRoot(total)},
		{"allreduce", comm.Iallreduce(ctx, c, f, vector), total},
		{"reducescatter", comm.Ireducescatter(ctx, c, f, input(r, sum, salt), lengths), reduced(inputs(p, sum, salt), odd)[lo : lo+lengths[r]]},
		{"scan", comm.Iscan(ctx, c, f, vector), reduced(inputs(r+1, n, salt), odd)},
		{"exscan", comm.Iexscan(ctx, c, f, vector), before},
	}
}

// All of them are under way at the same time, beside a blocking one, and are waited for in an order that differs by rank.
func TestNonBlocking(t *testing.T) {
	leak.Check(t)
	for _, p := range []int{1, 2, 5, 8} {
		t.Run(fmt.Sprintf("p=%d", p), func(t *testing.T) {
			spmd(t, local(t, p), func(c *comm.Comm) error {
				var all []pendingResult
				for i, n := range []int{3, 0, 900} {
					all = append(all, startAll(t, c, i%p, n, 20+i)...)
				}
				barrier := comm.Ibarrier(t.Context(), c)
				if err := checkAllreduce(t.Context(), c, 0, 5); err != nil {
					return err
				}
				for i := range all {
					a := all[(i*7+c.Rank())%len(all)]
					got, err := a.Values(t.Context())
					if err := cmpErr(err, same(got, a.want)); err != nil {
						return fmt.Errorf("%s: %w", a.name, err)
					}
				}
				_, err := barrier.Wait(t.Context())
				return err
			})
		})
	}
}

// One that cannot begin, or that one rank cannot do, is done with an error; the next collective goes on.
func TestNonBlockingErrors(t *testing.T) {
	leak.Check(t)
	spmd(t, local(t, 3), func(c *comm.Comm) error {
		if _, err := comm.Ibcast(t.Context(), c, 3, []int{1}).Values(t.Context()); err == nil {
			return errors.New("a broadcast from rank 3 of 3 gave no error")
		}
		counts := []int{1, 1, 1}
		if c.Rank() == 1 {
			counts = nil
		}
		if _, err := comm.Iscatterv(t.Context(), c, 1, []int{1, 2, 3}, counts).Values(t.Context()); err == nil {
			return errors.New("a scatter without counts gave no error")
		}
		return checkAllreduce(t.Context(), c, 0, 3)
	})
}

// Ranks on hosts of different sizes, which the table of the job names: the algorithms by host are chosen.
func TestHosts(t *testing.T) {
	leak.Check(t)
	const p = 7
	cfgs := configs(quicTransports(t, p))
	for r := range cfgs {
		cfgs[r].Host = fmt.Sprintf("h%d", (r+2)/4)
	}
	comms, errs := joinAll(t.Context(), cfgs)
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, comms)
	spmd(t, comms, func(c *comm.Comm) error {
		for _, root := range ranksOf([]int{0, 1, 2, 3, 4, 5, 6}, []int{0, 2, 5}) {
			if err := checkAll(t.Context(), c, root, 700*root); err != nil {
				return err
			}
		}
		return nil
	})
}

// Alltoallv under way beside another collective gives what the blocking one does.
func TestIalltoallv(t *testing.T) {
	leak.Check(t)
	spmd(t, local(t, 4), func(c *comm.Comm) error {
		p, r := c.Size(), c.Rank()
		counts := make([]int, p)
		var xs []int
		for to := range p {
			counts[to] = (r + 2*to) % 3
			for range counts[to] {
				xs = append(xs, 10*r+to)
			}
		}
		going, came := comm.Ialltoallv(t.Context(), c, xs, counts)
		if err := comm.Barrier(t.Context(), c); err != nil {
			return err
		}
		got, err := going.Values(t.Context())
		if err != nil {
			return err
		}
		var want []int
		for from := range p {
			n := (from + 2*r) % 3
			if (*came)[from] != n {
				return fmt.Errorf("%v came, want %d from rank %d", *came, n, from)
			}
			for range n {
				want = append(want, 10*from+r)
			}
		}
		if !slices.Equal(got, want) {
			return fmt.Errorf("got %v, want %v", got, want)
		}
		return nil
	})
}
