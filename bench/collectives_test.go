package bench_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/darray-go/darray/bench"
	"github.com/darray-go/darray/bench/report"
	"github.com/darray-go/darray/internal/leak"
)

// small is the smallest comparison of the given cases, without rivals.
func small(cases ...string) bench.CollectivesOptions {
	return bench.CollectivesOptions{
		Quick: true, Launches: 1, Repeat: 2, Batch: 100 * time.Microsecond, Block: 1 << 20, Largest: 64 << 10,
		Ranks: []int{2, 3}, Links: []string{"mem", "quic"}, Rivals: []string{"none"}, Cases: cases, Source: "..", Env: os.Environ(),
	}
}

// checkRows holds that every contender has so many rows with runs.
func checkRows(t *testing.T, got *report.Comparison, want int) {
	t.Helper()
	seen := make(map[string]int)
	for _, row := range got.Rows {
		seen[row.By]++
		if row.Unavailable == "" && (len(row.Runs) != 2 || row.Min <= 0 || row.Median < row.Min || row.Max < row.Median) {
			t.Errorf("%s, %d ranks, %s: %d runs, min %g, median %g, max %g", row.Case, row.Ranks, row.By, len(row.Runs), row.Min, row.Median, row.Max)
		}
	}
	for _, c := range got.Contenders {
		if seen[c.Name] != want {
			t.Errorf("%d rows by %s, want %d", seen[c.Name], c.Name, want)
		}
	}
}

// TestRivals: C and mpi4py run beside ours, where they are installed. They check their results themselves.
func TestRivals(t *testing.T) {
	leak.Check(t)
	if testing.Short() {
		t.Skip("every launch of mpirun takes half a second")
	}
	o := small("add")
	o.Rivals, o.Links, o.Ranks = []string{"c", "mpi4py"}, []string{"mem"}, []int{3}
	got, err := bench.Collectives(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	checkRows(t, got, 1)
	for _, line := range got.LeftOut {
		t.Logf("NOT TESTED: %s", line)
	}
	c := slices.ContainsFunc(got.Contenders, func(c report.Contender) bool { return c.Name == "c" })
	for _, row := range got.Rows {
		if (row.Ratio("c").Median > 0) != (c && row.By != "c" && row.Unavailable == "") {
			t.Errorf("%s by %s takes %g times the time of c", row.Case, row.By, row.Ratio("c").Median)
		}
	}
}

// TestCollectives: every case of ours gives runs of a right result.
func TestCollectives(t *testing.T) {
	leak.Check(t)
	got, err := bench.Collectives(t.Context(), small("pingpong", "bw", "bcast", "allreduce", "allgather", "alltoall", "barrier", "add"))
	if err != nil {
		t.Fatal(err)
	}
	checkRows(t, got, 2+2+2*(2+2+2+2+1+1)) // pingpong and bw on 2 ranks; the others on 2 and 3
	path := filepath.Join(t.TempDir(), "collectives.json")
	if err := got.WriteJSON(path); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var back report.Comparison
	if err := json.Unmarshal(raw, &back); err != nil || len(back.Rows) != len(got.Rows) {
		t.Errorf("read back %d rows, %v", len(back.Rows), err)
	}
	if bytes.Contains(raw, []byte(os.TempDir())) {
		t.Error("the report names a folder of this machine")
	}
}

// TestWithoutRivals: where nothing is installed the run goes on, and the report and the log say so and how to get them.
func TestWithoutRivals(t *testing.T) {
	leak.Check(t)
	t.Setenv("PATH", t.TempDir())
	var log, text strings.Builder
	o := small("barrier")
	o.Log, o.Links, o.Rivals = &log, []string{"mem"}, nil
	got, err := bench.Collectives(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := got.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"c (C, Open MPI, shared memory) is left out: no mpirun; install", "mpi4py (mpi4py, Open MPI, shared memory) is left out"} {
		if !strings.Contains(log.String(), "WARNING: "+want) || !strings.Contains(text.String(), "LEFT OUT: "+want) {
			t.Errorf("%q is not in\n%s\nor not in\n%s", want, log.String(), text.String())
		}
	}
	if len(got.Rows) != 2 {
		t.Errorf("%d rows, want barrier on 2 and 3 ranks", len(got.Rows))
	}
}

// TestLinkNotInThisBuild: a link that the ranks do not use gives no figures.
func TestLinkNotInThisBuild(t *testing.T) {
	leak.Check(t)
	o := small("barrier")
	o.Links, o.Ranks = []string{"shm", "quic"}, []int{2}
	got, err := bench.Collectives(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	left := slices.ContainsFunc(got.LeftOut, func(s string) bool {
		return strings.HasPrefix(s, "shm ") && strings.Contains(s, "not available in this build")
	})
	measured := slices.ContainsFunc(got.Rows, func(r *report.Row) bool { return r.By == "shm" && len(r.Runs) > 0 })
	if left == measured {
		t.Errorf("shm was left out: %v, measured: %v", left, measured)
	}
}

func TestCollectivesRefuses(t *testing.T) {
	for _, c := range []struct {
		o    bench.CollectivesOptions
		want string
	}{
		{bench.CollectivesOptions{Ranks: []int{1}}, "takes 2"},
		{bench.CollectivesOptions{Repeat: -1}, "negative"},
		{bench.CollectivesOptions{Links: []string{"pigeon"}}, `no link "pigeon"; there are mem, shm, quic, tcp`},
		{bench.CollectivesOptions{Cases: []string{"tea"}}, `no case "tea"; there are pingpong`},
	} {
		if got, err := bench.Collectives(t.Context(), c.o); err == nil || got != nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
	for _, name := range []string{"allreduce", "allreduce:", "allreduce:-8", "tea:8"} {
		if err := bench.Rank("cases", []string{name}, bench.Options{}, new(bytes.Buffer)); err == nil {
			t.Errorf("case %q is taken", name)
		}
	}
}

// TestWholePrograms: the tutorial from launch to exit, and a block beside bare loops.
func TestWholePrograms(t *testing.T) {
	leak.Check(t)
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command to build scatteradd with")
	}
	got, err := bench.Collectives(t.Context(), small("launch", "bare"))
	if err != nil {
		t.Fatal(err)
	}
	var by []string
	for _, row := range got.Rows {
		if len(row.Runs) < 2 {
			t.Errorf("%s by %s: %d runs", row.Case, row.By, len(row.Runs))
		}
		by = append(by, row.By)
	}
	for _, want := range []string{"darray", "quic", "quic-go", "tls"} {
		if !slices.Contains(by, want) {
			t.Errorf("no row by %s", want)
		}
	}
}
