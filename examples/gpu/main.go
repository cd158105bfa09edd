// Command gpu adds vectors and prices options on a GPU, and compares every bit with the processor's.
//
//	go run ./examples/gpu                 what takes less time, step by step
//	go run ./examples/gpu -device cuda    the GPU; an error where there is none
//	go run ./examples/gpu -device sim     a simulated one, anywhere, slowly
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"log"
	"math"
	"slices"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/cuda"
)

func main() {
	darray.Use("cuda", cuda.Open) // a program without this line does not link the driver's binding
	n := flag.Int("n", 1<<20, "elements")
	word := flag.String("device", "", "auto, cpu, cuda or sim; default $DARRAY_DEVICE, or auto")
	flag.Parse()
	if *n < 1 {
		log.Fatalf("-n %d: take 1 element or more", *n)
	}
	cfg, err := darray.ConfigFromEnv()
	if err != nil {
		log.Fatal(err)
	}
	cfg.Device = cmp.Or(*word, cfg.Device)
	if err := cfg.Main(func(ctx context.Context, c *darray.Cluster) error { return compare(ctx, c, *n) }); err != nil {
		log.Fatal(err)
	}
}

// compare computes a sum of vectors and the prices of options by c, and by the processor alone.
func compare(ctx context.Context, c *darray.Cluster, n int) error {
	processor, err := darray.Config{Device: "cpu"}.Local(1)
	if err != nil {
		return err
	}
	defer processor.Close()
	i := darray.Arange(0.0, float64(n), 1)
	spot, years := darray.Add(50, darray.Remainder(i, 100)), darray.Divide(darray.Add(1, darray.Remainder(i, 24)), 12)
	for _, r := range []darray.Result{
		{Name: "a + b", Array: darray.Add(darray.Divide(i, 3), darray.Sqrt(i))},
		{Name: "call options", Array: call(spot, 100, years)},
	} {
		ours, stats, err := c.CollectStats(ctx, r.Array)
		if err != nil {
			return err
		}
		theirs, err := processor.Collect(ctx, r.Array)
		if err != nil {
			return err
		}
		device := ""
		for _, s := range stats.Steps {
			device = cmp.Or(device, s.Step.Device)
		}
		x, _ := darray.Values[float64](ours[0]) // they are float64
		y, _ := darray.Values[float64](theirs[0])
		same := slices.EqualFunc(x, y, func(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) })
		fmt.Printf("%s of %d elements on %s: the last is %.9f; the processor's bits: %t\n", r.Name, n, device, x[n-1], same)
	}
	return nil
}

// call is the price of an option by Black and Scholes, at 2 % interest and a volatility of 0.3.
func call(spot darray.Array, strike float64, years darray.Array) darray.Array {
	normal := func(d darray.Array) darray.Array { // the chance that a normal variable is below d
		return darray.Multiply(0.5, darray.Add(1, darray.Erf(darray.Multiply(d, math.Sqrt(0.5)))))
	}
	deviation := darray.Multiply(0.3, darray.Sqrt(years))
	d1 := darray.Divide(darray.Add(darray.Log(darray.Divide(spot, strike)), darray.Multiply(0.02+0.3*0.3/2, years)), deviation)
	now := darray.Multiply(strike, darray.Exp(darray.Multiply(-0.02, years)))
	return darray.Subtract(darray.Multiply(spot, normal(d1)), darray.Multiply(now, normal(darray.Subtract(d1, deviation))))
}
