package arrowipc_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime/metrics"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/format/arrowipc"
	"github.com/darray-go/darray/format/formattest"
	"github.com/darray-go/darray/internal/leak"
)

// smallTypes are few columns, so that every byte of a file can be tried.
func smallTypes() []arrow.DataType {
	text := arrow.BinaryTypes.String
	return []arrow.DataType{
		arrow.FixedWidthTypes.Boolean, &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: text},
		arrow.BinaryTypes.StringView, arrow.PrimitiveTypes.Int32, arrow.ListOf(text),
	}
}

// smallFiles are good files and streams, plain and compressed.
func smallFiles(t testing.TB, types []arrow.DataType) map[string][]byte {
	batches := sample(types, true, 12, 5)
	schema := batches[0].Schema()
	return map[string][]byte{
		"file":        encode(t, false, schema, batches),
		"stream":      encode(t, true, schema, batches),
		"file zstd":   encode(t, false, schema, batches, ipc.WithZstd()),
		"stream lz4":  encode(t, true, schema, batches, ipc.WithLZ4()),
		"file lz4":    formattest.Encode(t, arrowipc.Format, format.WriteOptions{Compression: "lz4"}, batches...),
		"stream zstd": encode(t, true, schema, batches, ipc.WithZstd()),
		"ours":        formattest.Encode(t, arrowipc.Format, format.WriteOptions{}, batches...),
	}
}

// readAll reads all that a file says it has, looks at every value, and says how much was allocated.
func readAll(in *format.Input, o format.Options) (rows int, allocated uint64, err error) {
	before := allocatedSoFar()
	f, err := format.Open(context.Background(), arrowipc.Format, in, o)
	if err != nil {
		return 0, allocatedSoFar() - before, err
	}
	defer f.Close()
	for i := range f.Schema.NumFields() {
		out, err := f.Read(context.Background(), []int{i}, 0, f.Rows)
		if err != nil {
			return 0, allocatedSoFar() - before, err
		}
		allocated = allocatedSoFar() - before
		look(out[0])
	}
	return f.Rows, allocated, nil
}

// look asks for values, which panics where something was not looked at. Long lists of nulls take no bytes, but long to print.
func look(a arrow.Array) {
	if elements(a.Data()) < 1<<16 {
		for k := range a.Len() {
			_ = arrowarray.ValueAsAny(a, k)
		}
	}
}

// elements is how many an array has in all of its parts.
func elements(d arrow.ArrayData) (n int) {
	for _, c := range d.Children() {
		n += elements(c)
	}
	return n + d.Len()
}

func readBytes(data []byte, o format.Options) (rows int, allocated uint64, err error) {
	return readAll(format.Memory("memory.arrow", data), o)
}

func allocatedSoFar() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// TestHostile breaks files of every type.
func TestHostile(t *testing.T) {
	leak.Check(t)
	for name, types := range map[string][]arrow.DataType{"small": smallTypes(), "deep": deep(), "others": formattest.Others()} {
		step := 8
		if name != "small" {
			step = 8 * 23 // with 8, which passes too, these take five minutes
		}
		for kind, data := range smallFiles(t, types) {
			t.Run(name+" "+kind, func(t *testing.T) { formattest.Hostile(t, arrowipc.Format, "x.arrow", data, step) })
		}
	}
}

// TestCuts: no prefix of a good file or stream reads as a shorter one.
func TestCuts(t *testing.T) {
	leak.Check(t)
	for name, data := range smallFiles(t, smallTypes()) {
		if rows, _, err := readBytes(data, format.Options{}); rows != 17 || err != nil {
			t.Fatalf("%s: %d rows, %v", name, rows, err)
		}
		for n := range data {
			rows, _, err := readBytes(data[:n:n], format.Options{})
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
	path := save(t, smallFiles(t, smallTypes())["file"])
	for n := int64(2000); n > 0; n -= 100 {
		if err := os.Truncate(path, n); err != nil {
			t.Fatal(err)
		}
		in, err := format.OpenLocal(path, format.Options{Copy: n%200 == 0})
		if err != nil {
			t.Fatal(err)
		}
		if rows, _, err := readAll(in, format.Options{}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("cut to %d bytes: %d rows, %v", n, rows, err)
		}
	}
}

// TestUnmarkedStream: a stream without its end marker is truncated unless the caller knows better.
func TestUnmarkedStream(t *testing.T) {
	leak.Check(t)
	data := smallFiles(t, smallTypes())["stream"]
	unmarked := data[:len(data)-8]
	if _, _, err := readBytes(unmarked, format.Options{}); err == nil || !strings.Contains(err.Error(), "truncated: the stream has no end marker after 2 batches of 17 rows") {
		t.Error(err)
	}
	if rows, _, err := readBytes(unmarked, format.Options{Unmarked: true}); rows != 17 || err != nil {
		t.Errorf("%d rows, %v", rows, err)
	}
	twice := append(bytes.Clone(data), data...)
	if _, _, err := readBytes(twice, format.Options{Unmarked: true}); err == nil || !strings.Contains(err.Error(), "bytes follow the end-of-stream marker") {
		t.Error(err)
	}
}

// TestFlips turns the bits of good files: an error or other values, never a panic or much memory.
func TestFlips(t *testing.T) {
	leak.Check(t)
	for name, data := range smallFiles(t, smallTypes()) {
		refused, step := 0, 7 // a bit of every byte, and in turn each bit
		if strings.Contains(name, " ") {
			step = 29 // compressed ones are slow to read
		}
		if testing.Short() {
			step = 8*step + 1
		}
		for i := 0; i < 8*len(data); i += step {
			data[i/8] ^= 1 << (i % 8)
			_, used, err := readBytes(data, format.Options{})
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
	if _, _, err := readBytes(data, format.Options{}); err != nil {
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
	if _, used, err := readBytes(data, format.Options{}); err == nil || !strings.Contains(err.Error(), "the schema is corrupt") || used > 1<<20 {
		t.Errorf("%d bytes allocated; %v", used, err)
	}
}

// TestLyingLengths sets every word of a file and a stream to lengths that must not be believed.
func TestLyingLengths(t *testing.T) {
	leak.Check(t)
	for _, name := range []string{"file", "stream zstd"} {
		data := smallFiles(t, smallTypes())[name]
		for at := 0; at+8 <= len(data); at += 4 {
			for _, lie := range []uint64{1 << 30, 1 << 33, 1 << 62, 1<<64 - 8} {
				bad := bytes.Clone(data)
				binary.LittleEndian.PutUint64(bad[at:], lie)
				if _, used, err := readBytes(bad, format.Options{}); used > 16<<20 {
					t.Errorf("%s: %#x at byte %d: %d bytes allocated; %v", name, lie, at, used, err)
				}
			}
		}
	}
}

// TestLiesAreNamed patches one number of a batch's metadata and expects the error that says what is wrong with it.
func TestLiesAreNamed(t *testing.T) {
	leak.Check(t)
	batches := sample([]arrow.DataType{arrow.PrimitiveTypes.Int64}, false, 10)
	good := encode(t, false, batches[0].Schema(), batches)
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
		{node, words(9, 0), `column "c0": it has 9 rows in a batch of 10`},
		{node, words(1<<31, 0), `it has 2147483648 rows in a batch of 10`},
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
		_, _, err := readBytes(bytes.Replace(good, c.from, c.to, 1), format.Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "batch 0") {
			t.Errorf("%v; want %q", err, c.want)
		}
	}
	last := bytes.LastIndex(good, words(80)) // the length of the body in the footer
	good[last]++
	if _, _, err := readBytes(good, format.Options{}); err == nil || !strings.Contains(err.Error(), "is not what the footer says") {
		t.Errorf("%v", err)
	}
}

// TestBombs: buffers that unpack to much more than their rows take, or that say so, are stopped before the memory is taken.
func TestBombs(t *testing.T) {
	leak.Check(t)
	zeros := strings.Repeat("\x00", 32<<20)
	for _, compression := range []string{"lz4", "zstd"} {
		batch := texts(zeros)
		data := formattest.Encode(t, arrowipc.Format, format.WriteOptions{Compression: compression}, batch)
		if rows, _, err := readBytes(data, format.Options{}); rows != 1 || err != nil {
			t.Errorf("%s: %d rows, %v", compression, rows, err)
		}
		_, used, err := readBytes(data, format.Options{Budget: 1 << 20})
		if err == nil || !strings.Contains(err.Error(), "over the budget of 1048576") || used > 2<<20 {
			t.Errorf("%s: %d bytes allocated; %v", compression, used, err)
		}
		said := binary.LittleEndian.AppendUint64(nil, uint64(len(zeros)))
		for _, lie := range []uint64{1 << 40, 1 << 62, 1<<64 - 2, uint64(len(zeros)) - 1, uint64(len(zeros)) + 1} {
			bad := bytes.Clone(data)
			binary.LittleEndian.PutUint64(bad[bytes.LastIndex(bad, said):], lie)
			if _, used, err := readBytes(bad, format.Options{Budget: 100 << 20}); err == nil || used > 110<<20 {
				t.Errorf("%s says %d bytes: %d allocated; %v", compression, lie, used, err)
			}
		}
	}
}

// TestOverlap: buffers that lie over each other are read, within the budget where that takes memory.
func TestOverlap(t *testing.T) {
	leak.Check(t)
	types := make([]arrow.DataType, 50)
	for i := range types {
		types[i] = arrow.PrimitiveTypes.Int64
	}
	batch := sample(types, false, 1<<15)[0]
	data := formattest.Encode(t, arrowipc.Format, format.WriteOptions{}, batch)
	const column = 8 << 15
	word := binary.LittleEndian.AppendUint64
	for i := range types { // the values of all become those of the first
		validity := word(word(nil, uint64(i*column)), 0)
		from := word(word(bytes.Clone(validity), uint64(i*column)), column)
		if !bytes.Contains(data, from) {
			t.Fatal(i)
		}
		data = bytes.Replace(data, from, word(word(validity, 0), column), 1)
	}
	path := save(t, data)
	all := make([]int, len(types))
	for i := range all {
		all[i] = i
	}
	for _, copying := range []bool{false, true} {
		f := openFile(t, path, format.Options{Copy: copying, Budget: 4 << 20})
		out, err := f.Read(t.Context(), all, 0, f.Rows)
		if copying != (err != nil && strings.Contains(err.Error(), "over the budget")) {
			t.Errorf("copying %v: %v", copying, err)
		}
		for _, a := range out {
			if err := formattest.Equal(a, batch.Column(0)); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestNotAFile(t *testing.T) {
	leak.Check(t)
	for name, c := range map[string]struct{ data, want string }{
		"empty":      {"", "is empty; write it again"},
		"text":       {"a,b\n1,2\n3,4\n5,6\n7,8\n", "truncated"},
		"magic":      {"ARROW1", "truncated"},
		"two magics": {"ARROW1\x00\x00" + strings.Repeat("\x00", 20) + "ARROW1", "the footer says that it has 0 bytes"},
	} {
		if _, _, err := readBytes([]byte(c.data), format.Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %q", name, err, c.want)
		}
	}
	for head, want := range map[string]bool{
		"ARROW1\x00\x00": true, "\xff\xff\xff\xff\x10\x00\x00\x00": true, "\x10\x01\x00\x00\x10\x00\x00\x00": true,
		"": false, "ARROW": false, "a,b\n1,2\n": false, "PAR1\x15\x04\x15\x00": false, "\xff\xff": false,
	} {
		if got := arrowipc.Format.Is([]byte(head), filepath.Join("some", "X.ARROWS")); got != want {
			t.Errorf("%q: %v", head, got)
		}
	}
	if arrowipc.Format.Is([]byte("\x10\x01\x00\x00\x10\x00\x00\x00"), "x.npy") {
		t.Error("a stream without a mark is known by its name")
	}
}

// FuzzOpen: whatever the bytes, Open and Read return, and what they give can be looked at.
func FuzzOpen(f *testing.F) {
	for _, types := range [][]arrow.DataType{smallTypes(), deep(), formattest.Others(), formattest.Texts()} {
		for _, data := range smallFiles(f, types) {
			f.Add(data)
		}
	}
	f.Add([]byte("ARROW1\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		marked, _, err := readBytes(data, format.Options{Budget: 1 << 20})
		unmarked, _, err2 := readBytes(data, format.Options{Budget: 1 << 20, Unmarked: true})
		if err == nil && (err2 != nil || marked != unmarked) {
			t.Error(fmt.Errorf("%d rows, or with Unmarked %d and %w", marked, unmarked, err2))
		}
	})
}
