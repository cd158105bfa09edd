package files_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	files "github.com/darray-go/darray/bench/io"
	"github.com/darray-go/darray/bench/report"
	"github.com/darray-go/darray/internal/leak"
)

var update = flag.Bool("update", false, "write testdata anew")

// literal is a report in which every figure can be checked by head.
func literal() *files.Result {
	c := &report.Comparison{Suite: "io", Machine: "a kettle", Go: "go", How: "by hand", LeftOut: []string{"tea is left out: it is cold; boil it"}}
	for _, name := range []string{"darray", "duckdb", "polars", "stream", "mmap", "disk"} {
		c.Contenders = append(c.Contenders, report.Contender{Name: name, About: "about " + name})
	}
	add := func(name, by string, peak, stored float64, runs ...float64) *report.Row {
		row := c.Row(report.Key{Case: name, DType: "float64", N: 1e6}, by)
		row.Bytes, row.Peak, row.Stored, row.Runs = 4e9, peak, stored, runs
		return row
	}
	add("read-parquet-zstd-4", "darray", 1e9, 2e9, 2, 1, 4)
	add("read-parquet-zstd-4", "duckdb", 2e9, 2e9, 4, 4, 4)
	add("read-parquet-zstd-4", "polars", 3e9, 2e9, 1, 2, 1)
	add("read-parquet-zstd-4", "stream", 0, 0, 0.5, 0.5, 0.5)
	add("read-npy", "darray", 5e9, 4e9, 1)
	add("read-npy", "mmap", 6e9, 4e9, 1).Bytes = 2e9
	add("read-npy", "stream", 0, 4e9, 0.5)
	add("write-arrow-none", "darray", 4e9, 4e9, 8)
	add("write-arrow-none", "duckdb", 0, 4e9).Unavailable = "not available: tea"
	add("write-arrow-none", "disk", 0, 0, 4)
	c.Summarise()
	c.Load = nil // this machine's
	r := &files.Result{Comparison: c}
	for _, row := range rows(r, "darray") {
		for of, by := range map[string][]string{"limit": {"stream", "disk"}, "duckdb": {"duckdb"}, "polars": {"polars"}} {
			c.Compare(row, of, func(other string) bool { return other == by[0] || other == by[len(by)-1] })
		}
	}
	return r
}

func TestText(t *testing.T) {
	leak.Check(t)
	var text strings.Builder
	if err := literal().WriteText(&text); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "report.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if text.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s\n(-update writes it)", text.String(), want)
	}
}

// TestRead: a report comes back from its JSON as it was, and one of another suite is refused.
func TestRead(t *testing.T) {
	leak.Check(t)
	path := filepath.Join(t.TempDir(), "report.json")
	r := literal()
	if err := r.WriteJSON(path); err != nil {
		t.Fatal(err)
	}
	again, err := files.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	var texts [2]strings.Builder
	if r.WriteText(&texts[0]) != nil || again.WriteText(&texts[1]) != nil || texts[0].String() != texts[1].String() {
		t.Errorf("%s\nis not\n%s", texts[1].String(), texts[0].String())
	}
	r.Suite = "math"
	if err := r.WriteJSON(path); err != nil {
		t.Fatal(err)
	}
	if _, err := files.Read(path); err == nil || !strings.Contains(err.Error(), "darray bench math") {
		t.Errorf("%v; want an error that says which command", err)
	}
	if _, err := files.Read("nowhere.json"); err == nil {
		t.Error("no error for a file that is not there")
	}
}

// TestPlot draws both kinds of picture; there is none of nothing, and none in a file of another kind.
func TestPlot(t *testing.T) {
	leak.Check(t)
	dir := t.TempDir()
	for name, magic := range map[string]string{"plot.svg": "<?xml", "plot.png": "\x89PNG"} {
		if err := literal().WritePlot(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !strings.HasPrefix(string(got), magic) {
			t.Errorf("%s: %v", name, err)
		}
		for _, text := range []string{"read NumPy .npy: sum of a column", "polars", "a kettle"} {
			if magic == "<?xml" && !strings.Contains(string(got), text) {
				t.Errorf("%s does not show %q", name, text)
			}
		}
	}
	if err := literal().WritePlot(filepath.Join(dir, "plot.gif")); err == nil {
		t.Error("a .gif was drawn")
	}
	if err := (&files.Result{Comparison: report.New("io", "")}).WritePlot(filepath.Join(dir, "empty.svg")); err == nil {
		t.Error("nothing was drawn, without an error")
	}
}
