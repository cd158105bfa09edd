// Package examples_test builds the examples and runs them alone, on ranks of one process, and as ranks of a job.
package examples_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/darray-go/darray/internal/launch"
	"github.com/darray-go/darray/internal/leak"
)

// examples are what each program has to print, exactly once. The figures come from a formula or a run without ranks.
var examples = []struct {
	name  string
	wants []string // regular expressions
}{
	{"scatteradd", []string{`^Result of A \+ B = \[1 2 3 \.\.\. 100\]\n$`}},
	{"lazyadd", []string{`^Result of A \+ B = \[  1\.   2\.   3\.`, ` 98\.\n  99\. 100\.\]\n$`}},
	{"flights", []string{`flights:                 200000\n`, `miles flown:             145847125\n`}},
	{"blackscholes", []string{
		`^a share at 100 in  1 months:  3\.534889\na share at 100 in  6 months:  8\.911789\na share at 100 in 24 months: 18\.502809\n`,
		`\n240000 calls cost 17\.745867313 on average, puts 15\.685706218\nparity holds to 1e-12: true\n$`,
	}},
	{"pi", []string{`^pi = 3\.1415926536\n$`}},
	{"pingpong", []string{`      8 bytes: [12]00 hits, .*s a flight\n`, `1048576 bytes: [12]00 hits, .*s a flight\n`}},
	{"bucketsort", []string{`^200000 numbers sorted: least 3543, median 538135982, greatest 1073739222\n$`}},
	{"transpose", []string{`^840 x 840 transposed, 0 elements wrong\n$`}},
	{"heat2d", []string{`^52\.229414 degrees in the middle; 0 of 10800 cells differ from the plate in one piece\n$`}},
	{"pagerank", []string{`^  1 is worth 0\.64730416\n  2 is worth 0\.02940161\n`, `\n997 is worth 0\.00026087\ntogether 0\.9999999999999949\n$`}},
	{"power", []string{`^eigenvalue 95\.187854876[0-9]* of a 600 x 600 matrix on [0-9] ranks; A x differs from it times x by 1\.8e-05\n$`}}, // LAPACK's dsyev has 95.187854880
	{"gpu", []string{
		`^a \+ b of 20000 elements on cuda:0: the last is 6807\.751153993; the processor's bits: true\n`,
		`call options of 20000 elements on cuda:0: the last is 50\.888171413; the processor's bits: true\n$`,
	}},
	{"weather", []string{ // by the csv module of Python
		`^1461 days of \[date precipitation temp_max temp_min wind weather\]\n`, `mean spread of the 16 hot days: 16\.95624999[0-9]* degrees; the last one was day 16648 since 1970\n`, `2012-08-05 sun 33\.9\n`,
	}},
	{"sweep", []string{`^7219428434016265740 ways through a grid of 33 x 33, by the formula 7219428434016265740\n$`}},
}

// build compiles all examples and returns their folder.
func build(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", dir, "./...").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

// TestExamples runs every program on 1 to 5 ranks of one process and on 3 and 4 processes; 3 does not divide most sizes.
func TestExamples(t *testing.T) {
	leak.Check(t)
	dir := build(t)
	data, err := filepath.Abs("data/flights-200k.arrow")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range examples {
		argv := []string{filepath.Join(dir, e.name)}
		switch e.name {
		case "flights":
			argv = append(argv, data)
		case "weather":
			argv = append(argv, filepath.Join(filepath.Dir(data), "seattle-weather.csv"))
		case "gpu": // on any machine
			argv = append(argv, "-n", "20000", "-device", "sim")
		}
		for p := 1; p <= 5; p++ {
			checkOutput(t, e.name, fmt.Sprintf("%d ranks of one process", p), e.wants, func(out io.Writer) error {
				cmd := exec.Command(argv[0], argv[1:]...)
				cmd.Env = append(os.Environ(), fmt.Sprintf("DARRAY_RANKS=%d", p))
				cmd.Stdout, cmd.Stderr = out, os.Stderr
				return cmd.Run()
			})
		}
		for _, p := range []int{3, 4} {
			checkOutput(t, e.name, fmt.Sprintf("%d processes", p), e.wants, func(out io.Writer) error {
				return launch.Run(t.Context(), launch.Config{Ranks: p, Argv: argv, Stdout: out})
			})
		}
	}
}

// TestUnderMpirun: the same programs, unchanged, as ranks that Open MPI's launcher starts.
func TestUnderMpirun(t *testing.T) {
	leak.Check(t)
	if _, err := exec.LookPath("mpirun"); err != nil {
		t.Skip("NOT TESTED: there is no mpirun; install Open MPI")
	}
	dir := build(t)
	for _, e := range examples {
		if e.name == "flights" || e.name == "weather" || e.name == "gpu" {
			continue // say no more than lazyadd here
		}
		checkOutput(t, e.name, "4 ranks of mpirun", e.wants, func(out io.Writer) error {
			cmd := exec.Command("mpirun", "--oversubscribe", "-n", "4", filepath.Join(dir, e.name))
			cmd.Env = append(os.Environ(), "OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1")
			cmd.Stdout, cmd.Stderr = out, os.Stderr
			return cmd.Run()
		})
	}
}

// checkOutput runs a program and holds that it prints each of wants once.
func checkOutput(t *testing.T, name, how string, wants []string, run func(out io.Writer) error) {
	t.Helper()
	var out bytes.Buffer
	if err := run(&out); err != nil {
		t.Errorf("%s on %s: %v", name, how, err)
	}
	for _, want := range wants {
		if n := len(regexp.MustCompile(want).FindAll(out.Bytes(), -1)); n != 1 {
			t.Errorf("%s on %s prints %q %d times, want once:\n%s", name, how, want, n, out.Bytes())
		}
	}
}
