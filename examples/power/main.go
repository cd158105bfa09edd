// Command power finds the largest eigenvalue of a matrix by power iteration (von Mises, 1929). The ranks keep the matrix in parts: it is
// computed once and never moves, while each step brings all of them the vector.
//
//	go run ./examples/power
//	darray run -n 4 go run ./examples/power
//	mpirun -n 4 go run ./examples/power
package main

import (
	"context"
	"flag"
	"fmt"
	"log"

	"github.com/darray-go/darray"
)

func main() {
	n := flag.Int("n", 600, "rows and columns")
	steps := flag.Int("steps", 30, "products with the matrix")
	flag.Parse()
	err := darray.Main(func(ctx context.Context, c *darray.Cluster) error { return power(ctx, c, *n, *steps) })
	if err != nil {
		log.Fatal(err)
	}
}

// power iterates over the covariances of a random walk that forgets, exp(-|i-j|/50).
func power(ctx context.Context, c *darray.Cluster, n, steps int) error {
	i := darray.Arange(0, float64(n), 1)
	distance := darray.Abs(darray.Subtract(i.Reshape(n, 1), i))
	kept, err := c.Persist(ctx, darray.Exp(darray.Divide(distance, -50)), darray.Add(darray.Multiply(i, 0), 1))
	if err != nil {
		return err
	}
	matrix, x := kept[0], kept[1]
	for range steps {
		y := darray.Matmul(matrix, x)
		next, err := c.Persist(ctx, darray.Divide(y, darray.Sqrt(darray.Sum(darray.Square(y)))))
		if err != nil {
			return err
		}
		x.Release() // or leave it to the garbage collector
		x = next[0]
	}
	y := darray.Matmul(matrix, x)
	value := darray.Sum(darray.Multiply(x, y))
	residual := darray.Max(darray.Abs(darray.Subtract(y, darray.Multiply(value, x))))
	blocks, stats, err := c.CollectStats(ctx, value, residual)
	if err != nil {
		return err
	}
	fmt.Printf("eigenvalue %v of a %d x %d matrix on %d ranks; A x differs from it times x by %.1e\n", blocks[0], n, n, stats.Ranks, residualOf(blocks[1]))
	return nil
}

// residualOf is the number in a block of one.
func residualOf(b *darray.Block) float64 {
	xs, err := darray.Values[float64](b)
	if err != nil {
		log.Fatal(err)
	}
	return xs[0]
}
