package darray_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/darray-go/darray/internal/leak"
)

// pair is one thing said in Python and in Go.
type pair struct{ title, python, golang string }

// program reports whether the pair is two whole programs rather than pieces of one.
func (p pair) program() bool { return strings.HasPrefix(p.golang, "package main\n") }

// readPairs takes the code blocks of a page, of which one in Python is followed by one in Go.
func readPairs(t *testing.T, page string) []pair {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var pairs []pair
	title, language := "start", ""
	var code strings.Builder
	for line := range strings.Lines(string(text)) {
		switch fence, isFence := strings.CutPrefix(strings.TrimSpace(line), "```"); {
		case isFence && language == "":
			language = fence
			code.Reset()
		case isFence && language == "python":
			pairs, language = append(pairs, pair{title: title, python: code.String()}), ""
		case isFence && language == "go" && len(pairs) > 0 && pairs[len(pairs)-1].golang == "":
			pairs[len(pairs)-1].golang, language = code.String(), ""
		case isFence:
			t.Fatalf("%s: under %q a block of %s has no partner before it", page, title, language)
		case language != "":
			code.WriteString(line)
		case strings.HasPrefix(line, "#"):
			title = strings.TrimSpace(strings.TrimLeft(line, "#"))
		}
	}
	return pairs
}

// TestFromMPI4Py runs the pairs of docs/from-mpi4py.md: both halves print the same lines on 4 ranks. The Python halves
// are run where mpi4py and mpirun are there.
func TestFromMPI4Py(t *testing.T) {
	leak.Check(t)
	if testing.Short() {
		t.Skip("builds and launches programs")
	}
	pairs := readPairs(t, "docs/from-mpi4py.md")
	if len(pairs) < 10 || pairs[0].golang == "" || pairs[len(pairs)-1].golang == "" {
		t.Fatalf("%d pairs", len(pairs))
	}
	ours := runGo(t, pairs)
	for i, p := range pairs {
		if strings.Count(ours[i], "\n") != 1 {
			t.Errorf("%s: Go prints %q, want one line", p.title, ours[i])
		}
	}
	python, missing := findMPI4Py()
	if missing != "" {
		t.Skipf("NOT TESTED: the Python halves: %s", missing)
	}
	for i, out := range runPython(t, python, pairs) {
		if out != ours[i] {
			t.Errorf("%s: Python prints %q, Go %q", pairs[i].title, out, ours[i])
		}
	}
}

// mark goes between the outputs of the pieces of one program.
const mark = "== next =="

// runGo compiles the Go halves in a package that is not on disk, runs them on 4 ranks of one process and gives what each prints.
func runGo(t *testing.T, pairs []pair) []string {
	t.Helper()
	var pieces strings.Builder
	pieces.WriteString("package main\n\nimport (\n\t\"context\"\n\t\"fmt\"\n\t\"log\"\n\t\"slices\"\n\n" +
		"\t\"github.com/darray-go/darray\"\n\t\"github.com/darray-go/darray/net/comm\"\n)\n\nvar _ = slices.Repeat[[]int]\n\n")
	var calls strings.Builder
	outputs := make([]string, len(pairs))
	for i, p := range pairs {
		if p.program() {
			outputs[i] = runGoProgram(t, p.golang)
			continue
		}
		fmt.Fprintf(&pieces, "func piece%d(ctx context.Context, c *comm.Comm) error {\n\trank, size := c.Rank(), c.Size()\n\t_, _ = rank, size\n%sreturn nil\n}\n\n", i, p.golang)
		fmt.Fprintf(&calls, "\t\tpiece%d,\n", i)
	}
	fmt.Fprintf(&pieces, `func main() {
	for _, piece := range []func(ctx context.Context, c *comm.Comm) error{
%s	} {
		if err := darray.SPMD(piece); err != nil {
			log.Fatal(err)
		}
		fmt.Println(%q)
	}
}
`, &calls, mark)
	return spread(t, pairs, outputs, runGoProgram(t, pieces.String()))
}

// spread gives each piece its part of the output of all of them.
func spread(t *testing.T, pairs []pair, outputs []string, out string) []string {
	t.Helper()
	parts := strings.Split(out, mark+"\n")
	for i, p := range pairs {
		if p.program() {
			continue
		}
		if len(parts) < 2 {
			t.Fatalf("the output ends before %q", p.title)
		}
		outputs[i], parts = parts[0], parts[1:]
	}
	return outputs
}

// runGoProgram builds a program as if it were in this module and runs it on 4 ranks of one process.
func runGoProgram(t *testing.T, source string) string {
	t.Helper()
	dir := t.TempDir()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "main.go")
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(here, "docs", "piece", "main.go"): file}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{file: []byte(source), filepath.Join(dir, "overlay.json"): overlay} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(dir, "program")
	if out, err := exec.Command("go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", program, "./docs/piece").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), "DARRAY_RANKS=4")
	return output(t, cmd)
}

func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, io.Writer(&said)
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, said.Bytes())
	}
	return out.String()
}

// findMPI4Py is a Python that has mpi4py, or what is missing.
func findMPI4Py() (python, missing string) {
	if _, err := exec.LookPath("mpirun"); err != nil {
		return "", "there is no mpirun; install Open MPI"
	}
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(python, "-c", "import numpy, mpi4py").Run() == nil {
			return python, ""
		}
	}
	return "", "there is no python3 with mpi4py and NumPy"
}

// runPython runs the Python halves by mpirun and gives what each prints.
func runPython(t *testing.T, python string, pairs []pair) []string {
	t.Helper()
	pieces := "import numpy as np\nfrom mpi4py import MPI\n\ncomm = MPI.COMM_WORLD\nrank, size = comm.Get_rank(), comm.Get_size()\n\n"
	outputs := make([]string, len(pairs))
	for i, p := range pairs {
		if p.program() {
			outputs[i] = runPythonProgram(t, python, p.python)
			continue
		}
		pieces += p.python + fmt.Sprintf("comm.Barrier()\nif rank == 0:\n    print(%q, flush=True)\n", mark)
	}
	return spread(t, pairs, outputs, runPythonProgram(t, python, pieces))
}

func runPythonProgram(t *testing.T, python, source string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "program.py")
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("mpirun", "--oversubscribe", "-n", "4", python, file)
	cmd.Env = append(os.Environ(), "OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1")
	return output(t, cmd)
}
