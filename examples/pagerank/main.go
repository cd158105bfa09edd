// Command pagerank ranks the numbers 1 to 1000 as if each were a page that links to its divisors: a page is worth what the
// pages that link to it pass on, in equal shares to all that they link to. The 1000 x 1000 matrix of links is made where it is
// used; each rank multiplies its own rows.
//
//	go run ./examples/pagerank
//	darray run -n 4 go run ./examples/pagerank
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/darray-go/darray"
)

const (
	pages, steps = 1000, 40
	damping      = 0.85 // the share of readers who follow a link; the others begin anew at any page
)

func main() {
	if err := darray.Main(rank); err != nil {
		log.Fatal(err)
	}
}

func rank(ctx context.Context, c *darray.Cluster) error {
	page := darray.Arange(1, pages+1, 1)
	column := page.Reshape(pages, 1)
	one := darray.Ones(darray.Float64, pages)

	// links[i, j] is true where page j links to page i, and each column of shares adds up to 1.
	links := whole(darray.Divide(page, column))
	divisors := darray.Matmul(whole(darray.Divide(column, page)), one)
	shares := darray.Divide(links, divisors)

	// All steps are one expression and run as one plan.
	worth := darray.Divide(one, pages)
	for range steps {
		worth = darray.Add(darray.Multiply(damping, darray.Matmul(shares, worth)), (1-damping)/pages)
	}
	blocks, err := c.Collect(ctx, worth, darray.Sum(worth))
	if err != nil {
		return err
	}
	values, err := darray.Values[float64](blocks[0])
	if err != nil {
		return err
	}
	for _, n := range []int{1, 2, 3, 4, 5, 997} {
		fmt.Printf("%3d is worth %.8f\n", n, values[n-1])
	}
	fmt.Println("together", blocks[1])
	return nil
}

// whole is true where x is an integer.
func whole(x darray.Array) darray.Array { return darray.Equal(x, x.Cast(darray.Int64)) }
