package comm_test

import (
	"context"
	"fmt"

	"github.com/darray-go/darray/net/comm"
	"github.com/darray-go/darray/net/comm/sched"
)

// check runs one collective, with about n elements a rank, and holds what this rank gets against the reference.
type check = func(ctx context.Context, c *comm.Comm, root, n int) error

// kind is the collectives over one element type.
type kind struct {
	name   string
	checks map[sched.Op][]check
}

// kinds are elements of 1 to 16 bytes, with operations that neither commute nor are associative where the type has such:
// only the documented order gives the expected result.
func kinds() []kind {
	number := func(r, i int) int { return (r*7919+i*104729+13)%251 - 100 }
	return []kind{
		suite("int8", func(a, b int8) int8 { return 3*a - b }, func(r, i int) int8 { return int8(number(r, i)) }),
		suite("bool", func(a, b bool) bool { return !a || b }, func(r, i int) bool { return number(r, i)%3 == 0 }),
		suite("uint16", func(a, b uint16) uint16 { return 5*a ^ b }, func(r, i int) uint16 { return uint16(number(r, i)) }),
		suite("float32", func(a, b float32) float32 { return a - b/3 }, func(r, i int) float32 { return float32(number(r, i)) }),
		suite("int64", func(a, b int) int { return 7*a - b }, number),
		suite("complex128", func(a, b complex128) complex128 { return a*complex(0, 0.5) + b },
			func(r, i int) complex128 { return complex(float64(number(r, i)), float64(r)) }),
		suite("loc", func(a, b comm.Loc[int32]) comm.Loc[int32] {
			return comm.Loc[int32]{Value: a.Value - 2*b.Value, Index: b.Index}
		},
			func(r, i int) comm.Loc[int32] { return comm.Loc[int32]{Value: int32(number(r, i)), Index: int64(r)} }),
	}
}

// reference computes what every collective gives, from the inputs of all ranks, in plain sequential Go.
type reference[T comparable] struct {
	f  func(a, b T) T
	of func(r, i int) T
}

// vector is what rank r passes.
func (s reference[T]) vector(r, n int) []T {
	xs := make([]T, n)
	for i := range xs {
		xs[i] = s.of(r, i)
	}
	return xs
}

// reduced combines the vectors of ranks 0 to p-1: neighbours, then pairs of them, and so on.
func (s reference[T]) reduced(p, n int) []T {
	var all [][]T
	for r := range p {
		all = append(all, s.vector(r, n))
	}
	for len(all) > 1 {
		half := all[:0]
		for i := 0; i < len(all); i += 2 {
			if i+1 < len(all) {
				for j := range all[i] {
					all[i][j] = s.f(all[i][j], all[i+1][j])
				}
			}
			half = append(half, all[i])
		}
		all = half
	}
	return all[0]
}

// pieces are the vectors of all ranks, of the lengths that counts gives, one after the other.
func (s reference[T]) pieces(p, n int) []T {
	lengths, _ := counts(p, n)
	var all []T
	for r := range p {
		all = append(all, s.vector(r, lengths[r])...)
	}
	return all
}

func equals[T comparable](got, want []T, err error) error {
	if err == nil && len(got) != len(want) {
		err = fmt.Errorf("got %d elements, want %d", len(got), len(want))
	}
	for i := 0; err == nil && i < len(want); i++ {
		if got[i] != want[i] {
			err = fmt.Errorf("element %d of %d: got %v, want %v", i, len(want), got[i], want[i])
		}
	}
	return err
}

func suite[T interface {
	comparable
	comm.Elem
}](name string, f func(a, b T) T, of func(r, i int) T) kind {
	s := reference[T]{f, of}
	each := comm.Each(f)
	onRoot := func(c *comm.Comm, root int, xs []T) []T {
		if c.Rank() != root {
			return nil
		}
		return xs
	}
	// span is rank r's part of counts.
	span := func(p, r, n int) (lo, hi int, lengths []int, sum int) {
		lengths, sum = counts(p, n)
		for _, l := range lengths[:r] {
			lo += l
		}
		return lo, lo + lengths[r], lengths, sum
	}
	checks := map[sched.Op][]check{
		sched.Barrier: {func(ctx context.Context, c *comm.Comm, _, _ int) error { return comm.Barrier(ctx, c) }},
		sched.Bcast: {func(ctx context.Context, c *comm.Comm, root, n int) error {
			xs := s.vector(c.Rank(), n)
			err := comm.Bcast(ctx, c, root, xs)
			return equals(xs, s.vector(root, n), err)
		}},
		sched.Scatter: {func(ctx context.Context, c *comm.Comm, root, n int) error {
			lo, hi, lengths, sum := span(c.Size(), c.Rank(), n)
			got, err := comm.Scatterv(ctx, c, root, onRoot(c, root, s.vector(root, sum)), lengths)
			return equals(got, s.vector(root, sum)[lo:hi], err)
		}},
		sched.Gather: {func(ctx context.Context, c *comm.Comm, root, n int) error {
			lo, hi, _, _ := span(c.Size(), c.Rank(), n)
			got, err := comm.Gather(ctx, c, root, s.vector(c.Rank(), hi-lo))
			return equals(got, onRoot(c, root, s.pieces(c.Size(), n)), err)
		}},
		sched.Allgather: {func(ctx context.Context, c *comm.Comm, _, n int) error {
			lo, hi, _, _ := span(c.Size(), c.Rank(), n)
			got, err := comm.Allgather(ctx, c, s.vector(c.Rank(), hi-lo))
			return equals(got, s.pieces(c.Size(), n), err)
		}},
		sched.Reduce: {func(ctx context.Context, c *comm.Comm, root, n int) error {
			got, err := comm.Reduce(ctx, c, root, each, s.vector(c.Rank(), n))
			return equals(got, onRoot(c, root, s.reduced(c.Size(), n)), err)
		}},
		sched.Allreduce: {func(ctx context.Context, c *comm.Comm, _, n int) error {
			got, err := comm.Allreduce(ctx, c, each, s.vector(c.Rank(), n))
			return equals(got, s.reduced(c.Size(), n), err)
		}},
		sched.ReduceScatter: {func(ctx context.Context, c *comm.Comm, _, n int) error {
			n = (n + c.Size() - 1) / c.Size() // keep the reference quick
			lo, hi, lengths, sum := span(c.Size(), c.Rank(), n)
			got, err := comm.ReduceScatter(ctx, c, each, s.vector(c.Rank(), sum), lengths)
			return equals(got, s.reduced(c.Size(), sum)[lo:hi], err)
		}},
		sched.Scan: {func(ctx context.Context, c *comm.Comm, _, n int) error {
			got, err := comm.Scan(ctx, c, each, s.vector(c.Rank(), n))
			return equals(got, s.reduced(c.Rank()+1, n), err)
		}},
		sched.Exscan: {func(ctx context.Context, c *comm.Comm, _, n int) error {
			got, err := comm.Exscan(ctx, c, each, s.vector(c.Rank(), n))
			if c.Rank() == 0 {
				return equals(got, nil, err)
			}
			return equals(got, s.reduced(c.Rank(), n), err)
		}},
		sched.Alltoall: {s.checkAlltoall(of, func(ctx context.Context, c *comm.Comm, xs []T) ([]T, error) {
			return comm.Alltoall(ctx, c, xs)
		}), s.checkAlltoallv(func(ctx context.Context, c *comm.Comm, xs []T, to []int) ([]T, []int, error) {
			return comm.Alltoallv(ctx, c, xs, to)
		})},
	}
	return kind{name, checks}
}

func (s reference[T]) checkAlltoall(of func(r, i int) T, f func(ctx context.Context, c *comm.Comm, xs []T) ([]T, error)) check {
	return func(ctx context.Context, c *comm.Comm, _, n int) error {
		p, r := c.Size(), c.Rank()
		n = (n + p - 1) / p
		var want []T
		for src := range p {
			for i := r * n; i < (r+1)*n; i++ {
				want = append(want, of(src, i))
			}
		}
		got, err := f(ctx, c, s.vector(r, n*p))
		return equals(got, want, err)
	}
}

func (s reference[T]) checkAlltoallv(f func(ctx context.Context, c *comm.Comm, xs []T, to []int) ([]T, []int, error)) check {
	return func(ctx context.Context, c *comm.Comm, _, n int) error {
		p, r := c.Size(), c.Rank()
		n = (n + p - 1) / p
		var xs, want []T
		var to, from []int
		for i := range p {
			// Rank a sends rank b the elements from 100*b on of its own.
			for j := range toward(r, i, n) {
				xs = append(xs, s.of(r, 100*i+j))
			}
			for j := range toward(i, r, n) {
				want = append(want, s.of(i, 100*r+j))
			}
			to, from = append(to, toward(r, i, n)), append(from, toward(i, r, n))
		}
		got, came, err := f(ctx, c, xs, to)
		if err := equals(came, from, err); err != nil {
			return err
		}
		return equals(got, want, nil)
	}
}
