package arrowipc_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime/metrics"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/format/arrowipc"
	"github.com/darray-go/darray/internal/leak"
)

// smallSchema has few columns, so that every byte of a file can be tried.
func smallSchema() *arrow.Schema {
	return arrow.NewSchema([]arrow.Field{
		{Name: "b", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
		{Name: "d", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}, Nullable: true},
		{Name: "v", Type: arrow.BinaryTypes.StringView, Nullable: true},
		{Name: "x", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
	}, nil)
}

// smallFiles are good files and streams, plain and compressed.
func smallFiles(t testing.TB) map[string][]byte {
	batches := randomBatches(smallSchema(), 3, 12, 5)
	return map[string][]byte{
		"file":        encode(t, false, smallSchema(), batches),
		"stream":      encode(t, true, smallSchema(), batches),
		"file zstd":   encode(t, false, smallSchema(), batches, ipc.WithZstd()),
		"stream lz4":  encode(t, true, smallSchema(), batches, ipc.WithLZ4()),
		"file lz4":    encode(t, false, smallSchema(), batches, ipc.WithLZ4()),
		"stream zstd": encode(t, true, smallSchema(), batches, ipc.WithZstd()),
	}
}

// readAll opens a file that may be anything and reads all that it says it has.
func readAll(path string, o arrowipc.Options) (rows int, err error) {
	return readColumns(arrowipc.Open(path, o))
}

// readBytes is readAll of a file in memory, and what it allocated.
func readBytes(data []byte, o arrowipc.Options) (rows int, allocated uint64, err error) {
	before := allocatedSoFar()
	rows, err = readColumns(arrowipc.OpenBytes(data, o))
	return rows, allocatedSoFar() - before, err
}

func allocatedSoFar() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func readColumns(f *arrowipc.File, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for i, field := range f.Schema.Fields() {
		if _, err := array.FromArrowType(field.Type); err != nil {
			continue
		}
		b, err := f.Read(context.Background(), i, 0, f.Rows)
		if err != nil {
			return 0, err
		}
		b.NullN() // looks at every bit of validity
		if b.Len() > 0 {
			b.Scalar(b.Len() - 1)
		}
	}
	return f.Rows, nil
}

// TestCuts: no prefix of a good file or stream reads as a shorter one.
func TestCuts(t *testing.T) {
	leak.Check(t)
	for name, data := range smallFiles(t) {
		if rows, _, err := readBytes(data, arrowipc.Options{}); rows != 17 || err != nil {
			t.Fatalf("%s: %d rows, %v", name, rows, err)
		}
		for n := range data {
			rows, _, err := readBytes(data[:n:n], arrowipc.Options{})
			if err == nil {
				t.Errorf("%s cut to %d of %d bytes: %d rows and no error", name, n, len(data), rows)
			} else if !strings.Contains(err.Error(), "memory.arrow") {
				t.Errorf("%s cut to %d bytes: %v does not name the file", name, n, err)
			}
		}
	}
}

// TestCutFiles cuts files on a disk, mapped and copied: no descriptor is left open.
func TestCutFiles(t *testing.T) {
	leak.Check(t)
	path := save(t, smallFiles(t)["file"])
	for n := int64(1500); n > 0; n -= 100 {
		if err := os.Truncate(path, n); err != nil {
			t.Fatal(err)
		}
		if rows, err := readAll(path, arrowipc.Options{Copy: n%200 == 0}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("cut to %d bytes: %d rows, %v", n, rows, err)
		}
	}
}

// TestUnmarkedStream: a stream without its end marker is truncated unless the caller knows better.
func TestUnmarkedStream(t *testing.T) {
	leak.Check(t)
	data := smallFiles(t)["stream"]
	path := save(t, data[:len(data)-8])
	if _, err := readAll(path, arrowipc.Options{}); err == nil || !strings.Contains(err.Error(), "truncated: the stream has no end marker after 2 batches of 17 rows") {
		t.Error(err)
	}
	if rows, err := readAll(path, arrowipc.Options{Unmarked: true}); rows != 17 || err != nil {
		t.Errorf("%d rows, %v", rows, err)
	}
	path = save(t, append(bytes.Clone(data), data...))
	if _, err := readAll(path, arrowipc.Options{Unmarked: true}); err == nil || !strings.Contains(err.Error(), "bytes follow the end-of-stream marker") {
		t.Error(err)
	}
}

// TestFlips turns the bits of good files: an error or other values, never a panic or much memory.
func TestFlips(t *testing.T) {
	leak.Check(t)
	for name, data := range smallFiles(t) {
		refused, step := 0, 7 // a bit of every byte, and in turn each bit
		if strings.Contains(name, " ") {
			step = 19 // compressed ones are slow to read
		}
		for i := 0; i < 8*len(data); i += step {
			data[i/8] ^= 1 << (i % 8)
			_, used, err := readBytes(data, arrowipc.Options{})
			data[i/8] ^= 1 << (i % 8)
			if err != nil {
				refused++
			}
			if used > 16<<20 {
				t.Errorf("%s: bit %d of byte %d: %d bytes allocated; %v", name, i%8, i/8, used, err)
			}
		}
		if refused < len(data)/step {
			t.Errorf("%s: of %d flips only %d were refused", name, 8*len(data)/step, refused)
		}
	}
}

// TestSharedSchema: a schema of a few KB whose parts are shared, so that it describes 51^8 fields, is refused at once.
func TestSharedSchema(t *testing.T) {
	leak.Check(t)
	const width, depth = 51, 8
	inner := arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Int32}
	for range depth {
		fields := make([]arrow.Field, width)
		for i := range fields {
			fields[i] = arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Int32}
		}
		fields[0] = inner
		inner = arrow.Field{Name: "s", Type: arrow.StructOf(fields...)}
	}
	data := encode(t, true, arrow.NewSchema([]arrow.Field{inner}, nil), nil)
	if _, _, err := readBytes(data, arrowipc.Options{}); err != nil {
		t.Fatal(err)
	}
	patched := 0
	for at := 8; at+4*width < len(data); at += 4 {
		if binary.LittleEndian.Uint32(data[at:]) != width {
			continue
		}
		first := uint32(at+4) + binary.LittleEndian.Uint32(data[at+4:])
		for i := range width { // every child of this struct becomes its first one
			pos := uint32(at + 4 + 4*i)
			binary.LittleEndian.PutUint32(data[pos:], first-pos)
		}
		patched++
	}
	if patched != depth {
		t.Fatalf("%d structs, want %d", patched, depth)
	}
	if _, used, err := readBytes(data, arrowipc.Options{}); err == nil || !strings.Contains(err.Error(), "the schema is corrupt") || used > 1<<20 {
		t.Errorf("%d bytes allocated; %v", used, err)
	}
}

// TestLyingLengths sets every word of a file and a stream to lengths that must not be believed.
func TestLyingLengths(t *testing.T) {
	leak.Check(t)
	for _, name := range []string{"file", "stream zstd"} {
		data := smallFiles(t)[name]
		for at := 0; at+8 <= len(data); at += 4 {
			for _, lie := range []uint64{1 << 30, 1 << 33, 1 << 62, 1<<64 - 8} {
				bad := bytes.Clone(data)
				binary.LittleEndian.PutUint64(bad[at:], lie)
				if _, used, err := readBytes(bad, arrowipc.Options{}); used > 16<<20 {
					t.Errorf("%s: %#x at byte %d: %d bytes allocated; %v", name, lie, at, used, err)
				}
			}
		}
	}
}

func TestNotAFile(t *testing.T) {
	leak.Check(t)
	dir := t.TempDir()
	for name, c := range map[string]struct{ path, want string }{
		"missing":   {filepath.Join(dir, "none.arrow"), "no such file or directory; check the name"},
		"directory": {dir, "is a directory"},
		"empty":     {save(t, nil), "is empty"},
		"device":    {os.DevNull, "is not a regular file"},
		"text":      {save(t, []byte("a,b\n1,2\n3,4\n5,6\n7,8\n")), "is it an Arrow file?"},
		"magic":     {save(t, []byte("ARROW1")), "truncated"},
	} {
		_, err := arrowipc.Open(c.path, arrowipc.Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.path) {
			t.Errorf("%s: %v; want %q", name, err, c.want)
		}
	}
	path := save(t, smallFiles(t)["file"])
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	if f, err := os.Open(path); err == nil { // root may read everything
		f.Close()
		return
	}
	if _, err := arrowipc.Open(path, arrowipc.Options{}); err == nil || !strings.Contains(err.Error(), "the right to read") {
		t.Errorf("unreadable: %v", err)
	}
}

// FuzzOpen: whatever the bytes, Open and Read return.
func FuzzOpen(f *testing.F) {
	for _, data := range smallFiles(f) {
		f.Add(data)
		f.Add(data[:len(data)/2])
	}
	f.Add([]byte("ARROW1\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		marked, _, err := readBytes(data, arrowipc.Options{Budget: 1 << 20})
		unmarked, _, err2 := readBytes(data, arrowipc.Options{Budget: 1 << 20, Unmarked: true})
		if err == nil && (err2 != nil || marked != unmarked) {
			t.Errorf("%d rows, or with Unmarked %d and %v", marked, unmarked, err2)
		}
	})
}

// TestLiesAreNamed patches one number of a batch's metadata and expects the error that says what is wrong with it.
func TestLiesAreNamed(t *testing.T) {
	leak.Check(t)
	schema := arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Int64, Nullable: true}}, nil)
	good := encode(t, false, schema, randomBatches(schema, 0, 10))
	words := func(values ...uint64) (b []byte) {
		for _, v := range values {
			b = binary.LittleEndian.AppendUint64(b, v)
		}
		return b
	}
	node, buffers := words(10, 0), words(0, 0, 0, 80) // rows, nulls; where the validity and the values lie in the body
	for _, c := range []struct {
		from, to []byte
		want     string
	}{
		{node, words(9, 0), `column "x": it has 9 rows in a batch of 10`},
		{node, words(10, 11), "it says that 11 of 10 rows are null"},
		{node, words(10, 1), "validity of 1 nulls: 10 rows need 2 bytes, the buffer has 0"},
		{buffers, words(0, 0, 0, 72), "values: 10 rows need 80 bytes, the buffer has 72"},
		{buffers, words(0, 0, 0, 1<<10), "lie outside the batch"},
		{buffers, words(0, 0, 120, 80), "lie outside the batch"},
		{buffers, words(0, 0, 1<<63, 80), "lie outside the batch"},
		{buffers, words(0, 0, 0, 1<<63), "lie outside the batch"},
	} {
		if n := bytes.Count(good, c.from); n != 1 {
			t.Fatalf("%v is there %d times", c.from, n)
		}
		_, err := arrowipc.OpenBytes(bytes.Replace(good, c.from, c.to, 1), arrowipc.Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "batch 0") {
			t.Errorf("%v; want %q", err, c.want)
		}
	}

	last := bytes.LastIndex(good, words(80)) // the length of the body in the footer
	good[last]++
	if _, err := arrowipc.OpenBytes(good, arrowipc.Options{}); err == nil || !strings.Contains(err.Error(), "is not what the footer says") {
		t.Errorf("%v", err)
	}
}
