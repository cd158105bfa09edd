package arrowipc_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/format/arrowipc"
	"github.com/darray-go/darray/internal/leak"
)

const flights = "../../examples/data/flights-200k.arrow"

// TestFlights reads a file made by another program and compares it with arrow-go's reader, and its sums with constants.
func TestFlights(t *testing.T) {
	leak.Check(t)
	f := open(t, flights, arrowipc.Options{})
	file, err := os.Open(flights)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r, err := ipc.NewFileReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if !f.Schema.Equal(r.Schema()) {
		t.Fatalf("schema %v, want %v", f.Schema, r.Schema())
	}
	sums := make([]float64, f.Schema.NumFields())
	row := 0
	for i := range r.NumRecords() {
		batch, err := r.RecordBatchAt(i)
		if err != nil {
			t.Fatal(err)
		}
		for k := range sums {
			theirs, err := array.FromArrow(batch.Column(k))
			if err != nil {
				t.Fatal(err)
			}
			ours, err := f.Read(t.Context(), k, row, row+theirs.Len())
			if err != nil {
				t.Fatal(err)
			}
			if !equal(elements(t, ours), elements(t, theirs)) {
				t.Errorf("column %s of batch %d differs", f.Schema.Field(k).Name, i)
			}
		}
		row += int(batch.NumRows())
	}
	for k := range sums {
		b, err := f.Read(t.Context(), k, 0, f.Rows)
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Len() {
			if s, ok := b.Scalar(i); ok {
				sums[k] += s.Float()
			}
		}
	}
	if row != f.Rows || f.Rows != 200_000 {
		t.Errorf("%d rows, arrow-go reads %d", f.Rows, row)
	}
	if f.Schema.Field(0).Name != "delay" || sums[0] != 1_500_159 || f.Schema.Field(1).Name != "distance" || sums[1] != 145_847_125 {
		t.Errorf("sums %v of %v", sums, f.Schema)
	}
}

// mappings counts the mappings of a file in this process.
func mappings(t *testing.T, path string) int {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Skip("no /proc/self/maps here")
	}
	return strings.Count(string(maps), path)
}

// TestMappingOutlivesClose: a block keeps the mapping, through slices too, and the last one to go takes it away.
func TestMappingOutlivesClose(t *testing.T) {
	leak.Check(t)
	names, columns := sampleColumns(t, 2)
	path := filepath.Join(t.TempDir(), "kept.arrow")
	if err := arrowipc.WriteFile(t.Context(), path, names, columns, arrowipc.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	f, err := arrowipc.Open(path, arrowipc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := f.Read(context.Background(), 4, 10, 20)
	if err != nil {
		t.Fatal(err)
	}
	b = b.Slice(2, 10)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
	for range 3 {
		runtime.GC()
	}
	if mappings(t, path) == 0 {
		t.Fatal("the mapping is gone while a block views it")
	}
	if !equal(elements(t, b), elements(t, columns[4].Slice(12, 20))) {
		t.Error("the block has changed after Close")
	}
	runtime.KeepAlive(b)
	b, f = nil, nil
	for range 1000 { // cleanups run in a goroutine of their own, soon after a collection
		if runtime.GC(); mappings(t, path) == 0 {
			return
		}
		runtime.Gosched()
	}
	t.Errorf("the mapping is there after the last block has gone (%v, %v)", b, f)
}
