package bench_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/darray-go/darray/bench"
	"github.com/darray-go/darray/internal/launch"
	"github.com/darray-go/darray/internal/leak"
)

// TestMain stands in for cmd/darray, which the suite starts again as ranks (bench rank JOB) and as a launcher (run).
func TestMain(m *testing.M) {
	var err error
	switch args := os.Args[1:]; {
	case len(args) > 2 && args[0] == "bench":
		var o bench.Options
		flags := flag.NewFlagSet("rank", flag.ContinueOnError)
		flags.IntVar(&o.Repeat, "repeat", 0, "")
		flags.IntVar(&o.Elements, "elements", 0, "")
		flags.IntVar(&o.Block, "block", 0, "")
		flags.IntVar(&o.Ranks, "ranks", 0, "")
		flags.DurationVar(&o.Batch, "batch", 0, "")
		if err = flags.Parse(args[3:]); err == nil {
			err = bench.Rank(args[2], flags.Args(), o, os.Stdout)
		}
	case len(args) == 4 && args[0] == "run":
		err = launch.Run(context.Background(), launch.Config{Ranks: 4, Argv: args[3:], Stdout: os.Stdout, Stderr: os.Stderr})
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// TestSpine runs the whole suite at a small size: what it measures works, and the report says what was measured.
func TestSpine(t *testing.T) {
	leak.Check(t)
	report, err := bench.Spine(t.Context(), bench.Options{Repeat: 3, Elements: 100_000, Block: 1 << 20, Source: ".."})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"scatter+add+gather n=100000, 2 ranks, mem", "scatter+add+gather n=100000, 2 ranks, quic",
		"scatter+add+gather n=100000, 4 ranks, mem", "scatter+add+gather n=100000, 4 ranks, quic",
		"1 MiB block, comm.Send over quiclink", "1 MiB block, bare quic-go stream",
		"Collect n=100, local cluster", "scatteradd, 4 ranks, launch to exit",
	}
	if len(report.Cases) != len(want) {
		t.Fatalf("%d cases, want %d", len(report.Cases), len(want))
	}
	for i, c := range report.Cases {
		if c.Name != want[i] {
			t.Errorf("case %d is %q, want %q", i, c.Name, want[i])
		}
		if len(c.Runs) < 3 || c.Min <= 0 || c.Median < c.Min || c.Max < c.Median {
			t.Errorf("%s: %d runs, min %g, median %g, max %g", c.Name, len(c.Runs), c.Min, c.Median, c.Max)
		}
	}

	path := filepath.Join(t.TempDir(), "spine.json")
	if err := report.WriteJSON(path); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var back bench.Report
	if err := json.Unmarshal(raw, &back); err != nil || len(back.Cases) != len(want) || back.Machine != report.Machine {
		t.Errorf("read back %d cases, %v", len(back.Cases), err)
	}
	var text strings.Builder
	if err := report.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, part := range append(want, "of the bare quic-go loop", "min", "median", "max") {
		if !strings.Contains(text.String(), part) {
			t.Errorf("%q is not in the table:\n%s", part, text.String())
		}
	}
}

func TestUnknownJob(t *testing.T) {
	if err := bench.Rank("tea", nil, bench.Options{}, nil); err == nil || !strings.Contains(err.Error(), "add, block and cases") {
		t.Errorf("error %v", err)
	}
}
