package format_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/internal/leak"
)

// readerFunc reads the only column of a file.
type readerFunc func(ctx context.Context) (arrow.Array, error)

func (f readerFunc) Read(ctx context.Context, _ []int, _, _ int) ([]arrow.Array, error) {
	a, err := f(ctx)
	return []arrow.Array{a}, err
}

func (readerFunc) Close() error { return nil }

// openWith opens a file of 5 bytes whose column read gives, out of the bytes that are viewed.
func openWith(t *testing.T, read func(in *format.Input, view []byte) arrow.Array) *format.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "five.bytes")
	if err := os.WriteFile(path, []byte("bytes"), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := format.OpenLocal(path, format.Options{})
	if err != nil {
		t.Fatal(err)
	}
	five := format.Format{Name: "five", Open: func(_ context.Context, in *format.Input, _ format.Options) (*format.File, error) {
		s := arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Uint8}}, nil)
		return &format.File{Schema: s, Rows: 5, Batches: []int{5}, Reader: readerFunc(func(ctx context.Context) (arrow.Array, error) {
			view, err := in.View(ctx, 0, 5)
			if err != nil {
				return nil, err
			}
			return read(in, view), nil
		})}, nil
	}}
	f, err := format.Open(t.Context(), five, in, format.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func uint8s(b *memory.Buffer) arrow.Array {
	return arrowarray.MakeFromData(arrowarray.NewData(arrow.PrimitiveTypes.Uint8, b.Len(), []*memory.Buffer{nil, b}, nil, 0, 0))
}

// mapped reports whether the system says that this process has a file mapped.
func mapped(t *testing.T, path string) bool {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(maps), path)
}

// TestUnmapped: Close gives the memory of a mapping back, but what is kept of it; and it waits for the calls that read.
func TestUnmapped(t *testing.T) {
	leak.Check(t)
	copied := func(_ *format.Input, view []byte) arrow.Array {
		return uint8s(memory.NewBufferBytes(append([]byte(nil), view...)))
	}
	viewed := func(in *format.Input, view []byte) arrow.Array { return uint8s(in.Buffer(view)) }
	for name, c := range map[string]struct {
		read func(*format.Input, []byte) arrow.Array
		kept bool
	}{"copied": {copied, false}, "viewed": {viewed, true}} {
		f := openWith(t, c.read)
		out, err := f.Read(t.Context(), []int{0}, 0, 5)
		if err != nil {
			t.Fatal(err)
		}
		if !mapped(t, f.Path) {
			t.Errorf("%s: is not mapped before Close", name)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if got := mapped(t, f.Path); got != c.kept {
			t.Errorf("%s: after Close it is mapped: %t", name, got)
		}
		if got := string(out[0].(*arrowarray.Uint8).Values()); got != "bytes" {
			t.Errorf("%s: %q", name, got)
		}
	}

	reading, closed := make(chan struct{}), make(chan struct{})
	f := openWith(t, func(_ *format.Input, view []byte) arrow.Array {
		close(reading)
		<-closed
		return uint8s(memory.NewBufferBytes(append([]byte(nil), view...)))
	})
	values := make(chan string)
	go func() {
		out, err := f.Read(t.Context(), []int{0}, 0, 5)
		if err != nil {
			values <- err.Error()
			return
		}
		values <- string(out[0].(*arrowarray.Uint8).Values())
	}()
	<-reading
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if !mapped(t, f.Path) {
		t.Error("Close has unmapped what a Read reads")
	}
	close(closed)
	if got := <-values; got != "bytes" {
		t.Error(got)
	}
	if mapped(t, f.Path) {
		t.Error("after the last Read it is still mapped")
	}
}
