package darray_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/format/arrowipc"
)

// partsFrame is a frame of all kinds of columns: computed, of a file, carried along, filtered.
func partsFrame(f *darray.Frame) *darray.Frame {
	f = f.With("twice", darray.Multiply(f.Col("wind"), 2)).With("running", darray.CumSum(f.Col("wind")))
	return f.Filter(darray.Greater(f.Col("temp_max"), 10))
}

// TestWriteParts: the directory has the same rows as the frame, at any number of ranks, and takes the place of an older one.
func TestWriteParts(t *testing.T) {
	dir := t.TempDir()
	onClusters(t, func(t *testing.T, c *darray.Cluster) {
		f := partsFrame(open(t, weather))
		want, err := c.CollectFrame(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, "out")
		for _, name := range []string{"", "csv"} {
			if err := c.WriteParts(t.Context(), f, to, darray.WriteOptions{Format: name}); err != nil {
				t.Fatal(err)
			}
			back := open(t, to)
			got, err := c.CollectFrame(t.Context(), back)
			if err != nil {
				t.Fatal(err)
			}
			for i := range int(want.NumCols()) {
				if !arrowarray.Equal(got.Column(i), want.Column(i)) {
					t.Errorf("format %q: %s is %v, want %v", name, want.ColumnName(i), got.Column(i), want.Column(i))
				}
			}
		}
		if got := filesIn(t, dir); got != "out" {
			t.Errorf("the folder has %s", got)
		}
	})
	part := filepath.Join(dir, "out", "part-00000.csv")
	raw, err := os.ReadFile(part)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(part, raw[:len(raw)-2], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := darray.Open(filepath.Join(dir, "out")); err == nil || !strings.Contains(err.Error(), "_manifest.json says") {
		t.Errorf("a part that was cut: %v", err)
	}
	if err := os.Remove(part); err != nil {
		t.Fatal(err)
	}
	if _, err := darray.Open(filepath.Join(dir, "out")); err == nil || !strings.Contains(err.Error(), "part-00000.csv") {
		t.Errorf("a part that is gone: %v", err)
	}
	if err := open(t, weather).WriteParts(t.Context(), dir, darray.WriteOptions{}); err == nil || !strings.Contains(err.Error(), "without a manifest") {
		t.Errorf("over a folder of the user's: %v", err)
	}
}

// writesParts is a program whose ranks write a directory together.
func writesParts() error {
	return darray.Main(func(ctx context.Context, c *darray.Cluster) error {
		big, err := darray.Open(flights)
		if err != nil {
			return err
		}
		dir := os.Getenv("DARRAY_TEST_DIR")
		if err := c.WriteParts(ctx, big.Filter(darray.Greater(big.Col("distance"), 100)), dir, darray.WriteOptions{Compression: "zstd"}); err != nil {
			return err
		}
		back, err := darray.Open(dir)
		if err != nil {
			return err
		}
		sum, err := c.Collect(ctx, darray.Sum(back.Col("distance")), darray.Count(back.Col("delay")))
		if err != nil {
			return err
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		fmt.Println(sum[0], sum[1], back.NumRows(), len(entries))
		return nil
	})
}

// TestWritePartsOfALostRank: a rank that dies while it writes leaves the old directory and no other.
func TestWritePartsOfALostRank(t *testing.T) {
	dir := t.TempDir()
	to := filepath.Join(dir, "out")
	c, err := darray.Local(2)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.WriteParts(t.Context(), open(t, weather), to, darray.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DARRAY_TEST_DIR", to)
	out, err := job(t, "parts lost", 3)
	if err == nil || !strings.Contains(out, "rank 2") || !strings.Contains(out, "as it was") {
		t.Errorf("%v, and rank 0 says %q", err, out)
	}
	if got := filesIn(t, dir); got != "out" {
		t.Errorf("the folder has %s", got)
	}
	if n := open(t, to).NumRows(); n != 1461 {
		t.Errorf("the old directory has %d rows", n)
	}
}

// losesWriter is a program one rank of which dies as soon as it is to write.
func losesWriter() error {
	darray.UseFormat(format.Format{
		Name: "deadly", What: "files that nobody writes", Extensions: []string{".deadly"}, Is: func([]byte, string) bool { return false },
		Create: func(w io.Writer, s *arrow.Schema, o format.WriteOptions) (format.Encoder, error) {
			if os.Getenv("DARRAY_RANK") == "2" {
				os.Exit(3)
			}
			return arrowipc.Format.Create(w, s, o)
		},
	})
	return darray.Main(func(ctx context.Context, c *darray.Cluster) error {
		big, err := darray.Open(flights)
		if err != nil {
			return err
		}
		err = c.WriteParts(ctx, big, os.Getenv("DARRAY_TEST_DIR"), darray.WriteOptions{Format: "deadly"})
		fmt.Println(err)
		return err
	})
}

// TestWritePartsOfAJob: each process writes its own rows.
func TestWritePartsOfAJob(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("DARRAY_TEST_DIR", filepath.Join(dir, "out"))
	out, err := job(t, "parts", 3)
	if err != nil {
		t.Fatal(err, out)
	}
	f := open(t, flights)
	far := f.Filter(darray.Greater(f.Col("distance"), 100))
	want := []string{}
	for _, a := range []darray.Array{darray.Sum(far.Col("distance")), darray.Count(far.Col("delay"))} {
		b, err := a.Collect()
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, b.String())
	}
	want = append(want, want[1], "4") // three parts and the manifest
	if got := strings.Fields(out); !slices.Equal(got, want) {
		t.Errorf("the job says %v, want %v", got, want)
	}
	if got := filesIn(t, dir); got != "out" {
		t.Errorf("the folder has %s", got)
	}
}
