package comm_test

import (
	"context"
	"fmt"
	"slices"

	"github.com/darray-go/darray/net/comm"
)

// Checks of the collectives that give each rank something else. The references are in collective_test.go.

// odd neither commutes nor is associative: only the documented order gives the expected bits.
func odd(a, b float64) float64 { return a - b/3 }

func checkAlltoall(ctx context.Context, c *comm.Comm, _, n int) error {
	p, r := c.Size(), c.Rank()
	xs := input(r, n*p, 8)
	var want []float64
	for src := range p {
		want = append(want, part(src, r*n, (r+1)*n, 8)...)
	}
	got, err := comm.Alltoall(ctx, c, xs)
	if err == nil {
		err = same(got, want)
	}
	if err != nil {
		return err
	}
	if err := comm.AlltoallInto(ctx, c, xs, xs); err != nil {
		return err
	}
	return same(xs, want)
}

// toward is how many elements rank src sends rank dst.
func toward(src, dst, n int) int { return (3*src + 5*dst) % 4 * n / 2 }

func checkAlltoallv(ctx context.Context, c *comm.Comm, _, n int) error {
	p, r := c.Size(), c.Rank()
	// block is what src sends dst, as a part of all that src passes.
	block := func(src, dst int) []float64 {
		lo := 0
		for d := range dst {
			lo += toward(src, d, n)
		}
		return part(src, lo, lo+toward(src, dst, n), 9)
	}
	var xs, want []float64
	var counts, came []int
	for i := range p {
		xs, counts = append(xs, block(r, i)...), append(counts, toward(r, i, n))
		want, came = append(want, block(i, r)...), append(came, toward(i, r, n))
	}
	got, gotCounts, err := comm.Alltoallv(ctx, c, xs, counts)
	if err != nil {
		return err
	}
	if !slices.Equal(gotCounts, came) {
		return fmt.Errorf("got counts %v, want %v", gotCounts, came)
	}
	return same(got, want)
}

func checkReduceScatter(ctx context.Context, c *comm.Comm, _, n int) error {
	p, r := c.Size(), c.Rank()
	runs, sum := counts(p, n)
	lo := 0
	for i := range r {
		lo += runs[i]
	}
	got, err := comm.ReduceScatter(ctx, c, comm.Each(odd), input(r, sum, 10), runs)
	if err == nil {
		err = same(got, reduced(parts(p, lo, lo+runs[r], 10), odd))
	}
	if err != nil {
		return fmt.Errorf("with counts: %w", err)
	}
	if n > 600 {
		n /= p // keep the reference quick
	}
	xs := input(r, n*p, 11)
	want := reduced(parts(p, r*n, (r+1)*n, 11), odd)
	if got, err = comm.ReduceScatterBlock(ctx, c, comm.Each(odd), xs); err == nil {
		err = same(got, want)
	}
	if err != nil {
		return fmt.Errorf("equal: %w", err)
	}
	equal := slices.Repeat([]int{n}, p)
	if err = comm.ReduceScatterInto(ctx, c, comm.Each(odd), xs[:n], xs, equal); err == nil {
		err = same(xs[:n], want)
	}
	if err != nil {
		return fmt.Errorf("in place: %w", err)
	}
	return nil
}

func checkScan(ctx context.Context, c *comm.Comm, _, n int) error {
	xs := input(c.Rank(), n, 12)
	want := reduced(inputs(c.Rank()+1, n, 12), odd)
	got, err := comm.Scan(ctx, c, comm.Each(odd), xs)
	if err == nil {
		err = same(got, want)
	}
	if err == nil {
		err = comm.ScanInto(ctx, c, comm.Each(odd), xs, xs)
	}
	if err != nil {
		return err
	}
	return same(xs, want)
}

func checkExscan(ctx context.Context, c *comm.Comm, _, n int) error {
	xs := input(c.Rank(), n, 13)
	got, err := comm.Exscan(ctx, c, comm.Each(odd), xs)
	if err != nil {
		return err
	}
	if c.Rank() == 0 {
		if got != nil {
			return fmt.Errorf("rank 0 got %d elements", len(got))
		}
		err := comm.ExscanInto(ctx, c, comm.Each(odd), xs, xs)
		return cmpErr(err, same(xs, input(0, n, 13)))
	}
	want := reduced(inputs(c.Rank(), n, 13), odd)
	if err := same(got, want); err != nil {
		return err
	}
	err = comm.ExscanInto(ctx, c, comm.Each(odd), xs, xs)
	return cmpErr(err, same(xs, want))
}

// cmpErr is the first that is not nil.
func cmpErr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// checkInto runs the forms that write into the caller's memory, in place where that is allowed.
func checkInto(ctx context.Context, c *comm.Comm, root, n int) error {
	p, r := c.Size(), c.Rank()
	lengths, sum := counts(p, n)
	lo := 0
	for i := range r {
		lo += lengths[i]
	}
	all := make([]float64, sum)
	mine := all[lo : lo+lengths[r]]
	copy(mine, input(r, lengths[r], 14))
	if err := cmpErr(comm.AllgatherInto(ctx, c, all, mine), same(all, gathered(p, n, 14))); err != nil {
		return fmt.Errorf("allgather: %w", err)
	}
	clear(all)
	err := comm.GatherInto(ctx, c, root, all, input(r, lengths[r], 15))
	if r == root {
		err = cmpErr(err, same(all, gathered(p, n, 15)))
	}
	if err != nil {
		return fmt.Errorf("gather: %w", err)
	}
	whole := input(root, n, 16)
	run := make([]float64, len(runOf(whole, r, p)))
	if r != root {
		whole = nil
	}
	if err := cmpErr(comm.ScatterInto(ctx, c, root, run, whole), same(run, runOf(input(root, n, 16), r, p))); err != nil {
		return fmt.Errorf("scatter: %w", err)
	}
	want := reduced(inputs(p, n, 17), odd)
	xs := input(r, n, 17)
	if err := cmpErr(comm.AllreduceInto(ctx, c, comm.Each(odd), xs, xs), same(xs, want)); err != nil {
		return fmt.Errorf("allreduce: %w", err)
	}
	xs = input(r, n, 17)
	err = comm.ReduceInto(ctx, c, root, comm.Each(odd), xs, xs)
	if r == root {
		err = cmpErr(err, same(xs, want))
	} else {
		err = cmpErr(err, same(xs, input(r, n, 17)))
	}
	if err != nil {
		return fmt.Errorf("reduce: %w", err)
	}
	return nil
}
