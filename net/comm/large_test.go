package comm_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
)

// Every collective over 1024 ranks of one process.
func TestManyRanks(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	leak.Check(t)
	p := 1024
	if raceEnabled {
		p = 128
	}
	start := time.Now()
	comms := local(t, p)
	t.Logf("%v to join", time.Since(start))
	// Sums of ranks have an answer that needs no vectors of all ranks.
	sum := func(n int) int64 { return int64(n) * int64(n-1) / 2 }
	for _, tt := range []struct {
		name string
		f    func(ctx context.Context, c *comm.Comm, r int64) error
	}{
		{"barrier", func(ctx context.Context, c *comm.Comm, r int64) error { return comm.Barrier(ctx, c) }},
		{"bcast", func(ctx context.Context, c *comm.Comm, r int64) error {
			xs := []int64{r}
			return cmpErr(comm.Bcast(ctx, c, 5, xs), equal(xs, 5))
		}},
		{"scatter", func(ctx context.Context, c *comm.Comm, r int64) error {
			var xs []int64
			if r == 5 {
				for i := range p {
					xs = append(xs, int64(i))
				}
			}
			got, err := comm.Scatter(ctx, c, 5, xs)
			return cmpErr(err, equal(got, r))
		}},
		{"gather", func(ctx context.Context, c *comm.Comm, r int64) error {
			got, err := comm.Gather(ctx, c, 5, []int64{r})
			if err != nil || r != 5 {
				return err
			}
			return inOrder(got, p)
		}},
		{"allgather", func(ctx context.Context, c *comm.Comm, r int64) error {
			got, err := comm.Allgather(ctx, c, []int64{r})
			return cmpErr(err, inOrder(got, p))
		}},
		{"alltoall", func(ctx context.Context, c *comm.Comm, r int64) error {
			xs := make([]int64, p)
			for i := range xs {
				xs[i] = r
			}
			got, err := comm.Alltoall(ctx, c, xs)
			return cmpErr(err, inOrder(got, p))
		}},
		{"alltoallv", func(ctx context.Context, c *comm.Comm, r int64) error {
			counts := make([]int, p)
			counts[r], counts[(r+1)%int64(p)] = 1, 1
			got, _, err := comm.Alltoallv(ctx, c, []int64{r, r}, counts)
			before := (r - 1 + int64(p)) % int64(p)
			return cmpErr(err, equal(got, min(r, before), max(r, before)))
		}},
		{"reduce", func(ctx context.Context, c *comm.Comm, r int64) error {
			got, err := comm.Reduce(ctx, c, 5, comm.Sum, []int64{r})
			if err != nil || r != 5 {
				return err
			}
			return equal(got, sum(p))
		}},
		{"allreduce", func(ctx context.Context, c *comm.Comm, r int64) error {
			got, err := comm.Allreduce(ctx, c, comm.Sum, []int64{r})
			return cmpErr(err, equal(got, sum(p)))
		}},
		{"reducescatter", func(ctx context.Context, c *comm.Comm, r int64) error {
			xs := make([]int64, p)
			for i := range xs {
				xs[i] = r + int64(i)
			}
			got, err := comm.ReduceScatterBlock(ctx, c, comm.Sum, xs)
			return cmpErr(err, equal(got, sum(p)+r*int64(p)))
		}},
		{"scan", func(ctx context.Context, c *comm.Comm, r int64) error {
			got, err := comm.Scan(ctx, c, comm.Sum, []int64{r})
			return cmpErr(err, equal(got, sum(int(r)+1)))
		}},
		{"exscan", func(ctx context.Context, c *comm.Comm, r int64) error {
			got, err := comm.Exscan(ctx, c, comm.Sum, []int64{r})
			if err != nil || r == 0 {
				return err
			}
			return equal(got, sum(int(r)))
		}},
	} {
		start := time.Now()
		spmd(t, comms, func(c *comm.Comm) error {
			if err := tt.f(t.Context(), c, int64(c.Rank())); err != nil {
				return fmt.Errorf("%s: %w", tt.name, err)
			}
			return nil
		})
		t.Logf("%s: %v", tt.name, time.Since(start))
	}
}

func equal(got []int64, want ...int64) error {
	if len(got) != len(want) {
		return fmt.Errorf("got %d elements, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			return fmt.Errorf("element %d: got %d, want %d", i, got[i], want[i])
		}
	}
	return nil
}

func inOrder(got []int64, n int) error {
	want := make([]int64, n)
	for i := range want {
		want[i] = int64(i)
	}
	return equal(got, want...)
}
