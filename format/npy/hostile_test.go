package npy_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/format/formattest"
	"github.com/darray-go/darray/format/npy"
	"github.com/darray-go/darray/internal/leak"
)

func TestHostile(t *testing.T) {
	leak.Check(t)
	files, _ := goldens(t)
	for _, name := range []string{"lef8-9x70-F.npy", "beM8_ms-5-C.npy", "beU6-4x3-C.npy", "record0-6-C.npy", "leb1-9x70-C.npy"} {
		formattest.Hostile(t, npy.Format, name, files[name], 4)
	}
	for _, name := range []string{"stored.npz", "deflated.npz"} {
		formattest.Hostile(t, npy.Zip, name, files[name], 4)
	}
}

// written is a file of a header's text and so many bytes of values.
func written(text string, n int) []byte {
	out := binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(text)))
	return append(append(out, text...), make([]byte, n)...)
}

// TestHeaders: what a header may not say is refused, with the place.
func TestHeaders(t *testing.T) {
	leak.Check(t)
	head := func(descr, fortran, shape string) string {
		return fmt.Sprintf("{'descr': %s, 'fortran_order': %s, 'shape': %s, }\n", descr, fortran, shape)
	}
	for _, c := range []struct {
		text string
		n    int
		want string // "" for a good one
	}{
		{head("'<f8'", "False", "(2,)"), 16, ""},
		{head("'f8'", "False", "(2,)"), 16, ""},
		{head("'=f8'", "False", "(2L, )"), 16, ""},
		{`{"shape":(),"fortran_order":True,"descr":"|b1"}`, 1, ""},
		{head(`[('\x61\u00e4"', '<i4'), ('', '|V4')]`, "False", "(2,)"), 16, ""},
		{head("'<f8'", "False", "(2,)"), 15, "truncated: shape [2] of elements of 8 bytes needs 16 bytes, 15 are there"},
		{head("'<f8'", "False", "(2,)"), 17, "1 bytes follow the values"},
		{head("'<f8'", "False", "(-2,)"), 16, "header, byte 61: a negative number"},
		{head("'<f8'", "False", "(2)"), 16, "(2,) is one"},
		{head("'<f8'", "False", "2"), 16, `'2' where a '(' belongs`},
		{head("'<f8'", "False", "(99999999999999999999,)"), 16, "is too large"},
		{head("'<f8'", "False", "(4294967296, 4294967296)"), 0, "more than can be addressed"},
		{head("'<f8'", "False", "(4294967296, 4294967296, 0)"), 0, "more than can be addressed"},
		{head("'<f8'", "False", "(0, 4294967296)"), 0, "longer than Arrow's lists"},
		{head("'<f8'", "False", "("+strings.Repeat("1,", 65)+")"), 8, "more than 64 axes"},
		{head("'<f8'", "0", "(2,)"), 16, "neither True nor False"},
		{head("'<f3'", "False", "(2,)"), 16, "have no Arrow type"},
		{head("'<<f8'", "False", "(2,)"), 16, "is not known"},
		{head("'<i9'", "False", "(2,)"), 16, "is not known"},
		{head("'<U99999999999'", "False", "(2,)"), 16, "too long"},
		{head("'<M8'", "False", "(2,)"), 16, "have no Arrow type"},
		{head("'<M8[s'", "False", "(2,)"), 16, "have no Arrow type"},
		{head("'O'", "False", "(2,)"), 16, "pickled"},
		{head("''", "False", "(2,)"), 16, "is not known"},
		{head("'<f8", "False", "(2,)"), 16, "header, byte 27"},
		{head("'<f8\\q'", "False", "(2,)"), 16, "unknown escape"},
		{head("'\\ud800'", "False", "(2,)"), 16, "an escape that is no character"},
		{head("[]", "False", "(2,)"), 16, "a record without fields"},
		{head("[('a', '<f8'), ('a', '<f8')]", "False", "(1,)"), 16, `two fields are called "a"`},
		{head("[('a', '<f8', (2147483648,))]", "False", "(1,)"), 16, "is too long"},
		{head("[('a', '<f8', (99999999999, 99999999999))]", "False", "(1,)"), 16, "is too long"},
		{head("[('a', '<U0', (1073741824, 536870912)), ('b', '|i1')]", "False", "(1, 1024)"), 1024, "more than can be addressed"},
		{head("[("+strings.Repeat("(", 9000)+")]", "False", "(1,)"), 16, "no string"},
		{strings.Repeat("{", 60000), 0, "no string"},
		{strings.Repeat("(", 60000), 0, `'(' where a '{' belongs`},
		{"{'descr': '<f8', 'fortran_order': False, }", 0, `there is no "shape"`},
		{"{'descr': '<f8', 'descr': '<f8', }", 0, `"descr" comes twice`},
		{"{'descr': '<f8', 'order': 'C', }", 0, `the key "order" is not known`},
		{head("'<f8'", "False", "(2,)") + "x", 16, `'x' after the dictionary`},
		{head("'<f8'", "False", "(2,)") + "\x00", 16, `after the dictionary`},
		{"{'descr': '<f8', ", 0, "no string"},
		{"", 0, "ends where a '{' belongs"},
	} {
		f, err := format.Open(t.Context(), npy.Format, format.Memory("x.npy", written(c.text, c.n)), format.Options{})
		if err == nil {
			f.Close()
		}
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.100q: %v, want %q", c.text, err, c.want)
		}
	}
}

// TestEmptyText: rows that take no bytes take memory all the same, which the budget bounds.
func TestEmptyText(t *testing.T) {
	leak.Check(t)
	text := "{'descr': '<U0', 'fortran_order': False, 'shape': (1000000000000000,)}"
	f := formattest.Open(t, npy.Format, "x.npy", written(text, 0), format.Options{})
	if _, err := f.Read(t.Context(), []int{0}, 0, f.Rows); err == nil || !strings.Contains(err.Error(), "Options.Budget") {
		t.Error(err)
	}
	got, err := f.Read(t.Context(), []int{0}, f.Rows-3, f.Rows)
	if err != nil || got[0].Len() != 3 || got[0].ValueStr(2) != "" {
		t.Errorf("%v, %v", got, err)
	}
}

// TestEmptyTextAcross: elements of no bytes in Fortran's order, of which a run is read without a mapping.
func TestEmptyTextAcross(t *testing.T) {
	leak.Check(t)
	data := written("{'descr': '<U0', 'fortran_order': True, 'shape': (5, 4)}", 0)
	f := opened(t, "x.npy", data, "copied", format.Options{})
	got, err := f.Read(t.Context(), []int{0}, 1, 3)
	if err != nil || got[0].Len() != 2 || got[0].ValueStr(0) != `["","","",""]` {
		t.Errorf("%v, %v", got, err)
	}
}

// TestArchives: what an archive's directory says that is not so.
func TestArchives(t *testing.T) {
	leak.Check(t)
	good := written("{'descr': '<f8', 'fortran_order': False, 'shape': (100,)}", 800)
	type entry struct {
		name   string
		method uint16
		data   []byte
		lie    func(h *zip.FileHeader)
	}
	deflate, err := deflated(good)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		entries []entry
		want    string
	}{
		"good":     {[]entry{{"a.npy", zip.Deflate, deflate, nil}, {"b.npy", zip.Store, good, nil}, {"folder/", zip.Store, nil, nil}}, ""},
		"none":     {nil, ""},
		"twice":    {[]entry{{"a.npy", zip.Store, good, nil}, {"a.npy", zip.Store, good, nil}}, `two members are called "a"`},
		"a text":   {[]entry{{"a.txt", zip.Store, good, nil}}, "is it an array?"},
		"method":   {[]entry{{"a.npy", 12, good, nil}}, "method 12"},
		"secret":   {[]entry{{"a.npy", zip.Store, good, func(h *zip.FileHeader) { h.Flags |= 1 }}}, "is encrypted"},
		"checksum": {[]entry{{"a.npy", zip.Deflate, deflate, func(h *zip.FileHeader) { h.CRC32++ }}}, "its checksum is"},
		"cut":      {[]entry{{"a.npy", zip.Deflate, deflate[:len(deflate)/2], func(h *zip.FileHeader) { h.CompressedSize64 = uint64(len(deflate) / 2) }}}, `member "a"`},
		"longer":   {[]entry{{"a.npy", zip.Deflate, deflate, func(h *zip.FileHeader) { h.UncompressedSize64 -= 8 }}}, "truncated: shape"},
		"shorter":  {[]entry{{"a.npy", zip.Deflate, deflate, func(h *zip.FileHeader) { h.UncompressedSize64 += 8 }}}, "8 bytes follow"},
		"bomb":     {[]entry{{"a.npy", zip.Deflate, deflate, func(h *zip.FileHeader) { h.UncompressedSize64 = 1 << 50 }}}, "which cannot be"},
		"lie":      {[]entry{{"a.npy", zip.Store, good, func(h *zip.FileHeader) { h.UncompressedSize64++ }}}, "the directory is wrong"},
		"outside":  {[]entry{{"a.npy", zip.Store, good, func(h *zip.FileHeader) { h.CompressedSize64, h.UncompressedSize64 = 1<<40, 1<<40 }}}, `a`},
	} {
		var out bytes.Buffer
		z := zip.NewWriter(&out)
		for _, e := range c.entries {
			h := &zip.FileHeader{Name: e.name, Method: e.method, CompressedSize64: uint64(len(e.data)), UncompressedSize64: uint64(len(e.data)), CRC32: crc(e.data)}
			if e.method == zip.Deflate {
				h.UncompressedSize64, h.CRC32 = uint64(len(good)), crc(good)
			}
			if e.lie != nil {
				e.lie(h)
			}
			w, err := z.CreateRaw(h)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(e.data); err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		_, err := readEverything(out.Bytes(), "x.npz")
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// readEverything opens and reads a file, whatever it is.
func readEverything(data []byte, name string) (rows int, err error) {
	f, err := format.Open(context.Background(), formatOf(name), format.Memory(name, data), format.Options{Budget: 1 << 20})
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for i := range f.Schema.NumFields() {
		if _, err := f.Read(context.Background(), []int{i}, 0, f.Rows); err != nil {
			return 0, err
		}
	}
	return f.Rows, nil
}

// FuzzOpen: whatever the bytes, opening and reading return, and NumPy's magic alone makes no rows.
func FuzzOpen(f *testing.F) {
	files, _ := goldens(f)
	for _, name := range []string{
		"lef8-4x3-F.npy", "beM8_ms-5-C.npy", "beU6-4x3-C.npy", "record0-6-C.npy", "leb1-9x70-C.npy", "titles.npy", "version3.npy", "object.npy",
		"stored.npz", "deflated.npz", "lengths.npz",
	} {
		f.Add(files[name])
		f.Add(files[name][:len(files[name])/2])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		name := "x.npz"
		if bytes.HasPrefix(data, []byte("\x93")) {
			name = "x.npy"
		}
		rows, err := readEverything(data, name)
		if err == nil && rows < 0 {
			t.Errorf("%d rows", rows)
		}
	})
}

// FuzzHeader: the text of a header, of which any reads as a file of the size that it says, or not at all.
func FuzzHeader(f *testing.F) {
	for _, text := range []string{
		"{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", "{'descr': [('x', '>M8[ms]', (2, 3)), (('t', 'n'), '|S3')], 'fortran_order': True, 'shape': (), }",
		"{'shape': (3L, 4L), 'descr': \"=U7\", 'fortran_order': True}",
	} {
		f.Add(text, uint8(16))
	}
	f.Fuzz(func(t *testing.T, text string, n uint8) {
		if len(text) < 1<<16 {
			_, _ = readEverything(written(text, int(n)), "x.npy")
		}
	})
}
