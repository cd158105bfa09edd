package s3_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/format/blob"
	"github.com/darray-go/darray/format/parquet"
	"github.com/darray-go/darray/internal/leak"
)

// TestFrames: frames are written to a store and read from it, by URL and by folder, each rank its rows.
func TestFrames(t *testing.T) {
	leak.Check(t)
	start(t)
	darray.UseStore(blob.Store)
	darray.UseFormat(parquet.Format)
	ids := darray.Arange(0, 1000, 1)
	f := (&darray.Frame{}).With("id", ids).With("half", darray.Divide(ids, 2))
	writer, err := darray.Local(2)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	for year, name := range map[int]string{2012: "a.parquet", 2013: "b.parquet"} {
		if err := writer.WriteFrame(t.Context(), f, fmt.Sprintf("s3://%s/flights/year=%d/%s", bucket, year, name), darray.WriteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []int{1, 3} {
		c, err := darray.Local(p)
		if err != nil {
			t.Fatal(err)
		}
		all, err := darray.Open("s3://" + bucket + "/flights/")
		if err != nil {
			t.Fatal(err)
		}
		if all.NumRows() != 2000 || !slices.Equal(all.Names(), []string{"id", "half", "year"}) {
			t.Fatalf("%d rows of %v", all.NumRows(), all.Names())
		}
		late := all.Filter(darray.Equal(all.Col("year"), 2013))
		blocks, err := c.Collect(t.Context(), darray.Sum(all.Col("id")), darray.Sum(late.Col("half")), darray.Count(late.Col("half")))
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(blocks); got != "[999000 249750.0 1000]" {
			t.Errorf("%d ranks: %s", p, got)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, path := range []string{"s3://" + bucket + "/flights/*/a.parquet", "s3://" + bucket + "/flights/year=2012/a.parquet"} {
		one, err := darray.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if one.NumRows() != 1000 {
			t.Errorf("%s has %d rows", path, one.NumRows())
		}
	}
	if _, err := darray.Open("s3://" + bucket + "/none/"); err == nil {
		t.Error("a folder without files opens")
	}
}
