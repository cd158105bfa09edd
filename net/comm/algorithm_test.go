package comm_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
	"github.com/darray-go/darray/net/comm/sched"
)

// Every collective by every algorithm that it has, chosen or not.
func TestAlgorithms(t *testing.T) {
	leak.Check(t)
	checks := map[sched.Op][]check{
		sched.Barrier:       {func(ctx context.Context, c *comm.Comm, _, _ int) error { return comm.Barrier(ctx, c) }},
		sched.Bcast:         {checkBcast},
		sched.Scatter:       {checkScatter, checkScatterv},
		sched.Gather:        {checkGather},
		sched.Allgather:     {checkAllgather},
		sched.Alltoall:      {checkAlltoall, checkAlltoallv},
		sched.Reduce:        {checkReduce},
		sched.Allreduce:     {checkAllreduce},
		sched.ReduceScatter: {checkReduceScatter},
		sched.Scan:          {checkScan},
		sched.Exscan:        {checkExscan},
	}
	ps := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 33}
	if testing.Short() {
		ps = []int{1, 3, 8, 33}
	}
	for _, p := range ps {
		t.Run(fmt.Sprintf("p=%d", p), func(t *testing.T) {
			comms := local(t, p)
			hosts := make([]int, p)
			for r := range hosts {
				hosts[r] = r / 3
			}
			sizes := []int{0, 1, p + 1, 600}
			if p > 9 {
				sizes = []int{0, p + 1}
			}
			for _, op := range sched.Ops() {
				for _, name := range sched.Algorithms(op) {
					if !sched.Fits(op, name, sched.Task{Size: p, Hosts: hosts}) {
						continue
					}
					ctx := comm.ByAlgorithm(t.Context(), name, hosts)
					spmd(t, comms, func(c *comm.Comm) error {
						for i, n := range sizes {
							for _, f := range checks[op] {
								if err := f(ctx, c, (i+1)%p, n); err != nil {
									return fmt.Errorf("%s by %s, n=%d: %w", op, name, n, err)
								}
							}
						}
						return nil
					})
				}
			}
		})
	}
}

// An algorithm that does not fit is an error on all ranks, and the next collective goes on.
func TestAlgorithmUnfit(t *testing.T) {
	leak.Check(t)
	spmd(t, local(t, 3), func(c *comm.Comm) error {
		ctx := comm.ByAlgorithm(t.Context(), "halving", nil)
		if _, err := comm.Allreduce(ctx, c, comm.Sum, []int32{1}); err == nil {
			return errors.New("halving over 3 ranks gave no error")
		}
		return checkAllreduce(t.Context(), c, 0, 3)
	})
}

func TestInto(t *testing.T) {
	leak.Check(t)
	for _, p := range []int{1, 2, 3, 5, 8, 12} {
		t.Run(fmt.Sprintf("p=%d", p), func(t *testing.T) {
			spmd(t, local(t, p), func(c *comm.Comm) error {
				for i, n := range []int{0, 1, p, 513, 3000} {
					if err := checkInto(t.Context(), c, i%p, n); err != nil {
						return fmt.Errorf("n %d: %w", n, err)
					}
				}
				return nil
			})
		})
	}
}

// Memory of the wrong length is an error on every rank, and nobody hangs.
func TestIntoRoom(t *testing.T) {
	leak.Check(t)
	ones := func(n int) []int64 { return make([]int64, n) }
	for _, tt := range []struct {
		name string
		f    func(ctx context.Context, c *comm.Comm, extra int) error
	}{
		{"reduce", func(ctx context.Context, c *comm.Comm, extra int) error {
			return comm.ReduceInto(ctx, c, 1, comm.Sum, ones(4+extra), ones(4))
		}},
		{"allreduce", func(ctx context.Context, c *comm.Comm, extra int) error {
			return comm.AllreduceInto(ctx, c, comm.Sum, ones(4+extra), ones(4))
		}},
		{"scan", func(ctx context.Context, c *comm.Comm, extra int) error {
			return comm.ScanInto(ctx, c, comm.Sum, ones(4+extra), ones(4))
		}},
		{"reducescatter", func(ctx context.Context, c *comm.Comm, extra int) error {
			return comm.ReduceScatterInto(ctx, c, comm.Sum, ones(1+extra), ones(3), []int{1, 1, 1})
		}},
		{"gather", func(ctx context.Context, c *comm.Comm, extra int) error {
			return comm.GatherInto(ctx, c, 1, ones(6+extra), ones(2))
		}},
		{"allgather", func(ctx context.Context, c *comm.Comm, extra int) error {
			return comm.AllgatherInto(ctx, c, ones(6+extra), ones(2))
		}},
		{"scatter", func(ctx context.Context, c *comm.Comm, extra int) error {
			return comm.ScatterInto(ctx, c, 1, ones(2+extra), ones(6))
		}},
		{"alltoall", func(ctx context.Context, c *comm.Comm, extra int) error {
			return comm.AlltoallInto(ctx, c, ones(6+extra), ones(6))
		}},
		{"alltoall that does not divide", func(ctx context.Context, c *comm.Comm, extra int) error {
			_, err := comm.Alltoall(ctx, c, ones(6+max(extra, -extra)))
			return err
		}},
		{"counts", func(ctx context.Context, c *comm.Comm, extra int) error {
			_, _, err := comm.Alltoallv(ctx, c, ones(6), []int{3, 3 + extra, 0})
			return err
		}},
		{"block", func(ctx context.Context, c *comm.Comm, extra int) error {
			_, err := comm.ReduceScatterBlock(ctx, c, comm.Sum, ones(6+max(extra, -extra)))
			return err
		}},
	} {
		for _, extra := range []int{1, -1} {
			t.Run(fmt.Sprintf("%s/%+d", tt.name, extra), func(t *testing.T) {
				spmd(t, local(t, 3), func(c *comm.Comm) error {
					wrong := 0
					if c.Rank() == 1 {
						wrong = extra
					}
					if err := tt.f(t.Context(), c, wrong); err == nil && c.Rank() == 1 {
						return errors.New("no error")
					}
					return nil
				})
			})
		}
	}
}

// typed runs the collectives that combine over one element type; of(r, i) is what rank r has at i.
func typed[T comm.Elem](ctx context.Context, c *comm.Comm, op comm.Op[T], of func(r, i int) T, equal func(a, b T) bool) error {
	const n = 21
	p, r := c.Size(), c.Rank()
	vector := func(r int) []T {
		xs := make([]T, n*p)
		for i := range xs {
			xs[i] = of(r, i)
		}
		return xs
	}
	// want combines the vectors of ranks 0 to k-1 along the tree.
	want := func(k int) []T {
		var all [][]T
		for r := range k {
			all = append(all, vector(r))
		}
		for len(all) > 1 {
			var next [][]T
			for i := 0; i < len(all); i += 2 {
				if i+1 < len(all) {
					op(all[i], all[i+1])
				}
				next = append(next, all[i])
			}
			all = next
		}
		return all[0]
	}
	check := func(what string, got, want []T, err error) error {
		if err == nil && len(got) != len(want) {
			err = fmt.Errorf("got %d elements, want %d", len(got), len(want))
		}
		for i := 0; err == nil && i < len(want); i++ {
			if !equal(got[i], want[i]) {
				err = fmt.Errorf("element %d: got %v, want %v", i, got[i], want[i])
			}
		}
		if err != nil {
			return fmt.Errorf("%s of %T: %w", what, got, err)
		}
		return nil
	}
	all, err := comm.Allreduce(ctx, c, op, vector(r))
	if err := check("allreduce", all, want(p), err); err != nil {
		return err
	}
	run, err := comm.ReduceScatterBlock(ctx, c, op, vector(r))
	if err := check("reducescatter", run, want(p)[r*n:(r+1)*n], err); err != nil {
		return err
	}
	prefix, err := comm.Scan(ctx, c, op, vector(r))
	if err := check("scan", prefix, want(r+1), err); err != nil {
		return err
	}
	gathered, err := comm.Allgather(ctx, c, vector(r)[:n])
	var whole, column []T
	for src := range p {
		whole = append(whole, vector(src)[:n]...)
		column = append(column, vector(src)[r*n:(r+1)*n]...)
	}
	if err := check("allgather", gathered, whole, err); err != nil {
		return err
	}
	turned, err := comm.Alltoall(ctx, c, vector(r))
	return check("alltoall", turned, column, err)
}

func TestTypes(t *testing.T) {
	leak.Check(t)
	type celsius float32
	for _, p := range []int{1, 2, 5, 8, 11} {
		t.Run(fmt.Sprintf("p=%d", p), func(t *testing.T) {
			spmd(t, local(t, p), func(c *comm.Comm) error {
				ctx := t.Context()
				number := func(r, i int) int { return (r*7919+i*104729+13)%251 - 100 }
				return cmpErr(
					typed(ctx, c, comm.Sum, func(r, i int) int8 { return int8(number(r, i)) }, same1),
					typed(ctx, c, comm.Prod, func(r, i int) uint16 { return uint16(number(r, i)) }, same1),
					typed(ctx, c, comm.And, func(r, i int) int32 { return int32(number(r, i)) }, same1),
					typed(ctx, c, comm.Or, func(r, i int) uint8 { return uint8(number(r, i)) }, same1),
					typed(ctx, c, comm.Xor, number, same1),
					typed(ctx, c, comm.Min, func(r, i int) celsius { return celsius(number(r, i)) }, same1),
					typed(ctx, c, comm.Max, func(r, i int) uint64 { return uint64(number(r, i)) }, same1),
					typed(ctx, c, comm.All, func(r, i int) bool { return number(r, i)%5 != 0 }, same1),
					typed(ctx, c, comm.Any, func(r, i int) bool { return number(r, i)%5 == 0 }, same1),
					typed(ctx, c, comm.Each(func(a, b complex128) complex128 { return a*complex(0, 0.5) + b }),
						func(r, i int) complex128 { return complex(float64(number(r, i)), float64(r)) }, same1),
					typed(ctx, c, comm.MinLoc, func(r, i int) comm.Loc[int8] {
						return comm.Loc[int8]{Value: int8(number(r, i)) / 50, Index: int64(r*1000 + i)}
					}, same1),
					typed(ctx, c, comm.MaxLoc, func(r, i int) comm.Loc[float64] {
						return comm.Loc[float64]{Value: float64(number(r, i) / 50), Index: int64(-r)}
					}, same1),
				)
			})
		})
	}
}

func same1[T comparable](a, b T) bool { return a == b }

func TestLoc(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	type loc = comm.Loc[float64]
	for _, tt := range []struct{ a, b, least, most loc }{
		{loc{1, 0}, loc{2, 1}, loc{1, 0}, loc{2, 1}},
		{loc{1, 5}, loc{1, 3}, loc{1, 3}, loc{1, 3}},
		{loc{nan, 5}, loc{-inf, 3}, loc{nan, 5}, loc{nan, 5}},
		{loc{inf, 5}, loc{nan, 9}, loc{nan, 9}, loc{nan, 9}},
		{loc{nan, 5}, loc{nan, 3}, loc{nan, 3}, loc{nan, 3}},
		{loc{0, 5}, loc{math.Copysign(0, -1), 6}, loc{0, 5}, loc{0, 5}},
	} {
		least, most := []loc{tt.a}, []loc{tt.a}
		comm.MinLoc(least, []loc{tt.b})
		comm.MaxLoc(most, []loc{tt.b})
		if fmt.Sprint(least[0]) != fmt.Sprint(tt.least) || fmt.Sprint(most[0]) != fmt.Sprint(tt.most) {
			t.Errorf("%v and %v: least %v, most %v, want %v, %v", tt.a, tt.b, least[0], most[0], tt.least, tt.most)
		}
	}
}
