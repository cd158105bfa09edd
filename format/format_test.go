package format_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/internal/leak"
)

// bytesFormat is files of a mark and bytes, which are columns of one row a byte: as many columns as the name after the mark has letters.
var bytesFormat = format.Format{
	Name: "bytes", What: "files of bytes", Extensions: []string{".bytes", ".b"},
	Is: func(head []byte, name string) bool {
		return bytes.HasPrefix(head, []byte("BYTES ")) || len(head) == 0 && strings.HasSuffix(name, ".bytes")
	},
	Open: openBytes,
	Create: func(w io.Writer, _ *arrow.Schema, _ format.WriteOptions) (format.Encoder, error) {
		_, err := io.WriteString(w, "BYTES x\n")
		return bytesEncoder{w}, err
	},
}

func openBytes(ctx context.Context, in *format.Input, _ format.Options) (*format.File, error) {
	all, err := in.View(ctx, 0, in.Size)
	if err != nil {
		return nil, err
	}
	names, values, ok := bytes.Cut(bytes.TrimPrefix(all, []byte("BYTES ")), []byte("\n"))
	if !ok {
		return nil, errors.New("has no line of names")
	}
	var fields []arrow.Field
	for _, n := range string(names) {
		typ := arrow.DataType(arrow.PrimitiveTypes.Uint8)
		if n >= 'A' && n <= 'Z' {
			typ = arrow.PrimitiveTypes.Int8
		}
		fields = append(fields, arrow.Field{Name: string(n), Type: typ})
	}
	f := &format.File{Schema: arrow.NewSchema(fields, nil), Rows: len(values), Batches: []int{len(values)}, Reader: &bytesReader{in, len(all) - len(values)}}
	if bytes.Contains(values, []byte("lie")) {
		f.Rows++
	}
	return f, nil
}

type bytesReader struct {
	in *format.Input
	at int
}

func (r *bytesReader) Read(ctx context.Context, columns []int, lo, hi int) (out []arrow.Array, err error) {
	values, err := r.in.View(ctx, r.at+lo, hi-lo)
	if err != nil {
		return nil, err
	}
	switch {
	case bytes.Contains(values, []byte("panic")):
		panic("a strange file")
	case bytes.Contains(values, []byte("short")):
		values = values[1:]
	}
	for range columns {
		data := arrowarray.NewData(arrow.PrimitiveTypes.Uint8, len(values), []*memory.Buffer{nil, r.in.Buffer(values)}, nil, 0, 0)
		out = append(out, arrowarray.MakeFromData(data))
	}
	return out, nil
}

func (*bytesReader) Close() error { return nil }

type bytesEncoder struct{ w io.Writer }

func (e bytesEncoder) Write(_ context.Context, r arrow.RecordBatch) error {
	_, err := e.w.Write(r.Column(0).(*arrowarray.Uint8).Values())
	return err
}

func (bytesEncoder) Close() error { return nil }

// openBytesFile opens a file of the test's folder with that content.
func openBytesFile(t *testing.T, name, content string) *format.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := format.OpenLocal(path, format.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := format.Open(t.Context(), bytesFormat, in, format.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(f.Close(), f.Close()); err != nil {
			t.Error(err)
		}
	})
	return f
}

func TestOpen(t *testing.T) {
	leak.Check(t)
	f := openBytesFile(t, "x.bytes", "BYTES ab\nsome bytes")
	if f.Format != "bytes" || f.Rows != 10 || f.Bytes != 19 || !strings.HasPrefix(f.Version, "19@") || !f.Mapped {
		t.Errorf("%+v", f)
	}
	i, err := f.Column("b")
	if err != nil {
		t.Fatal(err)
	}
	out, err := f.Read(t.Context(), []int{i, 0}, 5, 9)
	if err != nil || len(out) != 2 || string(out[0].(*arrowarray.Uint8).Values()) != "byte" {
		t.Errorf("%v, %v", out, err)
	}
	if _, err := f.Column("c"); err == nil || !strings.Contains(err.Error(), `there is no column "c"`) {
		t.Error(err)
	}
	if _, err := openBytesFile(t, "y.bytes", "BYTES aa\n").Column("a"); err == nil || !strings.Contains(err.Error(), `2 columns are called "a"`) {
		t.Error(err)
	}
}

// TestRead: arguments that are not of the file, readers that panic or give what they should not, and files that are closed are errors
// that name the file.
func TestRead(t *testing.T) {
	leak.Check(t)
	ended, end := context.WithCancel(t.Context())
	end()
	for _, c := range []struct {
		ctx     context.Context
		content string
		columns []int
		lo, hi  int
		want    string
	}{
		{t.Context(), "BYTES a\nxyz", []int{-1}, 0, 1, "column -1 of 1"},
		{t.Context(), "BYTES a\nxyz", []int{1}, 0, 1, "column 1 of 1"},
		{t.Context(), "BYTES a\nxyz", []int{0, 0}, 0, 1, "column 0 of 1"},
		{t.Context(), "BYTES a\nxyz", []int{0}, -1, 1, "rows [-1, 1) of 3"},
		{t.Context(), "BYTES a\nxyz", []int{0}, 2, 1, "rows [2, 1) of 3"},
		{t.Context(), "BYTES a\nxyz", []int{0}, 0, 4, "rows [0, 4) of 3"},
		{ended, "BYTES a\nxyz", []int{0}, 0, 3, "context canceled"},
		{t.Context(), "BYTES a\npanic", []int{0}, 0, 5, "is malformed: a strange file"},
		{t.Context(), "BYTES a\nshort", []int{0}, 0, 5, `column "a": rows [0, 5) gave 4 of uint8, the schema says uint8`},
		{t.Context(), "BYTES A\nxyz", []int{0}, 0, 3, "gave 3 of uint8, the schema says int8"},
	} {
		f := openBytesFile(t, "x.bytes", c.content)
		if out, err := f.Read(c.ctx, c.columns, c.lo, c.hi); err == nil || out != nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), f.Path) {
			t.Errorf("%q: %v, %v; want %q", c.content, out, err, c.want)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Read(t.Context(), []int{0}, 0, 1); err == nil || !strings.Contains(err.Error(), "closed") {
			t.Errorf("after Close: %v", err)
		}
	}
	for content, want := range map[string]string{"BYTES a": "m.bytes: has no line of names", "BYTES a\nlie": "m.bytes: batches of 3 rows in a file of 4"} {
		if _, err := format.Open(t.Context(), bytesFormat, format.Memory("m.bytes", []byte(content)), format.Options{}); err == nil || err.Error() != want {
			t.Errorf("%v; want %q", err, want)
		}
	}
}

func TestDetect(t *testing.T) {
	leak.Check(t)
	for _, c := range []struct{ content, want string }{
		{"BYTES a\nxyz", ""},
		{"", "is empty"},
		{"PAR1\x15\x04", "looks like a Parquet file; add Parquet to the program by darray.UseFormat(parquet.Format)"},
		{"\x1f\x8b\x08\x00", "looks like gzip; unpack it first"},
		{"\x93NUMPY\x01\x00", "looks like a NumPy array"},
		{"PK\x03\x04", "looks like a zip archive"},
		{"a,b\r\n1,2\r\n", "looks like text, maybe CSV"},
		{"\ufeffnaïve,größe\n", "looks like text, maybe CSV"},
		{"\ufeff", "looks like text, maybe CSV"},
		{strings.Repeat("é", 256)[1:] + "é", `begins with "\xa9`},
		{"x" + strings.Repeat("é", 300), "looks like text"}, // a character is cut at the end of what is looked at
		{`{"a": 1}`, "looks like JSON"},
		{"\x00\x01\x02", `begins with "\x00\x01\x02"`},
	} {
		f, err := format.Detect(t.Context(), format.Memory("some.file", []byte(c.content)), []format.Format{bytesFormat})
		if c.want == "" {
			if f.Name != "bytes" || err != nil {
				t.Errorf("%q is %q, %v", c.content, f.Name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "some.file: ") ||
			!strings.HasSuffix(err.Error(), "what can be read: files of bytes") {
			t.Errorf("%q: %v; want %q", c.content, err, c.want)
		}
	}
	dir := t.TempDir()
	for path, want := range map[string]string{
		dir:                        "is a directory",
		filepath.Join(dir, "none"): "check the name",
		os.DevNull:                 "is not a regular file",
	} {
		if _, err := format.OpenLocal(path, format.Options{}); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v; want %q", path, err, want)
		}
	}
}

func TestByExtension(t *testing.T) {
	leak.Check(t)
	unwritten := format.Format{Name: "unwritten", Extensions: []string{".c"}}
	known := []format.Format{unwritten, bytesFormat}
	for name, want := range map[string]string{"x.bytes": "bytes", "some/X.B": "bytes", "x.c": "", "x": "", "x.parquet": "", "b": ""} {
		f, err := format.ByExtension(name, known)
		if f.Name != want || (err == nil) != (want != "") {
			t.Errorf("%s is %q, %v", name, f.Name, err)
		}
	}
	if _, err := format.ByExtension("x.parquet", known); err == nil || !strings.Contains(err.Error(), "UseFormat(parquet.Format)") {
		t.Error(err)
	}
}

func TestToWrite(t *testing.T) {
	leak.Check(t)
	known := []format.Format{{Name: "unwritten", Extensions: []string{".c"}}, bytesFormat}
	for name, want := range map[string]string{"bytes": "bytes", "b": "bytes", "c": "", "unwritten": "", "": "", ".b": ""} {
		f, err := format.ToWrite(name, known)
		if f.Name != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q, %v", name, f.Name, err)
		}
	}
	if _, err := format.ToWrite("parquet", known); err == nil || !strings.Contains(err.Error(), "there are bytes") || !strings.Contains(err.Error(), "UseFormat(parquet.Format)") {
		t.Error(err)
	}
}

func TestCreate(t *testing.T) {
	leak.Check(t)
	two := arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int8}, {Name: "a", Type: arrow.PrimitiveTypes.Int8}}, nil)
	one := arrow.NewSchema(two.Fields()[:1], nil)
	for want, c := range map[string]struct {
		f format.Format
		s *arrow.Schema
		o format.WriteOptions
	}{
		"can be read, but not written": {format.Format{What: "x"}, one, format.WriteOptions{}},
		"batches of -1 rows":           {bytesFormat, one, format.WriteOptions{BatchRows: -1}},
		`two columns are called "a"`:   {bytesFormat, two, format.WriteOptions{}},
	} {
		if _, err := format.Create(c.f, io.Discard, c.s, c.o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
	e, err := format.Create(bytesFormat, io.Discard, one, format.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Write(t.Context(), arrowarray.NewRecordBatch(arrow.NewSchema(nil, nil), nil, 1)); err == nil || !strings.Contains(err.Error(), "malformed") {
		t.Errorf("a panic is %v", err)
	}
	if e.Close() == nil {
		t.Error("an encoder closes well after it has failed")
	}
}

func TestSameSchema(t *testing.T) {
	leak.Check(t)
	first := openBytesFile(t, "first", "BYTES aB\n")
	for names, c := range map[string]struct {
		kind error
		want []string
	}{
		"aB": {},
		"a":  {array.ErrShape, []string{"first has 2 columns", "next has 1"}},
		"Ba": {array.ErrShape, []string{"column 0", `"a"`, `"B"`, "first", "next"}},
	} {
		err := format.SameSchema(first, openBytesFile(t, "next", fmt.Sprintf("BYTES %s\n", names)))
		if !errors.Is(err, c.kind) {
			t.Errorf("%s: %v", names, err)
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v; want %q", names, err, want)
			}
		}
	}
	other := *first
	other.Schema = arrow.NewSchema([]arrow.Field{first.Schema.Field(0), {Name: "B", Type: arrow.PrimitiveTypes.Float32}}, nil)
	if err := format.SameSchema(first, &other); !errors.Is(err, array.ErrDType) || !strings.Contains(err.Error(), `column "B" is int8 in `) {
		t.Error(err)
	}
}

// TestEach: every number is worked on, a panic of one is an error, and the first error ends the others' context.
func TestEach(t *testing.T) {
	leak.Check(t)
	done := make([]bool, 1000)
	if err := format.Each(t.Context(), len(done), func(_ context.Context, i int) error {
		done[i] = true
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for i, d := range done {
		if !d {
			t.Errorf("%d was left out", i)
		}
	}
	bad := errors.New("bad")
	for _, n := range []int{1, 2, 100} {
		if err := format.Each(t.Context(), n, func(context.Context, int) error { panic("no") }); err == nil || !strings.Contains(err.Error(), "is malformed: no") {
			t.Errorf("of %d: %v", n, err)
		}
		err := format.Each(t.Context(), n, func(ctx context.Context, i int) error {
			if i == 0 {
				return bad
			}
			<-ctx.Done()
			return ctx.Err()
		})
		if !errors.Is(err, bad) {
			t.Errorf("of %d: %v", n, err)
		}
	}
	if err := format.Each(t.Context(), 0, nil); err != nil {
		t.Error(err)
	}
}
