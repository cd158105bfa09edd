package darray_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/internal/leak"
)

const flights = "examples/data/flights-200k.arrow"

func open(t *testing.T, path string, more ...string) *darray.Frame {
	t.Helper()
	f, err := darray.Open(path, more...)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestOpen(t *testing.T) {
	leak.Check(t)
	f := open(t, flights)
	if f.NumRows() != 200000 || !slices.Equal(f.Names(), []string{"delay", "distance", "time"}) {
		t.Fatalf("%d rows of %v", f.NumRows(), f.Names())
	}
	// Sums by another program over the same file.
	for column, want := range map[string]int64{"delay": 1500159, "distance": 145847125} {
		for _, p := range []int{1, 2, 5} {
			c, err := darray.Local(p)
			if err != nil {
				t.Fatal(err)
			}
			blocks, err := c.Collect(context.Background(), darray.Sum(f.Col(column)))
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := blocks[0].Scalar(0); int64(got.Bits()) != want {
				t.Errorf("p=%d: sum(%s) = %s, want %d", p, column, got, want)
			}
			c.Close()
		}
	}
}

func TestUnknownColumnNamesTheNearest(t *testing.T) {
	_, err := open(t, flights).Col("dealy").Collect()
	for _, want := range []string{`no column "dealy"`, "delay, distance, time", `did you mean "delay"`, "frame_test.go:"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}

func TestOpenWhatIsNotThere(t *testing.T) {
	leak.Check(t)
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.arrow")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(flights)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(dir, "cut.arrow")
	if err := os.WriteFile(cut, whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "missing.arrow"), empty, dir, cut, "LICENSE"} {
		if _, err := darray.Open(path); err == nil || !strings.Contains(err.Error(), filepath.Base(path)) {
			t.Errorf("%s: error %v", path, err)
		}
	}
}

func TestWriteAndReadBack(t *testing.T) {
	leak.Check(t)
	f := open(t, flights)
	dir := t.TempDir()
	path := filepath.Join(dir, "speed.arrow")
	out := f.Select("distance").With("speed", darray.Divide(f.Col("distance"), darray.Add(f.Col("time"), 1)))
	for range 2 { // the second replaces the first
		if err := out.Write(path); err != nil {
			t.Fatal(err)
		}
	}
	back := open(t, path)
	if back.NumRows() != 200000 || !slices.Equal(back.Names(), []string{"distance", "speed"}) {
		t.Fatalf("%d rows of %v", back.NumRows(), back.Names())
	}
	same := darray.All(darray.Equal(out.Col("speed"), back.Col("speed")))
	if ok, err := darray.Item[bool](same); err != nil || !ok {
		t.Errorf("speed differs: %v", err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Errorf("left behind: %v, %v", files, err)
	}
	if err := out.Write(filepath.Join(dir, "no", "such", "folder.arrow")); err == nil {
		t.Error("wrote into a folder that is not there")
	}
}

func TestSeveralFilesAreOneFrame(t *testing.T) {
	leak.Check(t)
	f := open(t, flights, flights)
	if f.NumRows() != 400000 {
		t.Fatalf("%d rows", f.NumRows())
	}
	got, err := darray.Item[int64](darray.Sum(f.Col("distance")))
	if err != nil || got != 2*145847125 {
		t.Errorf("sum %d, %v", got, err)
	}
	other := filepath.Join(t.TempDir(), "other.arrow")
	if err := (&darray.Frame{}).With("delay", darray.Arange(0, 3, 1)).Write(other); err != nil {
		t.Fatal(err)
	}
	if _, err := darray.Open(flights, other); !errors.Is(err, darray.ErrShape) || !strings.Contains(err.Error(), "other.arrow") {
		t.Errorf("files of other columns: %v", err)
	}
}

// TestNamesThatAreHardToTell: a name that repeats is nobody's, and names that are no words stand in quotes.
func TestNamesThatAreHardToTell(t *testing.T) {
	path := filepath.Join(t.TempDir(), "odd.arrow")
	fields := []arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Int64}, {Name: "x", Type: arrow.PrimitiveTypes.Int64}, {Name: "air time", Type: arrow.PrimitiveTypes.Int64}}
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w, err := ipc.NewFileWriter(file, ipc.WithSchema(arrow.NewSchema(fields, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), file.Close()); err != nil && !errors.Is(err, os.ErrClosed) {
		t.Fatal(err)
	}
	f := open(t, path)
	for name, want := range map[string]string{
		"x": `2 columns are called "x"`,
		"y": `no column "y"; there are x, "air time"`,
	} {
		if err := f.Col(name).Err(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v does not say %q", name, err, want)
		}
	}
	if err := f.Col("air time").Err(); err != nil {
		t.Error(err)
	}
}
