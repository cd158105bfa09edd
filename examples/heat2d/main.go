// Command heat2d lets heat spread over a plate that is cut into bands of rows, one a rank: before each step neighbours
// exchange the rows at their edges. Every rank also computes the plate in one piece, and compares, bit for bit.
//
//	go run ./examples/heat2d
//	darray run -n 4 go run ./examples/heat2d
//	mpirun -n 4 go run ./examples/heat2d
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/net/comm"
)

const rows, cols, steps = 90, 120, 200

func main() {
	if err := darray.SPMD(heat); err != nil {
		log.Fatal(err)
	}
}

// heat runs on every rank.
func heat(ctx context.Context, c *comm.Comm) error {
	line, err := comm.NewCart(ctx, c, []int{c.Size()}, []bool{false}, false)
	if err != nil {
		return err
	}
	lo, hi := c.Rank()*rows/c.Size(), (c.Rank()+1)*rows/c.Size()
	mine, plate := newBand(lo, hi), newBand(0, rows)
	for range steps {
		last := len(mine) - 1 // off the plate it stays 0
		if err := comm.NeighborExchange(ctx, line, 0, mine[1], mine[last-1], mine[0], mine[last]); err != nil {
			return err
		}
		mine, plate = mine.step(), plate.step()
	}
	differ := make([]int, 1)
	for i := lo; i < hi; i++ {
		for j, x := range mine[i-lo+1] {
			if x != plate[i+1][j] {
				differ[0]++
			}
		}
	}
	if differ, err = comm.Allreduce(ctx, c, comm.Sum[int], differ); err == nil && c.Rank() == 0 {
		fmt.Printf("%.6f degrees in the middle; %d of %d cells differ from the plate in one piece\n", plate[rows/2][cols/2], differ[0], rows*cols)
	}
	return err
}

// band is rows lo to hi of the plate, with one more above and below; the cells at the ends of a row stay 0.
type band [][]float64

// newBand has 100 degrees in the upper half of the plate.
func newBand(lo, hi int) band {
	b := make(band, hi-lo+2)
	for i := range b {
		b[i] = make([]float64, cols)
		for j := 1; j < cols-1 && i > 0 && i <= hi-lo && lo+i <= rows/2; j++ {
			b[i][j] = 100
		}
	}
	return b
}

// step is the band after heat has moved between cells that touch.
func (b band) step() band {
	next := newBand(rows, rows+len(b)-2)
	for i := 1; i < len(b)-1; i++ {
		for j := 1; j < cols-1; j++ {
			next[i][j] = b[i][j] + 0.2*(b[i-1][j]+b[i+1][j]+b[i][j-1]+b[i][j+1]-4*b[i][j])
		}
	}
	return next
}
