package darray_test

import (
	"context"
	"fmt"
	"log"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/net/comm"
)

// The API in thirty lines; the README shows this function.
func Example() {
	// A column of a file, a Go slice, or a range: descriptions, nothing is read or computed yet.
	f, err := darray.Open("examples/data/flights-200k.arrow")
	if err != nil {
		log.Fatal(err)
	}
	delay, distance := f.Col("delay"), f.Col("distance")
	weights := darray.FromSlice([]float64{0.5, 1, 2})
	grid := darray.Multiply(darray.Arange(0.0, 6, 1).Reshape(2, 3), weights) // shapes broadcast

	// Collect plans the expression, runs it on all ranks in one fused pass and returns one contiguous block.
	block, err := darray.Add(distance, delay).Collect()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(block)

	values, err := darray.Values[int16](block) // a view, no copy; block.Arrow() gives the Arrow array
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(values), values[1])

	// Reductions give 0-D arrays; Item collects one to a Go value.
	late, err := darray.Item[float64](darray.Mean(darray.Greater(delay, 15)))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(late)

	if block, err = darray.Subtract(grid, darray.Mean(grid)).Collect(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(block)

	// Output:
	// [1452 2398  668 ... 1626 1449 1452]
	// 200000 2398
	// 0.215725
	// [[-3.41666667 -2.41666667  0.58333333]
	//  [-1.91666667  0.58333333  6.58333333]]
}

// Blocks go between ranks as numbers do, with their type, shape and nulls: here every rank gets rows of a block, computes
// with them, and rank 0 joins the results.
func ExampleScatterBlock() {
	err := darray.Config{Ranks: 3}.SPMD(func(ctx context.Context, c *comm.Comm) error {
		var grid *darray.Block // on the root only
		if c.Rank() == 0 {
			var err error
			if grid, err = array.FromSlice([]float64{0, 1, 2, 3, 4, 5, 6, 7}, 4, 2); err != nil {
				return err
			}
		}
		rows, err := darray.ScatterBlock(ctx, c, 0, grid)
		if err != nil {
			return err
		}
		xs, err := darray.Values[float64](rows)
		if err != nil {
			return err
		}
		squares := make([]float64, len(xs))
		for i, x := range xs {
			squares[i] = x * x
		}
		mine, err := array.FromSlice(squares, rows.Shape()...)
		if err != nil {
			return err
		}
		all, err := darray.GatherBlock(ctx, c, 0, mine)
		if err == nil && c.Rank() == 0 {
			fmt.Println(all)
		}
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// [[ 0.  1.]
	//  [ 4.  9.]
	//  [16. 25.]
	//  [36. 49.]]
}

// A frame filters before it reads: dates and words are carried along beside the numbers.
func ExampleFrame() {
	f, err := darray.Open("examples/data/seattle-weather.csv")
	if err != nil {
		log.Fatal(err)
	}
	hot := f.Filter(darray.Greater(f.Col("temp_max"), 34)).Select("date", "weather", "temp_max")
	mean, err := darray.Item[float64](darray.Mean(hot.Col("temp_max")))
	if err != nil {
		log.Fatal(err)
	}
	rows, err := hot.Head(3).Collect()
	if err != nil {
		log.Fatal(err)
	}
	for i := range int(rows.NumRows()) {
		fmt.Println(rows.Column(0).ValueStr(i), rows.Column(1).ValueStr(i), rows.Column(2).ValueStr(i))
	}
	fmt.Printf("%.2f\n", mean)
	// Output:
	// 2012-08-16 sun 34.4
	// 2014-07-01 sun 34.4
	// 2014-08-11 rain 35.6
	// 34.70
}
