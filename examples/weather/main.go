// Command weather turns a text of daily weather into a Parquet file of its hot days, and asks that file: dates and words are carried along
// beside the numbers.
//
//	go run ./examples/weather
//	darray run -n 4 go run ./examples/weather
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/format/parquet"
)

func main() {
	darray.UseFormat(parquet.Format) // Arrow, CSV and NumPy files are there without a line
	path := "examples/data/seattle-weather.csv"
	if len(os.Args) > 1 {
		path = os.Args[1]
	}
	if err := darray.Main(func(ctx context.Context, c *darray.Cluster) error { return weather(ctx, c, path) }); err != nil {
		log.Fatal(err)
	}
}

func weather(ctx context.Context, c *darray.Cluster, text string) error {
	f, err := darray.Open(text)
	if err != nil {
		return err
	}
	fmt.Println(f.NumRows(), "days of", f.Names())

	// Nothing is computed here: how many hot days there are is known when they are written.
	spread := darray.Subtract(f.Col("temp_max"), f.Col("temp_min"))
	hot := f.With("spread", spread).Filter(darray.Greater(f.Col("temp_max"), 33)).Select("date", "weather", "temp_max", "spread")

	dir, err := os.MkdirTemp("", "weather")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "hot.parquet")
	if err := c.WriteFrame(ctx, hot, path, darray.WriteOptions{Compression: "zstd"}); err != nil {
		return err
	}

	back, err := darray.Open(path)
	if err != nil {
		return err
	}
	blocks, err := c.Collect(ctx, darray.Mean(back.Col("spread")), darray.Max(back.Col("date").Cast(darray.Int64)))
	if err != nil {
		return err
	}
	fmt.Println("mean spread of the", back.NumRows(), "hot days:", blocks[0], "degrees; the last one was day", blocks[1], "since 1970")

	first, err := c.CollectFrame(ctx, back.Head(3))
	if err != nil {
		return err
	}
	for i := range int(first.NumRows()) {
		fmt.Println(first.Column(0).ValueStr(i), first.Column(1).ValueStr(i), first.Column(2).ValueStr(i))
	}
	return nil
}
