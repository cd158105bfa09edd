package arrowipc_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/format/arrowipc"
	"github.com/darray-go/darray/internal/leak"
)

// sampleColumns are 1000 rows of every type, cut out of longer blocks so that no buffer begins at its first element.
func sampleColumns(t *testing.T, nulls int) (names []string, columns []*array.Block) {
	t.Helper()
	batch := randomBatches(numericSchema(t), nulls, 1010)[0]
	for i, field := range batch.Schema().Fields() {
		b, err := array.FromArrow(batch.Column(i))
		if err != nil {
			t.Fatal(err)
		}
		names, columns = append(names, field.Name), append(columns, b.Slice(5, 1005))
	}
	return names, columns
}

// arrowElements reads all rows of every column with arrow-go's own reader.
func arrowElements(t *testing.T, data []byte) [][]element {
	t.Helper()
	r, err := ipc.NewFileReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var batches []arrow.RecordBatch
	for i := range r.NumRecords() {
		b, err := r.RecordBatchAt(i)
		if err != nil {
			t.Fatal(err)
		}
		batches = append(batches, b)
	}
	out := make([][]element, r.Schema().NumFields())
	for i := range out {
		out[i] = want(t, batches, i)
	}
	return out
}

// TestRoundTrip writes every type and reads it back, with this package and with arrow-go.
func TestRoundTrip(t *testing.T) {
	leak.Check(t)
	path := filepath.Join(t.TempDir(), "x.arrow")
	for _, nulls := range []int{0, 2} {
		names, columns := sampleColumns(t, nulls)
		for _, compression := range []string{"", "lz4", "zstd"} {
			for _, size := range []int{0, 1, 10_000} {
				o := arrowipc.WriteOptions{Compression: compression, BatchBytes: size}
				if err := arrowipc.WriteFile(t.Context(), path, names, columns, o); err != nil {
					t.Fatal(err)
				}
				data, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				var direct bytes.Buffer
				if err := arrowipc.Write(t.Context(), &direct, names, columns, o); err != nil || !bytes.Equal(direct.Bytes(), data) {
					t.Fatalf("Write and WriteFile differ: %v", err)
				}
				theirs := arrowElements(t, data)
				f := open(t, path, arrowipc.Options{})
				if one := len(f.Batches) == 1; one != (size == 0) || f.Compression != compression {
					t.Fatalf("batches of %d bytes: %v, %q", size, f.Batches, f.Compression)
				}
				for i, c := range columns {
					b, err := f.Read(t.Context(), i, 0, f.Rows)
					if err != nil {
						t.Fatal(err)
					}
					if ours, all := elements(t, b), elements(t, c); !equal(ours, all) || !equal(theirs[i], all) {
						t.Errorf("%s: column %s is not what was written", compression, names[i])
					}
				}
			}
		}
	}
}

func equal(a, b []element) bool { return slices.Equal(a, b) }

func TestWriteNothing(t *testing.T) {
	leak.Check(t)
	path := filepath.Join(t.TempDir(), "x.arrow")
	if err := arrowipc.WriteFile(t.Context(), path, nil, nil, arrowipc.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	if f := open(t, path, arrowipc.Options{}); f.Rows != 0 || f.Schema.NumFields() != 0 {
		t.Errorf("%d rows, %v", f.Rows, f.Schema)
	}
	empty := array.NewBlock(array.Int8, array.Shape{0}, true)
	if err := arrowipc.WriteFile(t.Context(), path, []string{"a"}, []*array.Block{empty}, arrowipc.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	if f := open(t, path, arrowipc.Options{}); f.Rows != 0 || f.Schema.NumFields() != 1 {
		t.Errorf("%d rows, %v", f.Rows, f.Schema)
	}
}

func TestRefusedColumns(t *testing.T) {
	leak.Check(t)
	three, four := array.NewBlock(array.Int8, array.Shape{3}, false), array.NewBlock(array.Int8, array.Shape{4}, false)
	square := array.NewBlock(array.Int8, array.Shape{2, 2}, false)
	path := filepath.Join(t.TempDir(), "x.arrow")
	for _, c := range []struct {
		names   []string
		columns []*array.Block
		o       arrowipc.WriteOptions
		want    string
	}{
		{[]string{"a", "b"}, []*array.Block{three, four}, arrowipc.WriteOptions{}, `column "b" has 4 rows, column "a" has 3`},
		{[]string{"a"}, []*array.Block{three, four}, arrowipc.WriteOptions{}, "1 names for 2 columns"},
		{[]string{"a", "a"}, []*array.Block{three, three}, arrowipc.WriteOptions{}, `two columns are called "a"`},
		{[]string{"a"}, []*array.Block{square}, arrowipc.WriteOptions{}, "shape [2 2]; reshape it to one axis"},
		{[]string{"a"}, []*array.Block{three}, arrowipc.WriteOptions{Compression: "gzip"}, "use lz4 or zstd"},
		{[]string{"a"}, []*array.Block{three}, arrowipc.WriteOptions{BatchBytes: -1}, "-1 bytes"},
	} {
		err := arrowipc.WriteFile(t.Context(), path, c.names, c.columns, c.o)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%v; want %q", err, c.want)
		}
		checkFolder(t, path)
	}
}

// checkFolder fails the test if a folder holds other files than the wanted ones.
func checkFolder(t *testing.T, path string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if fmt.Sprint(got) != fmt.Sprint(names) {
		t.Errorf("the folder holds %q, want %q", got, names)
	}
}

// fullDisk accepts some bytes, then none.
type fullDisk struct {
	io.Writer
	left int
}

var errFull = errors.New("no space left on device")

func (d *fullDisk) Write(p []byte) (int, error) {
	if len(p) > d.left {
		return 0, errFull
	}
	d.left -= len(p)
	return d.Writer.Write(p)
}

// TestFullDisk fails a write after every so many bytes: the old file stays, and nothing else.
func TestFullDisk(t *testing.T) {
	leak.Check(t)
	_, columns := sampleColumns(t, 2)
	path := filepath.Join(t.TempDir(), "x.arrow")
	write := func(space int) error {
		w, err := arrowipc.NewWriterThrough(path, numericSchema(t), arrowipc.WriteOptions{BatchBytes: 10_000},
			func(out io.Writer) io.Writer { return &fullDisk{out, space} })
		if err != nil {
			return err
		}
		defer w.Abort()
		if err := w.Write(t.Context(), columns...); err != nil {
			if again := w.Commit(); again == nil {
				t.Error("Commit after a failed Write succeeds")
			}
			return err
		}
		return w.Commit()
	}
	if err := write(0); !errors.Is(err, errFull) || !strings.Contains(err.Error(), "no file was made") {
		t.Errorf("%v", err)
	}
	checkFolder(t, path)
	if err := write(1 << 20); err != nil {
		t.Fatal(err)
	}
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for space := 0; space < len(old); space += len(old)/40 + 1 {
		if err := write(space); !errors.Is(err, errFull) || !strings.Contains(err.Error(), "the file of that name is as it was") {
			t.Errorf("%d bytes: %v", space, err)
		}
		if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, old) {
			t.Errorf("%d bytes: the old file has changed: %v", space, err)
		}
		checkFolder(t, path, "x.arrow")
	}
}

func TestWriterEnds(t *testing.T) {
	leak.Check(t)
	_, columns := sampleColumns(t, 2)
	path := filepath.Join(t.TempDir(), "x.arrow")
	begin := func() *arrowipc.Writer {
		w, err := arrowipc.NewWriter(path, numericSchema(t), arrowipc.WriteOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return w
	}

	ended, end := context.WithCancel(context.Background())
	end()
	if err := begin().Write(ended, columns...); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	checkFolder(t, path)

	w := begin()
	w.Abort()
	w.Abort()
	if err := w.Commit(); err == nil {
		t.Error("Commit after Abort succeeds")
	}
	checkFolder(t, path)

	w = begin()
	for range 3 {
		if err := w.Write(t.Context(), columns...); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	w.Abort()
	if w.Commit() == nil || w.Write(t.Context(), columns...) == nil {
		t.Error("a Writer works after Commit")
	}
	checkFolder(t, path, "x.arrow")
	if f := open(t, path, arrowipc.Options{}); f.Rows != 3000 {
		t.Errorf("%d rows", f.Rows)
	}

	w = begin() // a rename that fails
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(path, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(); err == nil {
		t.Error("a file replaces a folder")
	}
	checkFolder(t, path, "x.arrow")
	if _, err := arrowipc.NewWriter(path, numericSchema(t), arrowipc.WriteOptions{}); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Error(err)
	}
	if _, err := arrowipc.NewWriter(filepath.Join(path, "none", "x"), numericSchema(t), arrowipc.WriteOptions{}); err == nil || !strings.Contains(err.Error(), "check the folder") {
		t.Error(err)
	}
}

// TestReplace keeps the rights of the old file, follows a link, and leaves blocks of the old file as they are.
func TestReplace(t *testing.T) {
	leak.Check(t)
	names, columns := sampleColumns(t, 2)
	path := filepath.Join(t.TempDir(), "x.arrow")
	if err := arrowipc.WriteFile(t.Context(), path, names, columns, arrowipc.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	f := open(t, path, arrowipc.Options{})
	b, err := f.Read(t.Context(), 4, 0, f.Rows)
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(filepath.Dir(path), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if err := arrowipc.WriteFile(t.Context(), link, []string{"b"}, []*array.Block{b}, arrowipc.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	checkFolder(t, path, "link", "x.arrow")
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o640 {
		t.Errorf("%v, %v", info, err)
	}
	if !equal(elements(t, b), elements(t, columns[4])) {
		t.Error("a block of the old file has changed")
	}
	g := open(t, path, arrowipc.Options{})
	if g.Version == f.Version {
		t.Errorf("version %q of both files", g.Version)
	}
	again, err := g.Read(t.Context(), 0, 0, g.Rows)
	if err != nil || !equal(elements(t, again), elements(t, b)) {
		t.Errorf("what was read through a mapping is not what was written: %v", err)
	}
}
