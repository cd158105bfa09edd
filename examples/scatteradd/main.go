// Command scatteradd is the classic MPI tutorial: rank 0 scatters A and B, every rank adds its parts, rank 0 gathers C.
//
//	darray run -n 4 go run ./examples/scatteradd
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/net/comm"
)

const n = 100

func main() {
	if err := darray.SPMD(scatterAdd); err != nil {
		log.Fatal(err)
	}
}

// scatterAdd runs on every rank.
func scatterAdd(ctx context.Context, c *comm.Comm) error {
	var a, b []float64
	if c.Rank() == 0 {
		a, b = arange(n), ones(n)
	}
	partA, err := comm.Scatter(ctx, c, 0, a)
	if err != nil {
		return err
	}
	partB, err := comm.Scatter(ctx, c, 0, b)
	if err != nil {
		return err
	}
	partC := make([]float64, len(partA))
	for i := range partC {
		partC[i] = partA[i] + partB[i]
	}
	sum, err := comm.Gather(ctx, c, 0, partC)
	if err != nil {
		return err
	}
	if c.Rank() == 0 {
		fmt.Println("Result of A + B =", short(sum))
	}
	return nil
}

func arange(n int) []float64 {
	xs := make([]float64, n)
	for i := range xs {
		xs[i] = float64(i)
	}
	return xs
}

func ones(n int) []float64 {
	xs := make([]float64, n)
	for i := range xs {
		xs[i] = 1
	}
	return xs
}

// short prints the head and the last element.
func short(xs []float64) string {
	if len(xs) <= 4 {
		return fmt.Sprint(xs)
	}
	return fmt.Sprintf("[%v %v %v ... %v]", xs[0], xs[1], xs[2], xs[len(xs)-1])
}
