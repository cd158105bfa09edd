// Command pingpong lets ranks 0 and 1 pass a ball, and says how long it flies. A rank that is alone plays against itself.
//
//	go run ./examples/pingpong
//	darray run -n 2 go run ./examples/pingpong
//	mpirun -n 2 go run ./examples/pingpong
package main

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/net/comm"
)

const (
	rounds = 100
	tag    = 7
)

func main() {
	if err := darray.SPMD(pingpong); err != nil {
		log.Fatal(err)
	}
}

// pingpong runs on every rank; those above 1 watch.
func pingpong(ctx context.Context, c *comm.Comm) error {
	other := 1 - c.Rank()
	if c.Size() == 1 {
		other = 0
	}
	for _, elements := range []int{1, 1 << 10, 1 << 17} {
		ball := make([]int64, elements) // its first element counts the hits
		start := time.Now()
		for range rounds {
			if err := hit(ctx, c, other, ball); err != nil {
				return err
			}
		}
		if c.Rank() == 0 {
			flight := time.Since(start) / (2 * rounds)
			fmt.Printf("%7d bytes: %d hits, %v a flight\n", 8*elements, ball[0], flight)
		}
	}
	return comm.Barrier(ctx, c)
}

// hit is one round: rank 0 serves, and both count.
func hit(ctx context.Context, c *comm.Comm, other int, ball []int64) error {
	if c.Rank() > 1 {
		return nil
	}
	if c.Rank() == 1 {
		if _, err := comm.Recv(ctx, c, other, tag, ball); err != nil {
			return err
		}
	}
	ball[0]++
	if err := comm.Send(ctx, c, other, tag, ball); err != nil {
		return err
	}
	if c.Rank() == 0 {
		_, err := comm.Recv(ctx, c, other, tag, ball)
		return err
	}
	return nil
}
