// Command pi adds up slices of 4/(1+x²) under [0, 1], whose area is pi: every rank takes each size-th slice, and one
// Allreduce gives all of them the sum.
//
//	go run ./examples/pi
//	darray run -n 4 go run ./examples/pi
//	mpirun -n 4 go run ./examples/pi
package main

import (
	"context"
	"fmt"
	"log"
	"math"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/net/comm"
)

// slices of width 1/slices: the midpoint rule errs by 1/(12 slices²), here 8e-14.
const slices = 1_000_000

func main() {
	if err := darray.SPMD(pi); err != nil {
		log.Fatal(err)
	}
}

// pi runs on every rank.
func pi(ctx context.Context, c *comm.Comm) error {
	area := 0.0
	for i := c.Rank(); i < slices; i += c.Size() {
		x := (float64(i) + 0.5) / slices
		area += 4 / (1 + x*x) / slices
	}
	total, err := comm.Allreduce(ctx, c, comm.Sum[float64], []float64{area})
	if err != nil {
		return err
	}
	if wrong := math.Abs(total[0] - math.Pi); wrong > 1e-11 {
		return fmt.Errorf("rank %d: %v is off by %g", c.Rank(), total[0], wrong)
	}
	if c.Rank() == 0 {
		fmt.Printf("pi = %.10f\n", total[0])
	}
	return nil
}
