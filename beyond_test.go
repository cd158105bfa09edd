package darray_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/format/parquet"
	"github.com/darray-go/darray/internal/leak"
)

// TestBeyondMemory: what only reduces goes over files that are larger than the memory that there may be; what needs all of a column at once
// is refused before it is read, but where the file is mapped.
func TestBeyondMemory(t *testing.T) {
	leak.Check(t)
	const n, limit = 8 << 20, 40 << 20 // numbers of 8 bytes; bytes
	dir := t.TempDir()
	all := new(darray.Frame).With("x", darray.Arange(0, n, 1))
	darray.UseFormat(parquet.Format)
	whole, err := darray.Default()
	if err != nil {
		t.Fatal(err)
	}
	c, err := darray.Config{MemoryLimit: limit}.Local(1)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for name, o := range map[string]struct {
		darray.WriteOptions
		mapped bool
	}{
		"x.arrow":      {darray.WriteOptions{Compression: "none", BatchRows: 1 << 20}, true},
		"lz4.arrow":    {darray.WriteOptions{Compression: "lz4", BatchRows: 1 << 18}, false},
		"zstd.parquet": {darray.WriteOptions{Compression: "zstd", BatchRows: 1 << 19}, false},
		"x.csv":        {darray.WriteOptions{}, false},
		"x.npy":        {darray.WriteOptions{}, true},
	} {
		path := filepath.Join(dir, name)
		if err := whole.WriteFrame(t.Context(), all, path, o.WriteOptions); err != nil {
			t.Fatal(err)
		}
		f, err := darray.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		x := f.Col(f.Names()[0])
		blocks, err := c.Collect(t.Context(), darray.Sum(x), darray.Max(darray.Multiply(x, 2)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i, want := range []float64{n * (n - 1) / 2, 2 * (n - 1)} {
			if got, ok := blocks[i].Scalar(0); !ok || got.Float() != want {
				t.Errorf("%s: result %d is %v, want %g", name, i, got, want)
			}
		}
		if _, err := c.Collect(t.Context(), darray.Max(darray.Abs(darray.Subtract(x, darray.Mean(x))))); (err == nil) != o.mapped || err != nil && !errors.Is(err, darray.ErrMemory) {
			t.Errorf("%s, mapped: %t: two ways through it: %v", name, o.mapped, err)
		}
		if _, err := c.Collect(t.Context(), darray.Add(x, 1)); !errors.Is(err, darray.ErrMemory) {
			t.Errorf("%s: a result of as many elements: %v", name, err)
		}
	}
}
