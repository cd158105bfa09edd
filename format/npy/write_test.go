package npy_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/format/formattest"
	"github.com/darray-go/darray/format/npy"
	"github.com/darray-go/darray/internal/leak"
)

// valid are the types without nulls.
func valid() []arrow.DataType {
	item := func(n int32, t arrow.DataType) arrow.DataType { return arrow.FixedSizeListOfNonNullable(n, t) }
	return append(formattest.Numbers(), arrow.FixedWidthTypes.Float16, item(3, arrow.PrimitiveTypes.Float64),
		item(2, item(5, arrow.FixedWidthTypes.Boolean)), item(1, item(2, item(3, arrow.PrimitiveTypes.Uint16))))
}

// moments are the types of times, whose nulls are NaT.
func moments() []arrow.DataType {
	zone := func(u arrow.TimeUnit) arrow.DataType { return &arrow.TimestampType{Unit: u} }
	w := arrow.FixedWidthTypes
	return []arrow.DataType{
		w.Date32, zone(arrow.Second), zone(arrow.Millisecond), zone(arrow.Microsecond), zone(arrow.Nanosecond),
		w.Duration_s, w.Duration_ms, w.Duration_us, w.Duration_ns,
	}
}

func TestRoundTrip(t *testing.T) {
	leak.Check(t)
	for _, compression := range []string{"", "deflate"} {
		o := format.WriteOptions{Compression: compression}
		formattest.RoundTripValid(t, npy.Zip, "x.npz", valid(), o)
		formattest.RoundTrip(t, npy.Zip, "x.npz", moments(), o)
	}
	for _, d := range valid() {
		formattest.RoundTripValid(t, npy.Format, "x.npy", []arrow.DataType{d}, format.WriteOptions{})
	}
	for _, d := range moments() {
		formattest.RoundTrip(t, npy.Format, "x.npy", []arrow.DataType{d}, format.WriteOptions{})
	}
}

// TestSlices writes columns that begin inside their memory.
func TestSlices(t *testing.T) {
	leak.Check(t)
	types := append(valid(), moments()...)
	whole := formattest.Batch(types, 100, false, 7)
	part := whole.NewSlice(13, 90)
	f := formattest.Open(t, npy.Zip, "x.npz", formattest.Encode(t, npy.Zip, format.WriteOptions{}, part), format.Options{})
	for i := range types {
		got, err := f.Read(t.Context(), []int{i}, 5, 70)
		if err != nil {
			t.Fatal(err)
		}
		if err := formattest.Equal(got[0], arrowarray.NewSlice(whole.Column(i), 18, 83)); err != nil {
			t.Errorf("%s: %v", types[i], err)
		}
	}
}

// TestMembersAligned: values in our archives can be viewed.
func TestMembersAligned(t *testing.T) {
	leak.Check(t)
	data := formattest.Encode(t, npy.Zip, format.WriteOptions{}, formattest.Batch(valid(), 33, false, 3))
	for at, members := 0, 0; ; members++ {
		i := bytes.Index(data[at:], []byte("\x93NUMPY"))
		if i < 0 {
			if members != len(valid()) {
				t.Errorf("%d members, want %d", members, len(valid()))
			}
			return
		}
		if at += i; at%64 != 0 {
			t.Errorf("member %d begins at byte %d", members, at)
		}
		at++
	}
}

// pythonCode prints what NumPy finds in files as JSON: by file and member, type, shape and bytes.
const pythonCode = `
import json, sys
import numpy as np
out = {}
for path in sys.argv[1:]:
    a = np.load(path)
    for name in (a.files if path.endswith("npz") else [""]):
        x = a[name] if name else a
        out[path + ":" + name] = [x.dtype.str, list(x.shape), x.tobytes().hex()]
json.dump(out, sys.stdout)
`

// python is a Python that has NumPy; a test that needs one is skipped where none is found.
func python(t *testing.T) string {
	t.Helper()
	for _, path := range []string{"python3", "/usr/bin/python3"} {
		if exec.CommandContext(t.Context(), path, "-c", "import numpy").Run() == nil {
			return path
		}
	}
	t.Skip("NOT TESTED: NumPy reading our files; python3 with numpy is missing (apt-get install python3-numpy)")
	return ""
}

// TestReadByNumPy has NumPy read what was written, and compares types, shapes and bytes.
func TestReadByNumPy(t *testing.T) {
	leak.Check(t)
	interpreter := python(t)
	dir := t.TempDir()
	types := append(valid(), moments()...)
	batch := formattest.Batch(types, 37, false, 5)
	paths := []string{}
	save := func(name string, f format.Format, b arrow.RecordBatch, compression string) {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, formattest.Encode(t, f, format.WriteOptions{Compression: compression}, b), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	save("stored.npz", npy.Zip, batch, "")
	save("deflated.npz", npy.Zip, batch, "gzip")
	for i := range types {
		one := arrowarray.NewRecordBatch(arrow.NewSchema(batch.Schema().Fields()[i:i+1], nil), batch.Columns()[i:i+1], 37)
		save(fmt.Sprintf("c%d.npy", i), npy.Format, one, "")
	}
	cmd := exec.CommandContext(t.Context(), interpreter, append([]string{"-c", pythonCode}, paths...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	var got map[string][3]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 3*len(types) {
		t.Errorf("%d arrays, want %d", len(got), 3*len(types))
	}
	for where, a := range got {
		_, name, _ := strings.Cut(filepath.Base(where), ":")
		if name == "" {
			name = strings.TrimSuffix(filepath.Base(where), ".npy:")
		}
		i := slices.IndexFunc(batch.Schema().Fields(), func(f arrow.Field) bool { return f.Name == name })
		descr, shape, data := expected(batch.Column(i))
		if a[0] != descr || fmt.Sprint(a[1]) != fmt.Sprint(shape) || a[2] != hex.EncodeToString(data) {
			t.Errorf("%s of %s: NumPy finds %v of shape %v, want %v of %v; or other values", where, types[i], a[0], a[1], descr, shape)
		}
	}
}

// expected is what NumPy should call a column, its shape and bytes.
func expected(a arrow.Array) (descr string, shape []int, data []byte) {
	shape = []int{a.Len()}
	for {
		l, ok := a.(*arrowarray.FixedSizeList)
		if !ok {
			break
		}
		shape = append(shape, int(l.DataType().(*arrow.FixedSizeListType).Len()))
		a = l.ListValues()
	}
	switch a := a.(type) {
	case *arrowarray.Boolean:
		for i := range a.Len() {
			data = append(data, map[bool]byte{true: 1}[a.Value(i)])
		}
		return "|b1", shape, data
	case *arrowarray.Date32:
		for i := range a.Len() {
			data = binary.LittleEndian.AppendUint64(data, uint64(int64(a.Value(i))))
		}
		return "<M8[D]", shape, data
	}
	size := a.DataType().(arrow.FixedWidthDataType).Bytes()
	name := a.DataType().String()
	switch unit := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(name, "timestamp["), "duration["), "]"); {
	case strings.HasPrefix(name, "timestamp"):
		descr = "<M8[" + unit + "]"
	case strings.HasPrefix(name, "duration"):
		descr = "<m8[" + unit + "]"
	default:
		descr = fmt.Sprintf("<%c%d", name[0], size)
		if size == 1 {
			descr = "|" + descr[1:]
		}
	}
	return descr, shape, a.Data().Buffers()[1].Bytes()[:size*a.Len()]
}

// TestNotWritten: what NumPy's files cannot hold is refused by name and row.
func TestNotWritten(t *testing.T) {
	leak.Check(t)
	of := func(f format.Format, o format.WriteOptions, batches ...arrow.RecordBatch) error {
		e, err := format.Create(f, &bytes.Buffer{}, batches[0].Schema(), o)
		for _, b := range batches {
			if err == nil {
				err = e.Write(t.Context(), b)
			}
		}
		if err == nil {
			err = e.Close()
		}
		return err
	}
	batch := func(n int, types ...arrow.DataType) arrow.RecordBatch { return formattest.Batch(types, n, false, 1) }
	b := arrowarray.NewInt64Builder(memory.DefaultAllocator)
	b.AppendValues([]int64{1, 2, 3, 4}, []bool{true, true, false, true})
	nulls := arrowarray.NewRecordBatch(batch(1, arrow.PrimitiveTypes.Int64).Schema(), []arrow.Array{b.NewArray()}, 4)
	l := arrowarray.NewFixedSizeListBuilder(memory.DefaultAllocator, 2, arrow.PrimitiveTypes.Int8)
	for i := range 6 {
		l.Append(true)
		l.ValueBuilder().(*arrowarray.Int8Builder).AppendValues([]int8{1, 2}, []bool{true, i != 5})
	}
	lists := l.NewArray()
	inner := arrowarray.NewRecordBatch(batch(1, lists.DataType()).Schema(), []arrow.Array{lists}, 6).NewSlice(1, 6)
	x := arrow.PrimitiveTypes.Int64
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"null":       {of(npy.Format, format.WriteOptions{Rows: 8}, batch(4, x), nulls), `column "c0", row 6 is null`},
		"null zip":   {of(npy.Zip, format.WriteOptions{}, batch(4, x), nulls), `column "c0", row 6 is null`},
		"inner null": {of(npy.Zip, format.WriteOptions{}, inner), `column "c0", row 4 is null`},
		"text":       {of(npy.Zip, format.WriteOptions{}, batch(1, x, arrow.BinaryTypes.String)), `column "c1": NumPy's files have no values of utf8`},
		"zone":       {of(npy.Zip, format.WriteOptions{}, batch(1, arrow.FixedWidthTypes.Timestamp_s)), `no zone, this has UTC`},
		"two":        {of(npy.Format, format.WriteOptions{Rows: 1}, batch(1, x, x)), "one column, not 2; write .npz"},
		"few":        {of(npy.Format, format.WriteOptions{Rows: 5}, batch(4, x)), "4 rows were written to an array of 5"},
		"many":       {of(npy.Format, format.WriteOptions{Rows: 3}, batch(4, x)), "4 rows or more were written to an array of 3"},
		"few zip":    {of(npy.Zip, format.WriteOptions{Rows: 5}, batch(4, x)), "4 rows were written to arrays of 5"},
		"many zip":   {of(npy.Zip, format.WriteOptions{Rows: 4}, batch(4, x), batch(1, x)), "5 rows were written to arrays of 4"},
		"zstd":       {of(npy.Zip, format.WriteOptions{Compression: "zstd"}, batch(4, x)), "deflate or not at all"},
		"gzip npy":   {of(npy.Format, format.WriteOptions{Compression: "gzip"}, batch(4, x)), "write .npz"},
		"negative":   {of(npy.Format, format.WriteOptions{Rows: -1}, batch(4, x)), "-1 rows"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, c.err, c.want)
		}
	}
}
