package comm_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
	"github.com/darray-go/darray/net/link"
)

// The reference: what every collective gives, from the inputs of all ranks, in plain sequential Go.

// input is what rank r passes: n numbers of either sign and very different size, which differ by rank, place and salt.
func input(r, n, salt int) []float64 { return part(r, 0, n, salt) }

// part is elements [lo, hi) of what rank r passes.
func part(r, lo, hi, salt int) []float64 {
	xs := make([]float64, hi-lo)
	for i := range xs {
		h := uint64(1+lo+i) * uint64(2*salt+1) * uint64(2*r+3) * 0x9e3779b97f4a7c15
		xs[i] = math.Float64frombits(h&(1<<63|1<<52-1) | (1003+h>>58%40)<<52)
	}
	return xs
}

// runOf is the run of xs that rank r of p gets: the first n mod p ranks have one more.
func runOf(xs []float64, r, p int) []float64 {
	n, q, m := len(xs), len(xs)/p, len(xs)%p
	lo := r*q + min(r, m)
	hi := (r+1)*q + min(r+1, m)
	return xs[lo:min(hi, n)]
}

// reduced combines the vectors of ranks lo to hi along the documented tree: neighbours, then pairs of them, and so on.
func reduced(all [][]float64, f func(a, b float64) float64) []float64 {
	for len(all) > 1 {
		var next [][]float64
		for i := 0; i < len(all); i += 2 {
			if i+1 == len(all) {
				next = append(next, all[i])
				break
			}
			sum := make([]float64, len(all[i]))
			for j := range sum {
				sum[j] = f(all[i][j], all[i+1][j])
			}
			next = append(next, sum)
		}
		all = next
	}
	return all[0]
}

func same(got, want []float64) error {
	if len(got) != len(want) {
		return fmt.Errorf("got %d elements, want %d", len(got), len(want))
	}
	for i := range got {
		if math.Float64bits(got[i]) != math.Float64bits(want[i]) {
			return fmt.Errorf("element %d of %d: got %v, want %v", i, len(got), got[i], want[i])
		}
	}
	return nil
}

// checkAll runs every collective on c with root and about n elements a rank, and compares each result.
func checkAll(ctx context.Context, c *comm.Comm, root, n int) error {
	for _, check := range []struct {
		name string
		f    func(ctx context.Context, c *comm.Comm, root, n int) error
	}{
		{"bcast", checkBcast},
		{"scatter", checkScatter},
		{"scatterv", checkScatterv},
		{"gather", checkGather},
		{"allgather", checkAllgather},
		{"reduce", checkReduce},
		{"allreduce", checkAllreduce},
		{"alltoall", checkAlltoall},
		{"alltoallv", checkAlltoallv},
		{"reducescatter", checkReduceScatter},
		{"scan", checkScan},
		{"exscan", checkExscan},
		{"barrier", func(ctx context.Context, c *comm.Comm, _, _ int) error { return comm.Barrier(ctx, c) }},
	} {
		if err := check.f(ctx, c, root, n); err != nil {
			return fmt.Errorf("%s, root %d, n %d: %w", check.name, root, n, err)
		}
	}
	return nil
}

func checkBcast(ctx context.Context, c *comm.Comm, root, n int) error {
	xs := input(c.Rank(), n, 1)
	if err := comm.Bcast(ctx, c, root, xs); err != nil {
		return err
	}
	return same(xs, input(root, n, 1))
}

func checkScatter(ctx context.Context, c *comm.Comm, root, n int) error {
	whole := input(root, n, 2)
	var xs []float64
	if c.Rank() == root {
		xs = whole
	}
	got, err := comm.Scatter(ctx, c, root, xs)
	if err != nil {
		return err
	}
	return same(got, runOf(whole, c.Rank(), c.Size()))
}

// counts gives rank r 0, 1, 2 or 3 parts of n.
func counts(p, n int) (counts []int, sum int) {
	for r := range p {
		counts = append(counts, (r*5+2)%4*n/3)
		sum += counts[r]
	}
	return counts, sum
}

func checkScatterv(ctx context.Context, c *comm.Comm, root, n int) error {
	counts, sum := counts(c.Size(), n)
	whole := input(root, sum, 3)
	var xs []float64
	var passed []int
	if c.Rank() == root {
		xs, passed = whole, counts
	}
	got, err := comm.Scatterv(ctx, c, root, xs, passed)
	if err != nil {
		return err
	}
	for r := range c.Rank() {
		whole = whole[counts[r]:]
	}
	return same(got, whole[:counts[c.Rank()]])
}

// gathered is the slices of all ranks one after the other.
func gathered(p, n, salt int) []float64 {
	counts, _ := counts(p, n)
	var all []float64
	for r := range p {
		all = append(all, input(r, counts[r], salt)...)
	}
	return all
}

func checkGather(ctx context.Context, c *comm.Comm, root, n int) error {
	counts, _ := counts(c.Size(), n)
	got, err := comm.Gather(ctx, c, root, input(c.Rank(), counts[c.Rank()], 4))
	if err != nil {
		return err
	}
	if c.Rank() != root {
		if got != nil {
			return fmt.Errorf("got %d elements off the root", len(got))
		}
		return nil
	}
	return same(got, gathered(c.Size(), n, 4))
}

func checkAllgather(ctx context.Context, c *comm.Comm, _, n int) error {
	counts, _ := counts(c.Size(), n)
	got, err := comm.Allgather(ctx, c, input(c.Rank(), counts[c.Rank()], 5))
	if err != nil {
		return err
	}
	return same(got, gathered(c.Size(), n, 5))
}

func inputs(p, n, salt int) [][]float64 { return parts(p, 0, n, salt) }

// parts is elements [lo, hi) of what each of p ranks passes.
func parts(p, lo, hi, salt int) [][]float64 {
	all := make([][]float64, p)
	for r := range all {
		all[r] = part(r, lo, hi, salt)
	}
	return all
}

func checkReduce(ctx context.Context, c *comm.Comm, root, n int) error {
	// Neither commutes nor is associative: only the documented order gives the expected bits.
	f := func(a, b float64) float64 { return a - b/3 }
	xs := input(c.Rank(), n, 6)
	got, err := comm.Reduce(ctx, c, root, comm.Each(f), xs)
	if err != nil {
		return err
	}
	if err := same(xs, input(c.Rank(), n, 6)); err != nil {
		return fmt.Errorf("the argument has changed: %w", err)
	}
	if c.Rank() != root {
		if got != nil {
			return fmt.Errorf("got %d elements off the root", len(got))
		}
		return nil
	}
	return same(got, reduced(inputs(c.Size(), n, 6), f))
}

func checkAllreduce(ctx context.Context, c *comm.Comm, _, n int) error {
	for i, op := range []struct {
		op comm.Op[float64]
		f  func(a, b float64) float64
	}{
		{comm.Sum[float64], func(a, b float64) float64 { return a + b }},
		{comm.Max[float64], func(a, b float64) float64 { return max(a, b) }},
		{comm.Each(func(a, b float64) float64 { return 2*a + b }), func(a, b float64) float64 { return 2*a + b }},
	} {
		got, err := comm.Allreduce(ctx, c, op.op, input(c.Rank(), n, 7))
		if err == nil {
			err = same(got, reduced(inputs(c.Size(), n, 7), op.f))
		}
		if err != nil {
			return fmt.Errorf("op %d: %w", i, err)
		}
	}
	return nil
}

// sizes are the element counts at which something changes for p ranks: none, fewer than ranks, one each, one more, and
// around the limits of riding along in a tree
// and of sending without waiting.
func sizes(p int) []int {
	const eager = link.EagerLimit / 8
	s := []int{0, 1, p - 1, p, p + 1, 512, 513, eager, eager + 1}
	if p <= 4 || p == 7 && !slow() {
		s = append(s, 8193) // from 64 KiB on reductions go in pieces
	}
	slices.Sort(s)
	return slices.Compact(s)
}

func TestCollectives(t *testing.T) {
	leak.Check(t)
	for _, p := range ranksOf([]int{1, 2, 3, 4, 5, 6, 7, 8, 9}, []int{1, 2, 3, 5, 7, 8}) {
		t.Run(fmt.Sprintf("mem/p=%d", p), func(t *testing.T) {
			spmd(t, local(t, p), func(c *comm.Comm) error {
				for root := range p {
					for i, n := range sizes(p) {
						if i%p != root && root < p-1 {
							continue // every root meets some sizes, the last one all
						}
						if err := checkAll(t.Context(), c, root, n); err != nil {
							return err
						}
					}
				}
				return nil
			})
		})
	}
	for _, p := range []int{2, 3, 5} {
		t.Run(fmt.Sprintf("quic/p=%d", p), func(t *testing.T) {
			spmd(t, overQUIC(t, p), func(c *comm.Comm) error {
				for i, n := range sizes(p) {
					if err := checkAll(t.Context(), c, i%p, n); err != nil {
						return err
					}
				}
				return nil
			})
		})
	}
}

// Every number of ranks over QUIC, with one size that rides along and one that does not.
func TestCollectivesQUIC(t *testing.T) {
	leak.Check(t)
	for _, p := range ranksOf([]int{1, 2, 3, 4, 5, 6, 7, 8, 9}, []int{1, 4, 9}) {
		t.Run(fmt.Sprintf("p=%d", p), func(t *testing.T) {
			spmd(t, overQUIC(t, p), func(c *comm.Comm) error {
				if err := checkAll(t.Context(), c, p-1, 2*p+1); err != nil {
					return err
				}
				return checkAll(t.Context(), c, p/2, 3000)
			})
		})
	}
}

// From 1 MiB on a broadcast goes in pieces.
func TestBcastLarge(t *testing.T) {
	leak.Check(t)
	for _, p := range []int{2, 3, 8} {
		t.Run(fmt.Sprintf("p=%d", p), func(t *testing.T) {
			spmd(t, local(t, p), func(c *comm.Comm) error {
				return checkBcast(t.Context(), c, p-1, 135_001)
			})
		})
	}
}
