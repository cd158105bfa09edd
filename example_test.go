package darray_test

import (
	"fmt"
	"log"

	"github.com/darray-go/darray"
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
