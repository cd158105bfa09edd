package format_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/format/arrowipc"
	"github.com/darray-go/darray/internal/leak"
)

const flights = "../examples/data/flights-200k.arrow"

func TestOpen(t *testing.T) {
	leak.Check(t)
	f, err := format.Open(flights, format.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := os.Stat(flights)
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for _, n := range f.Batches {
		rows += n
	}
	if f.Format != "arrowipc" || f.Path != flights || f.Rows != rows || f.Bytes != info.Size() || f.Compression != "" {
		t.Errorf("%+v", f)
	}
	if want := fmt.Sprint(info.Size()); !strings.Contains(f.Version, want) {
		t.Errorf("version %q does not tell the size %s", f.Version, want)
	}
	i, err := f.Column("distance")
	if err != nil {
		t.Fatal(err)
	}
	if b, err := f.Read(t.Context(), i, 5, 9); err != nil || b.Len() != 4 || b.DType() != array.Int16 {
		t.Errorf("%v, %v", b, err)
	}
	if _, err := f.Column("distanse"); err == nil || !strings.Contains(err.Error(), `there is no column "distanse"`) {
		t.Error(err)
	}
}

func TestDetect(t *testing.T) {
	leak.Check(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "x.csv") // the name says nothing
	for _, c := range []struct{ content, name, want string }{
		{"ARROW1\x00\x00 and more", "arrowipc", ""},
		{"\xff\xff\xff\xff\x10\x00\x00\x00", "arrowipc", ""},
		{"", "", "is empty"},
		{"PAR1\x15\x04", "", "looks like a Parquet file"},
		{"\x1f\x8b\x08\x00", "", "looks like gzip; unpack it first"},
		{"\x93NUMPY\x01\x00", "", "looks like a NumPy array"},
		{"PK\x03\x04", "", "looks like a zip archive"},
		{"a,b\r\n1,2\r\n", "", "looks like text, maybe CSV"},
		{"\ufeffnaïve,größe\n", "", "looks like text, maybe CSV"},
		{"\ufeff", "", "looks like text, maybe CSV"},
		{strings.Repeat("é", 256)[1:] + "é", "", `begins with "\xa9`},
		{"x" + strings.Repeat("é", 300), "", "looks like text"}, // a character is cut at the end of what is looked at
		{`{"a": 1}`, "", "looks like JSON"},
		{"\x00\x01\x02", "", `begins with "\x00\x01\x02"`},
	} {
		if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		name, err := format.Detect(path)
		if c.want == "" {
			if name != c.name || err != nil {
				t.Errorf("%q is %q, %v", c.content, name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) ||
			!strings.Contains(err.Error(), "what can be read: Arrow IPC files and streams") {
			t.Errorf("%q: %v; want %q", c.content, err, c.want)
		}
		if _, again := format.Open(path, format.Options{}); again == nil || again.Error() != err.Error() {
			t.Errorf("Open says %v, Detect %v", again, err)
		}
	}
	for path, want := range map[string]string{
		dir:                        "is a directory",
		filepath.Join(dir, "none"): "check the name",
		os.DevNull:                 "is not a regular file",
	} {
		if _, err := format.Detect(path); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v; want %q", path, err, want)
		}
	}
}

func TestSameSchema(t *testing.T) {
	leak.Check(t)
	dir := t.TempDir()
	file := func(name string, columns ...string) *format.File {
		path := filepath.Join(dir, name)
		var names []string
		var blocks []*array.Block
		for _, c := range columns {
			column, dtype, _ := strings.Cut(c, " ")
			d, err := array.ParseDType(dtype)
			if err != nil {
				t.Fatal(err)
			}
			names, blocks = append(names, column), append(blocks, array.NewBlock(d, array.Shape{2}, false))
		}
		if err := arrowipc.WriteFile(t.Context(), path, names, blocks, arrowipc.WriteOptions{}); err != nil {
			t.Fatal(err)
		}
		f, err := format.Open(path, format.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	first := file("first", "a int8", "b float64")
	for name, c := range map[string]struct {
		next *format.File
		kind error
		want []string
	}{
		"same":  {next: file("same", "a int8", "b float64")},
		"fewer": {file("fewer", "a int8"), array.ErrShape, []string{"first has 2 columns", "fewer has 1"}},
		"order": {file("order", "b float64", "a int8"), array.ErrShape, []string{"column 0", `"a"`, `"b"`, "first", "order"}},
		"type":  {file("type", "a int8", "b float32"), array.ErrDType, []string{`column "b"`, "float64 in ", "first", "float32 in ", "type"}},
	} {
		err := format.SameSchema(first, c.next)
		if !errors.Is(err, c.kind) {
			t.Errorf("%s: %v", name, err)
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v; want %q", name, err, want)
			}
		}
	}
}
