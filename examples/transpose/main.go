// Command transpose turns a matrix whose rows are spread over the ranks, so that its columns are: one Alltoall carries
// every rank's piece of every column to that column's rank.
//
//	go run ./examples/transpose
//	darray run -n 4 go run ./examples/transpose
//	mpirun -n 4 go run ./examples/transpose
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/net/comm"
)

const n = 840 // rows and columns; 1 to 8 ranks divide it

func main() {
	if err := darray.SPMD(transpose); err != nil {
		log.Fatal(err)
	}
}

// transpose runs on every rank.
func transpose(ctx context.Context, c *comm.Comm) error {
	p := c.Size()
	if n%p != 0 {
		return fmt.Errorf("%d ranks do not divide %d rows; take 1 to 8", p, n)
	}
	own := n / p // rows, and after the transposition columns
	first := c.Rank() * own

	// The run for each rank: its columns of my rows, column by column.
	out := make([]float64, 0, own*n)
	for j := range n {
		for i := range own {
			out = append(out, element(first+i, j))
		}
	}
	in, err := comm.Alltoall(ctx, c, out)
	if err != nil {
		return err
	}

	// Rank r's run has own columns, of own elements each.
	columns := make([]float64, own*n)
	for r := range p {
		for j := range own {
			copy(columns[j*n+r*own:], in[(r*own+j)*own:][:own])
		}
	}
	wrong := 0
	for j := range own {
		for i := range n {
			if columns[j*n+i] != element(i, first+j) {
				wrong++
			}
		}
	}
	total, err := comm.Allreduce(ctx, c, comm.Sum[int], []int{wrong})
	if err == nil && c.Rank() == 0 {
		fmt.Printf("%d x %d transposed, %d elements wrong\n", n, n, total[0])
	}
	return err
}

// element of the matrix before it is turned.
func element(i, j int) float64 { return float64(i*n + j) }
