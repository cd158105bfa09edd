package arrowipc_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/endian"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/format/arrowipc"
	"github.com/darray-go/darray/internal/leak"
)

// TestReadWhatArrowWrites reads every type, layout and compression that arrow-go writes, in both formats.
func TestReadWhatArrowWrites(t *testing.T) {
	leak.Check(t)
	codecs := map[string][]ipc.Option{"": nil, "lz4": {ipc.WithLZ4()}, "zstd": {ipc.WithZstd()}}
	schema := mixedSchema()
	for _, nulls := range []int{0, 3} {
		batches := randomBatches(schema, nulls, 0, 100, 1, 0, 70, 9, 0)
		for codec, options := range codecs {
			for _, stream := range []bool{false, true} {
				path := save(t, encode(t, stream, schema, batches, options...))
				for _, copying := range []bool{false, true} {
					f := open(t, path, arrowipc.Options{Copy: copying})
					if f.Stream != stream || f.Compression != codec || f.Mapped == copying || len(f.Batches) != len(batches) {
						t.Fatalf("stream %v, compression %q, mapped %v, batches %v", f.Stream, f.Compression, f.Mapped, f.Batches)
					}
					checkRanges(t, f, batches)
				}
			}
		}
	}
}

func TestRefusedColumnsAreNamed(t *testing.T) {
	leak.Check(t)
	f := open(t, save(t, encode(t, false, mixedSchema(), randomBatches(mixedSchema(), 0, 3))), arrowipc.Options{})
	for i, field := range f.Schema.Fields() {
		_, err := f.Read(context.Background(), i, 0, 1)
		if _, no := array.FromArrowType(field.Type); no == nil {
			if err != nil {
				t.Errorf("%s: %v", field.Name, err)
			}
			continue
		}
		if !errors.Is(err, array.ErrDType) || !strings.Contains(err.Error(), "the columns that can be read are bool, int8") ||
			!strings.Contains(err.Error(), field.Name) || !strings.Contains(err.Error(), f.Path) {
			t.Errorf("%s: %v", field.Name, err)
		}
	}
}

func TestWrongArguments(t *testing.T) {
	leak.Check(t)
	schema := numericSchema(t)
	path := save(t, encode(t, false, schema, randomBatches(schema, 2, 10, 10)))
	f := open(t, path, arrowipc.Options{})
	ended, end := context.WithCancel(context.Background())
	end()
	for _, c := range []struct {
		ctx            context.Context
		column, lo, hi int
		want           string
	}{
		{t.Context(), -1, 0, 1, "there are 11 columns"},
		{t.Context(), 11, 0, 1, "there are 11 columns"},
		{t.Context(), 0, -1, 1, "rows [-1, 1) of 20"},
		{t.Context(), 0, 5, 4, "rows [5, 4) of 20"},
		{t.Context(), 0, 0, 21, "rows [0, 21) of 20"},
		{ended, 0, 0, 20, "context canceled"},
	} {
		if b, err := f.Read(c.ctx, c.column, c.lo, c.hi); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Read(%d, %d, %d) = %v, %v; want %q", c.column, c.lo, c.hi, b, err, c.want)
		}
	}
	f.Close()
	if _, err := f.Read(t.Context(), 0, 0, 1); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("after Close: %v", err)
	}
}

func TestWithoutRowsOrColumns(t *testing.T) {
	leak.Check(t)
	none := arrow.NewSchema(nil, nil)
	for name, data := range map[string][]byte{
		"no batches":     encode(t, false, numericSchema(t), nil),
		"no batches, s":  encode(t, true, numericSchema(t), nil),
		"empty batch":    encode(t, false, numericSchema(t), randomBatches(numericSchema(t), 0, 0)),
		"empty, zstd":    encode(t, true, numericSchema(t), randomBatches(numericSchema(t), 0, 0), ipc.WithZstd()),
		"no columns":     encode(t, false, none, nil),
		"no columns, s":  encode(t, true, none, nil),
		"columns, 1 row": encode(t, true, none, randomBatches(none, 0, 0)),
	} {
		f := open(t, save(t, data), arrowipc.Options{})
		if f.Rows != 0 {
			t.Errorf("%s: %d rows", name, f.Rows)
		}
		for i := range f.Schema.NumFields() {
			if b, err := f.Read(t.Context(), i, 0, 0); err != nil || b.Len() != 0 {
				t.Errorf("%s: %v, %v", name, b, err)
			}
		}
	}
}

// TestViewOrCopy: rows of one batch share the mapping's memory, rows of several do not.
func TestViewOrCopy(t *testing.T) {
	leak.Check(t)
	schema, err := arrowipc.NewSchema([]string{"x"}, []array.DType{array.Float64})
	if err != nil {
		t.Fatal(err)
	}
	f := open(t, save(t, encode(t, false, schema, randomBatches(schema, 2, 5000, 5000))), arrowipc.Options{})
	read := func(lo, hi int) *float64 {
		b, err := f.Read(t.Context(), 0, lo, hi)
		if err != nil {
			t.Fatal(err)
		}
		xs, err := array.Values[float64](b)
		if err != nil {
			t.Fatal(err)
		}
		return &xs[0]
	}
	if read(4000, 5000) != read(4000, 4001) {
		t.Error("two reads of one batch do not share memory")
	}
	if over := read(4000, 5001); over == read(4000, 5001) {
		t.Error("two reads over two batches share memory")
	}
}

func TestManyReadersAndClose(t *testing.T) {
	leak.Check(t)
	schema := numericSchema(t)
	batches := randomBatches(schema, 3, 50, 50)
	for _, o := range []arrowipc.Options{{}, {Copy: true}} {
		f := open(t, save(t, encode(t, false, schema, batches, ipc.WithZstd())), o)
		var running sync.WaitGroup
		for i := range schema.NumFields() {
			all := want(t, batches, i)
			running.Go(func() {
				for {
					b, err := f.Read(context.Background(), i, 20, 80)
					if err != nil {
						if !strings.Contains(err.Error(), "close") {
							t.Error(err)
						}
						return
					}
					if got := elements(t, b); got[40] != all[60] {
						t.Errorf("column %d: %v, want %v", i, got[40], all[60])
						return
					}
					if i == 0 {
						f.Close()
					}
				}
			})
		}
		running.Wait()
	}
}

// TestFileCutWhileOpen: what would be SIGBUS is an error wherever this package touches the bytes itself.
func TestFileCutWhileOpen(t *testing.T) {
	leak.Check(t)
	schema, err := arrowipc.NewSchema([]string{"x"}, []array.DType{array.Float64})
	if err != nil {
		t.Fatal(err)
	}
	for _, copying := range []bool{false, true} {
		path := save(t, encode(t, false, schema, randomBatches(schema, 0, 4000, 4000)))
		f := open(t, path, arrowipc.Options{Copy: copying})
		if err := os.Truncate(path, 10_000); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Read(t.Context(), 0, 0, 8000); err == nil || !strings.Contains(err.Error(), "shorter while it was open") {
			t.Errorf("copying %v: %v", copying, err)
		}
	}
}

func TestBudget(t *testing.T) {
	leak.Check(t)
	schema, err := arrowipc.NewSchema([]string{"x"}, []array.DType{array.Float64})
	if err != nil {
		t.Fatal(err)
	}
	values := make([]float64, 1<<20) // 8 MiB of zeros, some hundred bytes of zstd
	block, err := array.FromSlice(values)
	if err != nil {
		t.Fatal(err)
	}
	path := t.TempDir() + "/bomb.arrow"
	if err := arrowipc.WriteFile(t.Context(), path, []string{"x"}, []*array.Block{block}, arrowipc.WriteOptions{Compression: "zstd"}); err != nil {
		t.Fatal(err)
	}
	f := open(t, path, arrowipc.Options{Budget: 1 << 20})
	if !f.Schema.Equal(schema) || f.Rows != len(values) {
		t.Fatalf("%v, %d rows", f.Schema, f.Rows)
	}
	if _, err := f.Read(t.Context(), 0, 0, f.Rows); err == nil || !strings.Contains(err.Error(), "take 8388608 bytes, over the budget of 1048576") {
		t.Error(err)
	}
	if b, err := f.Read(t.Context(), 0, f.Rows-1000, f.Rows); err != nil || b.Len() != 1000 {
		t.Errorf("%v, %v", b, err)
	}
}

// TestOldAndForeign: streams as written until 2019 are read, those of the other byte order are refused.
func TestOldAndForeign(t *testing.T) {
	leak.Check(t)
	fields := []arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Int32}}
	schema := arrow.NewSchema(fields, nil)
	batches := randomBatches(schema, 0, 20, 30)
	mark := []byte{0xff, 0xff, 0xff, 0xff} // stands before every message since; the small values here hold none
	checkRanges(t, open(t, save(t, bytes.ReplaceAll(encode(t, true, schema, batches), mark, nil)), arrowipc.Options{}), batches)

	big := encode(t, true, arrow.NewSchemaWithEndian(fields, nil, endian.BigEndian), nil)
	if _, err := arrowipc.OpenBytes(big, arrowipc.Options{}); err == nil || !strings.Contains(err.Error(), "big-endian") {
		t.Error(err)
	}
}
