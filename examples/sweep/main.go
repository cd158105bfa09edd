// Command sweep counts the ways through a grid, by steps down and to the right: every cell is the sum of the one above
// and the one to the left. Each rank has a band of rows. A rank that waited for the whole row above it would leave the
// others idle; instead it takes a few columns at a time and hands its lowest row on, so that a wave runs over the ranks.
//
//	go run ./examples/sweep
//	darray run -n 4 go run ./examples/sweep
//	mpirun -n 4 go run ./examples/sweep
package main

import (
	"context"
	"fmt"
	"log"
	"math/big"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/net/comm"
)

const (
	steps = 33 // down, and to the right: the most that 64 bits count
	cells = steps + 1
	strip = 5 // columns handed on at a time
)

func main() {
	if err := darray.SPMD(sweep); err != nil {
		log.Fatal(err)
	}
}

// sweep runs on every rank.
func sweep(ctx context.Context, c *comm.Comm) error {
	lo, hi := c.Rank()*cells/c.Size(), (c.Rank()+1)*cells/c.Size()
	left := make([]uint64, hi-lo) // the column to the left of the strip
	if lo == 0 && hi > 0 {
		left[0] = 1 // one way to be at the start
	}
	last := c.Rank() == c.Size()-1
	row := make([]uint64, strip)
	for at := 0; at < cells; at += strip {
		row := row[:min(strip, cells-at)]
		clear(row)
		if c.Rank() > 0 {
			if _, err := comm.Recv(ctx, c, c.Rank()-1, at, row); err != nil {
				return err
			}
		}
		for i := range left { // row holds the cells above, then those of row lo+i
			for j := range row {
				row[j] += left[i]
				left[i] = row[j]
			}
		}
		if !last {
			if err := comm.Send(ctx, c, c.Rank()+1, at, row); err != nil {
				return err
			}
		} else if at+strip >= cells {
			ways := row[len(row)-1]
			fmt.Printf("%d ways through a grid of %d x %d, by the formula %v\n", ways, steps, steps, new(big.Int).Binomial(2*steps, steps))
		}
	}
	return nil
}
