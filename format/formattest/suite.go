package formattest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"

	"github.com/darray-go/darray/format"
)

// Encode is batches of one schema as a file of format f.
func Encode(t testing.TB, f format.Format, o format.WriteOptions, batches ...arrow.RecordBatch) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, b := range batches {
		o.Rows += int(b.NumRows())
	}
	e, err := format.Create(f, &out, batches[0].Schema(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range batches {
		if err := e.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Open opens a file that lies in memory; it is closed when the test ends.
func Open(t testing.TB, f format.Format, name string, data []byte, o format.Options) *format.File {
	t.Helper()
	in := format.Memory(name, data)
	found, err := format.Detect(t.Context(), in, []format.Format{f})
	if err != nil {
		t.Fatal(err)
	}
	file, err := format.Open(t.Context(), found, in, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	})
	return file
}

// Equal compares arrays value by value, NaNs as equal. Arrays of one value may have different dictionaries.
func Equal(got, want arrow.Array) error {
	if !arrow.TypeEqual(got.DataType(), want.DataType()) {
		return fmt.Errorf("type %s, want %s", got.DataType(), want.DataType())
	}
	same := arrowarray.ApproxEqual(got, want, arrowarray.WithNaNsEqual(true), arrowarray.WithAbsTolerance(0))
	if !same && !(strings.Contains(got.DataType().String(), "dictionary") && sameText(got, want)) {
		return fmt.Errorf("values differ:\n%s", brief(got, want))
	}
	return nil
}

// sameText compares arrays by how their values are written.
func sameText(a, b arrow.Array) bool {
	for i := range a.Len() {
		if i >= b.Len() || a.IsNull(i) != b.IsNull(i) || a.ValueStr(i) != b.ValueStr(i) {
			return false
		}
	}
	return a.Len() == b.Len()
}

// brief is the first rows that differ.
func brief(got, want arrow.Array) string {
	var out bytes.Buffer
	for i := range min(got.Len(), want.Len()) {
		if a, b := got.ValueStr(i), want.ValueStr(i); a != b && out.Len() < 400 {
			fmt.Fprintf(&out, "row %d: %.80q, want %.80q\n", i, a, b)
		}
	}
	if got.Len() != want.Len() {
		fmt.Fprintf(&out, "%d rows, want %d", got.Len(), want.Len())
	}
	return out.String()
}

// RoundTrip writes every type in batches of several sizes, with nulls and without, and reads all of it and runs of rows, one column and
// several. name has the format's extension.
func RoundTrip(t *testing.T, f format.Format, name string, types []arrow.DataType, o format.WriteOptions) {
	roundTrip(t, f, name, types, o, []bool{false, true})
}

// RoundTripValid is RoundTrip of values without nulls, for types that have none in a format.
func RoundTripValid(t *testing.T, f format.Format, name string, types []arrow.DataType, o format.WriteOptions) {
	roundTrip(t, f, name, types, o, []bool{false})
}

func roundTrip(t *testing.T, f format.Format, name string, types []arrow.DataType, o format.WriteOptions, withNulls []bool) {
	for _, sizes := range [][]int{{0}, {1}, {7}, {100, 0, 33, 1}, {1000}} {
		for _, nulls := range withNulls {
			if testing.Short() && (len(sizes) < 2 || nulls != withNulls[len(withNulls)-1]) {
				continue // the race detector sees no more in the others
			}
			t.Run(fmt.Sprintf("%v/nulls=%v", sizes, nulls), func(t *testing.T) {
				var batches []arrow.RecordBatch
				for i, n := range sizes {
					batches = append(batches, Batch(types, n, nulls, uint64(i*1000+n)))
				}
				data := Encode(t, f, o, batches...)
				checkRows(t, Open(t, f, name, data, format.Options{}), batches)
				checkClosed(t, f, name, data, batches)
			})
		}
	}
}

// checkClosed compares what a mapped file gave after it was closed: by then the mapping is gone, but for what is kept of it.
func checkClosed(t *testing.T, f format.Format, name string, data []byte, batches []arrow.RecordBatch) {
	t.Helper()
	path := filepath.Join(t.TempDir(), filepath.Base(name))
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := format.OpenLocal(path, format.Options{})
	if err != nil {
		t.Fatal(err)
	}
	file, err := format.Open(t.Context(), f, in, format.Options{})
	if err != nil {
		t.Fatal(err)
	}
	all := make([]int, file.Schema.NumFields())
	for i := range all {
		all[i] = i
	}
	got, err := file.Read(t.Context(), all, 0, file.Rows)
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	for i := range got {
		var parts []arrow.Array
		for _, b := range batches {
			parts = append(parts, b.Column(i))
		}
		want, err := concatenate(parts)
		if err == nil {
			err = Equal(got[i], want)
		}
		if err != nil {
			t.Errorf("column %d after Close: %v", i, err)
		}
	}
}

// checkRows compares what a file gives with the batches that it was made of.
func checkRows(t *testing.T, file *format.File, batches []arrow.RecordBatch) {
	t.Helper()
	schema := batches[0].Schema()
	rows := 0
	for _, b := range batches {
		rows += int(b.NumRows())
	}
	if file.Rows != rows || file.Schema.NumFields() != schema.NumFields() {
		t.Fatalf("%d rows of %s, want %d of %s", file.Rows, file.Schema, rows, schema)
	}
	all := make([]int, schema.NumFields())
	whole := make([]arrow.Array, schema.NumFields())
	for i := range all {
		all[i] = len(all) - 1 - i // order is the caller's
		parts := make([]arrow.Array, len(batches))
		for k, b := range batches {
			parts[k] = b.Column(i)
		}
		var err error
		if whole[i], err = concatenate(parts); err != nil {
			t.Fatal(err)
		}
	}
	for _, span := range [][2]int{{0, rows}, {0, 0}, {rows / 3, rows}, {rows / 2, rows/2 + rows/4}, {max(0, rows-1), rows}} {
		got, err := file.Read(t.Context(), all, span[0], span[1])
		if err != nil {
			t.Fatalf("rows %v: %v", span, err)
		}
		for i, a := range got {
			c := all[i]
			want := arrowarray.NewSlice(whole[c], int64(span[0]), int64(span[1]))
			if err := Equal(a, want); err != nil {
				t.Errorf("rows %v of column %d, %s: %v", span, c, schema.Field(c).Type, err)
			}
			one, err := file.Read(t.Context(), []int{c}, span[0], span[1])
			if err != nil {
				t.Fatalf("rows %v of column %d alone: %v", span, c, err)
			}
			if err := Equal(one[0], want); err != nil {
				t.Errorf("rows %v of column %d alone, %s: %v", span, c, schema.Field(c).Type, err)
			}
		}
	}
}

// hostileBudget is what one call may take for a hostile file, beside twice the file.
const hostileBudget = 64 << 20

// Hostile breaks a good file in many ways: cut at every 64th byte or closer, and eight bytes, at every step-th, set to what is a huge, a
// negative, a slightly wrong or an overlapping length (with -short: an eighth of all that). Each must be an error, or read as a whole,
// within ten seconds and memory of twice the file and the budget. A cut file that reads with fewer rows than the good one is a silent
// loss, and fails.
func Hostile(t *testing.T, f format.Format, name string, data []byte, step int) {
	good := Open(t, f, name, data, format.Options{})
	try := func(what string, broken []byte, fewer bool) {
		t.Helper()
		rows, err := readAll(f, name, broken)
		if err == nil && rows < good.Rows && !fewer {
			t.Errorf("%s: read %d rows of %d without an error", what, rows, good.Rows)
		}
		if errors.Is(err, errTooMuch) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", what, err)
		}
	}
	each := 1
	if testing.Short() {
		each = 8
	}
	for n := 0; n < len(data); n += min(64, 8*step) * each {
		try(fmt.Sprintf("cut at byte %d", n), data[:n:n], false)
	}
	broken := bytes.Clone(data)
	for at := 0; at+8 <= len(data); at += step * each {
		was := binary.LittleEndian.Uint64(data[at:])
		for _, v := range []uint64{1<<64 - 1, 1 << 62, 1<<31 - 1, uint64(len(data)) - 1, was + 1} {
			binary.LittleEndian.PutUint64(broken[at:], v)
			try(fmt.Sprintf("%#x at byte %d", v, at), broken, true) // a number of rows may be one of the numbers
		}
		binary.LittleEndian.PutUint64(broken[at:], was)
	}
}

// errTooMuch is memory beyond the limit.
var errTooMuch = errors.New("took too much memory")

// frugal calls f, which may allocate so much in all.
func frugal(limit int, f func() error) error {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := f()
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > uint64(limit) {
		return fmt.Errorf("%w: %d bytes, %d are allowed; %v", errTooMuch, took, limit, err)
	}
	return err
}

// readAll opens and reads everything there is, no call of which may take memory of more than twice the file and hostileBudget.
func readAll(f format.Format, name string, data []byte) (rows int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var file *format.File
	limit := 2*len(data) + hostileBudget
	err = frugal(limit, func() (err error) {
		in := format.Memory(name, data)
		found, err := format.Detect(ctx, in, []format.Format{f})
		if err == nil {
			file, err = format.Open(ctx, found, in, format.Options{Budget: hostileBudget})
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	defer file.Close()
	for i := range file.Schema.NumFields() {
		err := frugal(limit, func() error {
			_, err := file.Read(ctx, []int{i}, 0, file.Rows)
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	return file.Rows, nil
}

// concatenate joins arrays; those types that arrow-go does not join are built again.
func concatenate(parts []arrow.Array) (arrow.Array, error) {
	if len(parts) == 1 {
		return parts[0], nil
	}
	return format.Concat(parts)
}
