// Command bucketsort sorts numbers that are spread over the ranks: each rank throws its numbers into a bucket a rank, one
// Alltoallv carries the buckets to their ranks, and each rank sorts what it gets. Rank 0 then looks whether that is what
// sorting all of them in one place gives.
//
//	go run ./examples/bucketsort
//	darray run -n 4 go run ./examples/bucketsort
//	mpirun -n 4 go run ./examples/bucketsort
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"slices"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/net/comm"
)

const (
	n     = 200_000
	below = 1 << 30 // every number is
)

func main() {
	if err := darray.SPMD(bucketsort); err != nil {
		log.Fatal(err)
	}
}

// bucketsort runs on every rank.
func bucketsort(ctx context.Context, c *comm.Comm) error {
	p := c.Size()
	all := numbers()
	mine := all[c.Rank()*n/p : (c.Rank()+1)*n/p]

	buckets := make([][]int64, p)
	for _, x := range mine {
		b := int(x) * p / below
		buckets[b] = append(buckets[b], x)
	}
	counts := make([]int, p)
	for r, bucket := range buckets {
		counts[r] = len(bucket)
	}
	got, _, err := comm.Alltoallv(ctx, c, slices.Concat(buckets...), counts)
	if err != nil {
		return err
	}
	slices.Sort(got)

	sorted, err := comm.Gather(ctx, c, 0, got)
	if err != nil || c.Rank() > 0 {
		return err
	}
	slices.Sort(all)
	if !slices.Equal(sorted, all) {
		return errors.New("sorted otherwise than in one place")
	}
	fmt.Printf("%d numbers sorted: least %d, median %d, greatest %d\n", n, sorted[0], sorted[n/2], sorted[n-1])
	return nil
}

// numbers are the same on every rank, which takes its part of them.
func numbers() []int64 {
	random := rand.New(rand.NewPCG(1, 2))
	xs := make([]int64, n)
	for i := range xs {
		xs[i] = random.Int64N(below)
	}
	return xs
}
