package files_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	files "github.com/darray-go/darray/bench/io"
	"github.com/darray-go/darray/bench/report"
	"github.com/darray-go/darray/internal/leak"
)

// small is the shortest run, with rivals that behave as fakes says; none without it.
func small(t *testing.T, fakes string, cases ...string) files.Options {
	o := files.Options{
		Bytes: 1_000_000, Cases: cases, Rounds: 2, Repeat: 2, Threads: 2, Turn: time.Hour, Dir: t.TempDir(),
		Rivals: []string{"none"}, Env: append(os.Environ(), "FAKE="+fakes),
	}
	if fakes != "" {
		o.Rivals = nil
		t.Setenv("PATH", folderOfNode(t))
	}
	return o
}

// folderOfNode has a program called node that is this one.
func folderOfNode(t *testing.T) string {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(self, filepath.Join(dir, "node")); err != nil {
		t.Skip(err)
	}
	return dir
}

func rows(r *files.Result, by string) []*report.Row {
	return slices.DeleteFunc(slices.Clone(r.Rows), func(row *report.Row) bool { return row.By != by })
}

// empty holds that a run leaves nothing behind.
func empty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left in the folder: %v (%v)", left, err)
	}
}

// TestOurs: every case is measured, reads the sums of the values, and has a limit and the memory that it took.
func TestOurs(t *testing.T) {
	leak.Check(t)
	o := small(t, "")
	r, err := files.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	empty(t, o.Dir)
	var names []string
	for _, row := range rows(r, "darray") {
		names = append(names, row.Case)
		if len(row.Runs) != 4 || row.Min <= 0 || row.Stored <= 0 || row.N != 1_000_000/32 {
			t.Errorf("%+v", row)
		}
		if row.Peak < 1e6 && report.PeakMemory() > 0 {
			t.Errorf("%s: a peak of %g bytes", row.Case, row.Peak)
		}
		want := "stream"
		if strings.HasPrefix(row.Case, "write") {
			want = "disk"
		}
		if limit := row.Ratio("limit"); limit.Than != want || limit.Median <= 0 {
			t.Errorf("%s: limit %+v, want %s", row.Case, limit, want)
		}
	}
	if !slices.Equal(names, files.CaseNames()) {
		t.Errorf("measured %q, want %q", names, files.CaseNames())
	}
	for _, who := range []string{"mmap", "darray-again"} {
		var mapped []string
		for _, row := range rows(r, who) {
			if mapped = append(mapped, row.Case); runtime.GOOS == "linux" && len(row.Runs) != 4 {
				t.Errorf("%+v", row)
			}
		}
		if want := []string{"read-arrow-none-1", "read-arrow-none-4", "read-npy", "read-npy-c", "read-npy-fortran"}; !slices.Equal(mapped, want) {
			t.Errorf("%s beside %q, want %q", who, mapped, want)
		}
	}
	for name, want := range map[string]float64{"read-arrow-lz4-1": 250_000, "read-arrow-lz4-4": 1_000_000, "read-npy": 250_000, "read-npy-fortran": 1_000_000, "write-csv": 1_000_000} {
		i := slices.IndexFunc(r.Rows, func(row *report.Row) bool { return row.Case == name })
		if got := r.Rows[i].Bytes; got != want {
			t.Errorf("%s: %g bytes, want %g", name, got, want)
		}
	}
}

// TestRivals: one that is right is compared with; one that is wrong is not, and both what it lacks and where it fails are said.
func TestRivals(t *testing.T) {
	leak.Check(t)
	o := small(t, "duckdb=good polars=wrong", "read-parquet-zstd-4", "write-csv")
	r, err := files.Run(t.Context(), o)
	if err == nil || r == nil || !strings.Contains(err.Error(), "read-parquet-zstd-4: polars: wrong result: sum 0 is 1, not ") ||
		!strings.Contains(err.Error(), "write-csv: polars: ") {
		t.Fatalf("%v; want a wrong result of polars", err)
	}
	empty(t, o.Dir)
	for _, row := range rows(r, "darray") {
		if ratio := row.Ratio("duckdb"); ratio.Than != "duckdb" || ratio.Median <= 0 {
			t.Errorf("%s: %+v", row.Case, ratio)
		}
		if ratio := row.Ratio("polars"); ratio != (report.Ratio{}) {
			t.Errorf("%s is compared with wrong results: %+v", row.Case, ratio)
		}
	}
	for _, row := range rows(r, "polars") {
		if row.Unavailable == "" || len(row.Runs) > 0 {
			t.Errorf("%+v", row)
		}
	}
	o = small(t, "duckdb=lacks polars=good", "read-csv")
	if r, err = files.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if row := rows(r, "duckdb")[0]; row.Unavailable != "not available: not in this version" {
		t.Errorf("%+v", row)
	}
}

// TestAbsent: rivals that are not there are named, with how to install them, and the run goes on.
func TestAbsent(t *testing.T) {
	leak.Check(t)
	for fakes, why := range map[string]string{"none=good": "Cannot find module 'duckdb'", "": "executable file not found"} {
		o := small(t, fakes, "read-npy")
		o.Rivals = nil
		if fakes == "" {
			t.Setenv("PATH", t.TempDir())
		}
		var log strings.Builder
		o.Log = &log
		r, err := files.Run(t.Context(), o)
		if err != nil || len(rows(r, "darray")) != 1 {
			t.Fatalf("%v, %v", r, err)
		}
		for i, install := range []string{"@duckdb/node-api@", "nodejs-polars@"} {
			if i >= len(r.LeftOut) || !strings.Contains(r.LeftOut[i], "is left out: ") || !strings.Contains(r.LeftOut[i], "npm install --prefix FOLDER "+install) {
				t.Errorf("left out: %q; want one that says how to install %s", r.LeftOut, install)
			}
		}
		if !strings.Contains(r.LeftOut[0], why) || !strings.Contains(log.String(), "WARNING: duckdb is left out") {
			t.Errorf("%q does not say %q, or not loudly: %s", r.LeftOut[0], why, log.String())
		}
	}
}

// TestNode: DuckDB and Polars, where NODE_PATH has them, read what we write and write what we read.
func TestNode(t *testing.T) {
	leak.Check(t)
	if testing.Short() {
		t.Skip("starting node for each case takes a minute")
	}
	o := small(t, "")
	o.Rivals, o.Rounds, o.Repeat = nil, 1, 1
	r, err := files.Run(t.Context(), o)
	if err != nil {
		t.Error(err)
	}
	for _, line := range r.LeftOut {
		t.Logf("NOT TESTED: %s", line)
	}
	for _, c := range r.Contenders {
		if measured := rows(r, c.Name); c.Name == "polars" && len(slices.DeleteFunc(measured, func(row *report.Row) bool { return len(row.Runs) == 0 })) != 20 {
			t.Errorf("Polars is measured at %d cases", len(measured))
		}
	}
}

// canceller cancels when something is written to it that contains a text.
type canceller struct {
	text   string
	cancel func()
}

func (c canceller) Write(b []byte) (int, error) {
	if strings.Contains(string(b), c.text) {
		c.cancel()
	}
	return len(b), nil
}

// TestInterrupt: the end of the context ends Run, before it begins or while a rival does not answer, and leaves nothing behind.
func TestInterrupt(t *testing.T) {
	leak.Check(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o := small(t, "duckdb=hangs polars=good", "read-npy")
	o.Log = canceller{"sum of a column", cancel}
	if r, err := files.Run(ctx, o); r == nil || !errors.Is(err, context.Canceled) || len(r.Failed) > 0 {
		t.Errorf("%v, %v; want context.Canceled and what there is of the report", r, err)
	}
	empty(t, o.Dir)
	if r, err := files.Run(ctx, o); r != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v; want context.Canceled", r, err)
	}
	empty(t, o.Dir)
}

func TestCheck(t *testing.T) {
	leak.Check(t)
	for want, o := range map[string]files.Options{
		"":                              {},
		`no case "tea"; there are read`: {Cases: []string{"parquet", "tea"}},
		`no rival "tea"; there are duckdb, polars, none`: {Rivals: []string{"tea"}},
		"from 32000 to":          {Bytes: 31},
		"none can be negative":   {Rounds: -1},
		"nowhere: is no folder":  {Dir: "nowhere"},
		"nowhere2: is no folder": {Node: "nowhere2"},
	} {
		if err := o.Check(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := files.Run(t.Context(), files.Options{Bytes: -1}); err == nil {
		t.Error("Run takes what Check refuses")
	}
}
