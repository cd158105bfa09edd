package npy_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"

	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/format/formattest"
	"github.com/darray-go/darray/format/npy"
	"github.com/darray-go/darray/internal/leak"
)

// golden is a file that NumPy wrote, and what NumPy says it holds.
type golden struct {
	File    string
	Rows    int
	Columns []struct {
		Name, Type, Data string
		Axes, Nulls      []int
		Strings          []string
	}
}

// goldens unpacks testdata/arrays.zip.
func goldens(t testing.TB) (files map[string][]byte, want []golden) {
	t.Helper()
	z, err := zip.OpenReader("testdata/arrays.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	files = make(map[string][]byte)
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := json.Unmarshal(files["manifest.json"], &want); err != nil {
		t.Fatal(err)
	}
	delete(files, "manifest.json")
	return files, want
}

func formatOf(name string) format.Format {
	if strings.HasSuffix(name, ".npz") {
		return npy.Zip
	}
	return npy.Format
}

// unmapped is an input over memory that does as a file without a mapping does.
type unmapped struct{ data []byte }

func (u unmapped) View(ctx context.Context, at, n int) ([]byte, error) {
	return bytes.Clone(u.data[at : at+n]), ctx.Err()
}

func (u unmapped) Fill(ctx context.Context, dst []byte, at int) error {
	copy(dst, u.data[at:])
	return ctx.Err()
}

func (u unmapped) Close() error { return nil }

// opened opens data mapped, mapped at an odd address, or copied.
func opened(t testing.TB, name string, data []byte, how string, o format.Options) *format.File {
	t.Helper()
	in := format.Memory(name, data)
	switch how {
	case "odd":
		in = format.Memory(name, append([]byte{0}, data...)[1:])
	case "copied":
		in = format.NewInput(name, len(data), "", unmapped{data})
	}
	f, err := format.Open(t.Context(), formatOf(name), in, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// leaf is the values of nested lists, and checks the lengths of those.
func leaf(t testing.TB, a arrow.Array, axes []int) arrow.Array {
	t.Helper()
	for _, n := range axes {
		l := a.(*arrowarray.FixedSizeList)
		if got := int(l.DataType().(*arrow.FixedSizeListType).Len()); got != n {
			t.Fatalf("lists of %d, want %d", got, n)
		}
		a = arrowarray.NewSlice(l.ListValues(), int64(l.Data().Offset()*n), int64((l.Data().Offset()+l.Len())*n))
	}
	return a
}

// TestNumPy reads every file that NumPy wrote, in each way, whole and in runs.
func TestNumPy(t *testing.T) {
	leak.Check(t)
	files, want := goldens(t)
	for _, g := range want {
		for _, how := range []string{"mapped", "odd", "copied"} {
			f := opened(t, g.File, files[g.File], how, format.Options{})
			if f.Rows != g.Rows || f.Schema.NumFields() != len(g.Columns) {
				t.Fatalf("%s: %d rows of %s, want %d of %d columns", g.File, f.Rows, f.Schema, g.Rows, len(g.Columns))
			}
			all := make([]int, len(g.Columns))
			for i := range all {
				all[i] = len(all) - 1 - i
			}
			for _, run := range [][2]int{{0, g.Rows}, {g.Rows / 3, g.Rows - g.Rows/4}, {g.Rows, g.Rows}} {
				got, err := f.Read(t.Context(), all, run[0], run[1])
				if err != nil {
					t.Fatalf("%s %s: %v", g.File, how, err)
				}
				for i, a := range got {
					compare(t, g, all[i], a, run)
				}
			}
			if t.Failed() {
				t.Fatalf("%s, %s", g.File, how)
			}
		}
	}
}

// compare checks rows of a column with what NumPy says.
func compare(t *testing.T, g golden, column int, a arrow.Array, run [2]int) {
	t.Helper()
	w := g.Columns[column]
	v := leaf(t, a, w.Axes)
	if name := v.DataType().String(); strings.TrimSuffix(name, ", tz=UTC") != w.Type {
		t.Errorf("%s: column %d is %s, want %s", g.File, column, name, w.Type)
		return
	}
	if a.Len() != run[1]-run[0] {
		t.Errorf("%s: %d rows, want %v", g.File, a.Len(), run)
	}
	each := 1
	for _, n := range w.Axes {
		each *= n
	}
	lo := run[0] * each
	if s, ok := v.(*arrowarray.String); ok {
		for i := range s.Len() {
			if s.Value(i) != w.Strings[lo+i] {
				t.Errorf("%s %s: value %d is %q, want %q", g.File, w.Name, lo+i, s.Value(i), w.Strings[lo+i])
			}
		}
		return
	}
	data, err := hex.DecodeString(w.Data)
	if err != nil {
		t.Fatal(err)
	}
	size := 1
	if n := g.Rows * each; n > 0 {
		size = len(data) / n
	}
	for i := range v.Len() {
		null := slices.Contains(w.Nulls, lo+i)
		if v.IsNull(i) != null {
			t.Errorf("%s %s: value %d is null: %v", g.File, w.Name, lo+i, v.IsNull(i))
		}
		if null {
			continue
		}
		expect := data[(lo+i)*size : (lo+i+1)*size]
		var have []byte
		if b, ok := v.(*arrowarray.Boolean); ok {
			if have = []byte{0}; b.Value(i) {
				have[0] = 1
			}
		} else {
			at := v.Data().Offset() + i
			have = v.Data().Buffers()[1].Bytes()[at*size : (at+1)*size]
		}
		if !bytes.Equal(have, expect) {
			t.Errorf("%s %s: value %d is %x, want %x", g.File, w.Name, lo+i, have, expect)
			return
		}
	}
}

// TestNames: columns are called as members and fields are.
func TestNames(t *testing.T) {
	leak.Check(t)
	files, want := goldens(t)
	for _, g := range want {
		f := opened(t, g.File, files[g.File], "mapped", format.Options{})
		for i, c := range g.Columns {
			if got := f.Schema.Field(i).Name; got != c.Name {
				t.Errorf("%s: column %d is called %q, want %q", g.File, i, got, c.Name)
			}
		}
	}
}

// TestRefused: what has no Arrow type says so, and what to do.
func TestRefused(t *testing.T) {
	leak.Check(t)
	files, _ := goldens(t)
	for name, want := range map[string]string{
		"object.npy": "Python objects are pickled", "complex.npy": "save a.real and a.imag", "years.npy": "save a.astype('M8[s]')",
		"tens.npy": "save a.astype('m8[s]')", "nested.npy": `field "a" is a record itself`, "void.npy": "a.view('u1')",
		"far.npy": "row 1: 1099511627776 days", "latin.npy": `row 1: "\xf6" is not UTF-8`, "empty-axis.npy": "no lists of 0 values",
		"long.npy": "save a.astype('f8')", "lengths.npz": "the members are not of one length: long [5], short [3], one []",
	} {
		if files[name] == nil {
			t.Fatalf("there is no %s", name)
		}
		f, err := format.Open(t.Context(), formatOf(name), format.Memory(name, files[name]), format.Options{})
		if err == nil {
			_, err = f.Read(t.Context(), []int{0}, 0, f.Rows)
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

// TestMember reads one member where they do not fit together.
func TestMember(t *testing.T) {
	leak.Check(t)
	files, _ := goldens(t)
	f := opened(t, "lengths.npz", files["lengths.npz"], "mapped", format.Options{Member: "short"})
	got, err := f.Read(t.Context(), []int{0}, 1, 3)
	if err != nil || f.Rows != 3 || got[0].(*arrowarray.Int64).Value(1) != 2 {
		t.Errorf("%d rows, %v, %v", f.Rows, got, err)
	}
	for name, member := range map[string]string{"lengths.npz": "none", "version1.npy": "data"} {
		_, err := format.Open(t.Context(), formatOf(name), format.Memory(name, files[name]), format.Options{Member: member})
		if err == nil || !strings.Contains(err.Error(), member) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestViews: native values are views of the file, at any run; those at an odd address are not.
func TestViews(t *testing.T) {
	leak.Check(t)
	files, _ := goldens(t)
	data := files["lef8-9x70-C.npy"]
	for how, view := range map[string]bool{"mapped": true, "odd": false} {
		data := bytes.Clone(data)
		f := opened(t, "x.npy", data, how, format.Options{})
		got, err := f.Read(t.Context(), []int{0}, 2, 7)
		if err != nil {
			t.Fatal(err)
		}
		bits := got[0].(*arrowarray.FixedSizeList).ListValues().Data().Buffers()[1].Bytes()
		before := bits[3]
		data[len(data)-7*70*8+3] ^= 0xff
		if changed := bits[3] != before; how == "mapped" && changed != view {
			t.Errorf("%s: a view: %v", how, changed)
		}
	}
}

// TestBudget: a read that would take more than it may is refused before it takes anything.
func TestBudget(t *testing.T) {
	leak.Check(t)
	files, _ := goldens(t)
	for _, name := range []string{"bef8-9x70-C.npy", "lef8-9x70-F.npy", "deflated.npz"} {
		f := opened(t, name, files[name], "mapped", format.Options{Budget: 300})
		if _, err := f.Read(t.Context(), []int{0}, 0, f.Rows); err == nil || !strings.Contains(err.Error(), "Options.Budget") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCancelled: a context that has ended ends reading.
func TestCancelled(t *testing.T) {
	leak.Check(t)
	files, want := goldens(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, g := range want {
		f := opened(t, g.File, files[g.File], "mapped", format.Options{})
		if _, err := f.Read(ctx, []int{0}, 0, f.Rows); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", g.File, err)
		}
	}
}

// cancelling is unmapped, and ends a context when it is read once armed.
type cancelling struct {
	unmapped
	end   func()
	armed *atomic.Bool
	calls *atomic.Int64
}

func (c cancelling) Fill(_ context.Context, dst []byte, at int) error {
	if c.calls.Add(1); c.armed.Load() {
		c.end()
	}
	copy(dst, c.data[at:])
	return nil
}

// TestCancelledInside: a context that ends while a file is read ends that after a step.
func TestCancelledInside(t *testing.T) {
	leak.Check(t)
	plain := written("{'descr': '<f8', 'fortran_order': False, 'shape': (12500000,)}", 100e6)
	packed := formattest.Encode(t, npy.Zip, format.WriteOptions{Compression: "deflate"}, formattest.Batch([]arrow.DataType{arrow.PrimitiveTypes.Float64}, 3<<20, false, 1))
	for name, data := range map[string][]byte{"x.npy": plain, "x.npz": packed} {
		ctx, cancel := context.WithCancel(t.Context())
		var armed atomic.Bool
		var calls atomic.Int64
		f, err := format.Open(t.Context(), formatOf(name), format.NewInput(name, len(data), "", cancelling{unmapped{data}, cancel, &armed, &calls}), format.Options{})
		if err != nil {
			t.Fatal(err)
		}
		calls.Store(0)
		armed.Store(true)
		if _, err := f.Read(ctx, []int{0}, 0, f.Rows); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
		if n := calls.Load(); n > int64(2*runtime.GOMAXPROCS(0)) {
			t.Errorf("%s: %d reads after the end", name, n)
		}
		f.Close()
		cancel()
	}
}

// TestDetect: content tells, whatever the name.
func TestDetect(t *testing.T) {
	leak.Check(t)
	files, _ := goldens(t)
	for _, name := range []string{"version1.npy", "stored.npz", "deflated.npz"} {
		f := formattest.Open(t, formatOf(name), "anything", files[name], format.Options{})
		if f.Format != formatOf(name).Name {
			t.Errorf("%s is %s", name, f.Format)
		}
	}
}
