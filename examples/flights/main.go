// Command flights asks real data a few questions: 200,000 flights (delay in minutes, distance in miles, time of day in
// hours) in an Arrow file whose parts are read by the ranks that work on them.
//
//	go run ./examples/flights
//	darray run -n 4 go run ./examples/flights
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/darray-go/darray"
)

func main() {
	path := "examples/data/flights-200k.arrow"
	if len(os.Args) > 1 {
		path = os.Args[1]
	}
	if err := darray.Main(func(ctx context.Context, c *darray.Cluster) error { return ask(ctx, c, path) }); err != nil {
		log.Fatal(err)
	}
}

func ask(ctx context.Context, c *darray.Cluster, path string) error {
	f, err := darray.Open(path)
	if err != nil {
		return err
	}
	delay, distance, hour := f.Col("delay"), f.Col("distance"), f.Col("time")
	late := darray.Greater(delay, 15)

	// Five reductions over three columns: one plan, one pass over the file's parts.
	blocks, err := c.Collect(ctx,
		darray.Count(delay),
		darray.Mean(darray.Where(late, delay, 0)),
		darray.Mean(late.Cast(darray.Float64)),
		darray.Sum(distance),
		darray.Max(hour),
	)
	if err != nil {
		return err
	}
	fmt.Println("flights:                ", blocks[0])
	fmt.Println("mean of late delays:    ", blocks[1], "minutes, over all flights")
	fmt.Println("share more than 15 late:", blocks[2])
	fmt.Println("miles flown:            ", blocks[3])
	fmt.Println("latest time of day:     ", blocks[4])
	return nil
}
