package compute_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/darray-go/darray/bench/compute"
	"github.com/darray-go/darray/bench/report"
	"github.com/darray-go/darray/internal/leak"
)

// small is the shortest run of a suite, with rivals that behave as fakes says; none without it.
func small(suite, fakes string, cases ...string) compute.Options {
	o := compute.Options{
		Suite: suite, Cases: cases, Sizes: []int{1000}, Rounds: 2, Repeat: 2, Batch: 50 * time.Microsecond, Threads: 2,
		Rivals: []string{"none"}, Env: append(os.Environ(), "FAKE="+fakes), Python: os.Args[0],
	}
	if fakes != "" {
		o.Rivals = nil
		for _, pair := range strings.Fields(fakes) {
			name, _, _ := strings.Cut(pair, "=")
			o.Rivals = append(o.Rivals, name)
		}
	}
	return o
}

func rows(r *compute.Result, by string) []*report.Row {
	return slices.DeleteFunc(slices.Clone(r.Rows), func(row *report.Row) bool { return row.By != by })
}

// TestOurs: every case of every suite gives what the reference says, also where operands repeat.
func TestOurs(t *testing.T) {
	leak.Check(t)
	runs := []compute.Options{small("reduce", "", "sum", "sum-axis0")}
	runs[0].Sizes, runs[0].DTypes = []int{1_050_000}, []string{"float32"} // a period of operands, and some
	for _, suite := range compute.Suites() {
		o := small(suite.Name, "")
		switch suite.Name {
		case "matmul":
			o.Sizes = []int{7, 64}
		case "gpu":
			o.Device, o.Matrix = "sim", 8
		}
		runs = append(runs, o)
	}
	for _, o := range runs {
		r, err := compute.Run(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range r.Rows {
			switch {
			case row.Unavailable != "":
				t.Logf("NOT TESTED: %s by %s: %s", row.Case, row.By, row.Unavailable)
			case len(row.Runs) == 0 || row.Min <= 0 || row.Median < row.Min || row.Max < row.Median || row.Bytes <= 0 && row.Case != "launch" && row.Case != "compile":
				t.Errorf("%+v", row)
			}
		}
	}
}

// TestPython: the rivals' programs, where they are installed, talk with the suite and agree with the reference. A few cases
// will do, as every run checks all that it measures.
func TestPython(t *testing.T) {
	leak.Check(t)
	if testing.Short() {
		t.Skip("starting PyTorch, Numba and dask takes seconds")
	}
	for suite, cases := range map[string][]string{"elementwise": {"where", "poly20"}, "reduce": {"meanstd", "sum-axis1"}, "math": {"pow", "nextafter", "blackscholes", "logsumexp"}} {
		o := small(suite, "", cases...)
		o.Python, o.Rivals, o.Rounds, o.Repeat, o.DTypes = "", compute.Rivals(), 1, 1, []string{"float32"}
		r, err := compute.Run(t.Context(), o)
		if err != nil {
			t.Error(err)
		}
		for _, line := range r.LeftOut {
			t.Logf("NOT TESTED: %s", line)
		}
		for _, row := range r.Rows {
			if row.Inexact > 0 {
				t.Errorf("%s by %s is off by %g", row.Case, row.By, row.Inexact)
			}
		}
	}
}

// TestFakes: a rival that is right is compared with; one that is wrong, breaks off or is not there spoils nothing, and the
// report says so.
func TestFakes(t *testing.T) {
	leak.Check(t)
	var log strings.Builder
	o := small("elementwise", "numpy=good numexpr=wrong numba=dies torch=lacks dask=absent", "add", "where")
	o.Log, o.Modes, o.DTypes = &log, []string{compute.Fresh}, []string{"float64"}
	r, err := compute.Run(t.Context(), o)
	if err == nil || r == nil {
		t.Fatalf("no error where rivals fail: %v", err)
	}
	for _, want := range []string{"numexpr: wrong result", "numba: it ended (exit status 1): out of memory"} {
		if !strings.Contains(err.Error(), want) || !slices.ContainsFunc(r.Failed, func(s string) bool { return strings.Contains(s, want) }) {
			t.Errorf("%q is not in %v or not in %q", want, err, r.Failed)
		}
	}
	ours := rows(r, "darray")
	if len(ours) != 2 || len(ours[0].Runs) != 4 {
		t.Fatalf("%d rows of ours with %d runs, want 2 with 4", len(ours), len(ours[0].Runs))
	}
	for _, row := range ours {
		if best := row.Ratio("best"); best.Than != "numpy" || best.MinThan != "numpy" || best.Median <= 0 || best.Min <= 0 {
			t.Errorf("%s: best rival %+v, want numpy", row.Case, best)
		}
	}
	for by, want := range map[string]string{"numexpr": "wrong result", "torch": "not available: not in this version"} {
		for _, row := range rows(r, by) {
			if len(row.Runs) > 0 || !strings.Contains(row.Unavailable, want) {
				t.Errorf("%s by %s: %d runs, unavailable %q", row.Case, by, len(row.Runs), row.Unavailable)
			}
		}
	}
	const absent = "dask is left out: it ended (exit status 1): ModuleNotFoundError: No module named 'dask'; install dask"
	if !strings.Contains(log.String(), "WARNING: "+absent) {
		t.Errorf("no warning of dask in %s", log.String())
	}
	var text strings.Builder
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"LEFT OUT: " + absent, "FAILED: add float64 n=1e+03 fresh: numexpr: wrong result", "a + b, float64, n=1000, fresh\ndarray ", "Our time in that of the fastest rival"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in\n%s", want, text.String())
		}
	}
	if strings.Contains(text.String(), "darray-bench-") {
		t.Error("the report names the folder of the rivals' programs")
	}
}

// TestCoarse: a rival's sum in float32 that is far off is measured, and not counted among the best.
func TestCoarse(t *testing.T) {
	leak.Check(t)
	o := small("reduce", "numpy=good numexpr=coarse", "sum")
	o.DTypes = []string{"float32"}
	r, err := compute.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if row := rows(r, "numexpr")[0]; row.Inexact < 0.09 || row.Inexact > 0.11 || len(row.Runs) == 0 {
		t.Errorf("inexact by %g, %d runs", row.Inexact, len(row.Runs))
	}
	ours := rows(r, "darray")[0]
	if best := ours.Ratio("best"); best.Than != "numpy" || best.MinThan != "numpy" {
		t.Errorf("best is %+v, want numpy", best)
	}
	if limit := ours.Ratio("limit"); !strings.HasPrefix(limit.Than, "stream") {
		t.Errorf("limit is %+v", limit)
	}
}

// TestApart: where memory is short, contenders hold their operands in their turns only, and measure the same cases.
func TestApart(t *testing.T) {
	leak.Check(t)
	var log strings.Builder
	o := small("elementwise", "numpy=good", "add")
	o.Memory, o.Rounds, o.Log, o.DTypes, o.Modes = 1, 9, &log, []string{"float64"}, []string{compute.Fresh}
	r, err := compute.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "each contender's operands only in its turn") {
		t.Errorf("log %q", log.String())
	}
	for _, row := range r.Rows {
		if len(row.Runs) != 3*2 {
			t.Errorf("%s: %d runs, want 3 rounds of 2", row.By, len(row.Runs))
		}
	}
}

// TestSingles: contenders with one thread are compared with those that have one.
func TestSingles(t *testing.T) {
	leak.Check(t)
	r, err := compute.Run(t.Context(), small("stream", "", "add"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range r.Contenders {
		names = append(names, c.Name)
	}
	if got, want := strings.Join(names, " "), "stream stream-1 stream-past stream-past-1"; got != want {
		t.Errorf("contenders %s, want %s", got, want)
	}
}

// TestHang: a rival that does not answer is ended with the context, and Run with it.
func TestHang(t *testing.T) {
	leak.Check(t)
	cause := errors.New("enough")
	for _, how := range []string{"hangs", "garbage"} {
		ctx, cancel := context.WithCancelCause(t.Context())
		o := small("elementwise", "numpy="+how, "add")
		o.Log = writer(func(line string) {
			if strings.HasPrefix(line, "a + b") { // it is asked now
				cancel(cause)
			}
		})
		_, err := compute.Run(ctx, o)
		if !errors.Is(err, cause) {
			t.Errorf("%s: %v, want the context's cause", how, err)
		}
		cancel(nil)
	}
}

// writer calls a function with what is written.
type writer func(line string)

func (w writer) Write(b []byte) (int, error) {
	w(string(b))
	return len(b), nil
}

func TestRefuses(t *testing.T) {
	for _, c := range []struct {
		o    compute.Options
		want string
	}{
		{compute.Options{Suite: "tea"}, `no suite "tea"; there are elementwise, reduce, matmul, small, math, stream`},
		{compute.Options{Suite: "reduce", Cases: []string{"add"}}, `no case "add"; there are sum`},
		{compute.Options{Suite: "reduce", Rivals: []string{"matlab"}}, `no rival "matlab"; there are numpy, numexpr, numba, torch, dask, none`},
		{compute.Options{Suite: "reduce", DTypes: []string{"int8"}}, `no type "int8"`},
		{compute.Options{Suite: "reduce", Modes: []string{"into"}}, `no mode "into"; there are fresh`},
		{compute.Options{Suite: "reduce", Sizes: []int{1234}}, "sum-axis0 has rows of 1000 elements; take a multiple, or leave the case out by --cases"},
		{compute.Options{Suite: "reduce", Sizes: []int{0}}, "from 1 to"},
		{compute.Options{Suite: "matmul", Sizes: []int{1 << 20}}, "of matmul rows from 1 to 32768"},
		{compute.Options{Suite: "small", Rounds: -1}, "none can be negative"},
	} {
		if r, err := compute.Run(t.Context(), c.o); err == nil || r != nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

// TestFiles: a result that was written is read again, printed and drawn; what is no result is refused.
func TestFiles(t *testing.T) {
	leak.Check(t)
	o := small("elementwise", "numpy=good", "add", "length")
	o.Sizes = []int{1000, 2000}
	measured, err := compute.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "result.json")
	if err := measured.WriteJSON(path); err != nil {
		t.Fatal(err)
	}
	back, err := compute.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	var first, again strings.Builder
	if err := errors.Join(measured.WriteText(&first), back.WriteText(&again)); err != nil {
		t.Fatal(err)
	}
	if first.String() != again.String() {
		t.Errorf("read back as\n%s\nwas\n%s", again.String(), first.String())
	}
	for _, name := range []string{"plot.svg", "plot.png"} {
		if err := back.WritePlot(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() < 10_000 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := back.WritePlot(filepath.Join(dir, "plot.gif")); err == nil {
		t.Error("a .gif was drawn")
	}
	for name, text := range map[string]string{"no.json": "{", "other.json": `{"suite": "collectives"}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := compute.Read(filepath.Join(dir, name)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	empty := &compute.Result{Comparison: report.New("small", "")}
	if err := empty.WritePlot(filepath.Join(dir, "empty.svg")); err == nil {
		t.Error("nothing was drawn, without an error")
	}
}

// TestSets: the sets of a suite have sizes of their own, unless sizes are asked for.
func TestSets(t *testing.T) {
	leak.Check(t)
	for _, asked := range [][]int{nil, {50}} {
		o := small("math", "", "sqrt", "logsumexp")
		o.Sizes, o.Quick, o.DTypes, o.Modes = asked, true, []string{"float64"}, []string{compute.Fresh}
		r, err := compute.Run(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		got := make(map[string]int)
		for _, row := range r.Rows {
			got[row.Case] = row.N
		}
		want := map[string]int{"sqrt": 1000, "logsumexp": 100_000}
		if asked != nil {
			want = map[string]int{"sqrt": 50, "logsumexp": 50}
		}
		if !maps.Equal(got, want) {
			t.Errorf("sizes %v, want %v", got, want)
		}
	}
}

// TestExact: functions with one right result are held to its last bit; a rival without a function has a dash.
func TestExact(t *testing.T) {
	leak.Check(t)
	o := small("math", "numpy=near torch=lacks", "floor")
	o.Sizes, o.DTypes, o.Modes = []int{1}, []string{"float64"}, []string{compute.Fresh}
	r, err := compute.Run(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "numpy: wrong result") {
		t.Errorf("error %v, want a wrong result of numpy's", err)
	}
	var text strings.Builder
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`\nfunctions, float64, n=1, fresh\n.* numpy +torch .*\nfloor .* - +-`).MatchString(text.String()) {
		t.Errorf("no line of dashes in\n%s", text.String())
	}
}

// TestTables: a suite of many cases is printed as tables with means, and drawn as dots.
func TestTables(t *testing.T) {
	leak.Check(t)
	o := small("math", "numpy=good", "sqrt", "floor", "logsumexp")
	o.Sizes = []int{100, 1000}
	r, err := compute.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`\nfunctions, float64, n=100, fresh\n +darray +min +max +numpy +of best +min of best\nsqrt +[0-9.]+ .* numpy`,
		`\nfunctions, float32, n=1000, into\n`, `\nexpressions, float64, n=1000, fresh\n`, `geometric mean \d`,
	} {
		if !regexp.MustCompile(want).MatchString(text.String()) {
			t.Errorf("%q does not match\n%s", want, text.String())
		}
	}
	for _, name := range []string{"dots.svg", "dots.png"} {
		path := filepath.Join(t.TempDir(), name)
		if err := r.WritePlot(path); err != nil {
			t.Error(err)
		}
		if info, err := os.Stat(path); err != nil || info.Size() < 10_000 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (&compute.Result{Comparison: report.New("math", "")}).WritePlot(filepath.Join(t.TempDir(), "empty.svg")); err == nil {
		t.Error("nothing was drawn, without an error")
	}
}

// TestServe: what is no question is an error of the answer, and the end of the questions is the end.
func TestServe(t *testing.T) {
	leak.Check(t)
	ask := exec.CommandContext(t.Context(), os.Args[0], "bench", "contender")
	ask.Stdin = strings.NewReader(`{"do": "dance"}
{"do": "run", "inner": 1, "repeat": 1}
{"do": "run"}
{"do": "prepare", "kernel": "tea", "dtype": "float64", "n": 10}
{"do": "prepare", "kernel": "sum", "dtype": "float32", "n": 10}
{"do": "run", "mode": "fresh", "inner": 2, "repeat": 3, "limit": 5}
`)
	out, err := ask.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	for i, want := range []string{"darray", "there are prepare, check, run and free", "nothing is prepared", "both are at least 1", `"unavailable":"\"tea\"`, "{}", "runs_s"} {
		if i >= len(lines) || !strings.Contains(lines[i], want) {
			t.Fatalf("answers %q; want %q in number %d", lines, want, i)
		}
	}
	var last struct {
		Runs []float64 `json:"runs_s"`
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || len(last.Runs) != 3 {
		t.Errorf("%d runs (%v), want 3", len(last.Runs), err)
	}
	if err := compute.Serve(strings.NewReader("tea"), new(strings.Builder), compute.ServeOptions{Stream: true, Threads: 1}); err == nil {
		t.Error("no error for a question that is no JSON")
	}
}
