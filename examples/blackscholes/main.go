// Command blackscholes prices options on a share: calls for each strike and each month of two years, and puts, which Black
// and Scholes' formula has to keep in parity with them. Nothing runs until the results are collected; then each rank takes a
// part of the strikes, in one pass over them.
//
//	go run ./examples/blackscholes
//	darray run -n 4 go run ./examples/blackscholes
package main

import (
	"context"
	"fmt"
	"log"
	"math"

	"github.com/darray-go/darray"
)

const (
	spot       = 100.0 // what the share costs now
	rate       = 0.02  // interest of a year
	volatility = 0.3   // how much the price moves in a year
)

func main() {
	if err := darray.Main(price); err != nil {
		log.Fatal(err)
	}
}

func price(ctx context.Context, c *darray.Cluster) error {
	strike := darray.Arange(50.0, 150, 0.01).Reshape(10_000, 1)
	years := darray.Divide(darray.Arange(1.0, 25, 1), 12).Reshape(1, 24)

	deviation := darray.Multiply(volatility, darray.Sqrt(years))
	drift := darray.Multiply(rate+volatility*volatility/2, years)
	d1 := darray.Divide(darray.Add(darray.Log(darray.Divide(spot, strike)), drift), deviation)
	d2 := darray.Subtract(d1, deviation)
	now := darray.Multiply(strike, darray.Exp(darray.Multiply(-rate, years))) // what the strike is worth today

	call := darray.Subtract(darray.Multiply(spot, normal(d1)), darray.Multiply(now, normal(d2)))
	put := darray.Subtract(darray.Multiply(now, normal(darray.Negative(d2))), darray.Multiply(spot, normal(darray.Negative(d1))))
	gap := darray.Max(darray.Abs(darray.Subtract(darray.Subtract(call, put), darray.Subtract(spot, now))))

	blocks, err := c.Collect(ctx, call, darray.Mean(call), darray.Mean(put), gap)
	if err != nil {
		return err
	}
	prices, err := darray.Values[float64](blocks[0])
	if err != nil {
		return err
	}
	for _, months := range []int{1, 6, 24} {
		fmt.Printf("a share at 100 in %2d months: %9.6f\n", months, prices[5000*24+months-1])
	}
	var figures [3]float64
	for i, b := range blocks[1:] {
		s, _ := b.Scalar(0) // no operand is null
		figures[i] = s.Float()
	}
	fmt.Printf("%d calls cost %.9f on average, puts %.9f\n", len(prices), figures[0], figures[1])
	fmt.Println("parity holds to 1e-12:", figures[2] < 1e-12)
	return nil
}

// normal is the chance that a normal variable is below d.
func normal(d darray.Array) darray.Array {
	return darray.Multiply(0.5, darray.Add(1, darray.Erf(darray.Multiply(d, math.Sqrt(0.5)))))
}
