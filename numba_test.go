package darray_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/darray-go/darray/internal/leak"
)

// TestFromNumba runs the pairs of docs/from-numba.md: both halves print the same line, ours on the simulated GPU, Numba's on its own
// simulator. The Python halves are run where Numba is there.
func TestFromNumba(t *testing.T) {
	leak.Check(t)
	if testing.Short() {
		t.Skip("builds programs")
	}
	t.Setenv("DARRAY_DEVICE", "sim")
	pairs := readPairs(t, "docs/from-numba.md")
	if len(pairs) < 4 || !pairs[0].program() || pairs[len(pairs)-1].golang == "" {
		t.Fatalf("%d pairs", len(pairs))
	}
	var pieces, calls strings.Builder
	pieces.WriteString("package main\n\nimport (\n\t\"context\"\n\t\"fmt\"\n\t\"log\"\n\t\"math\"\n\n" +
		"\t\"github.com/darray-go/darray\"\n\t\"github.com/darray-go/darray/cuda\"\n)\n\nvar _ = math.Sqrt\n\n")
	for i, p := range pairs[1:] {
		fmt.Fprintf(&pieces, "func piece%d(ctx context.Context, c *darray.Cluster) error {\n%sreturn nil\n}\n\n", i, p.golang)
		fmt.Fprintf(&calls, "\t\tpiece%d,\n", i)
	}
	fmt.Fprintf(&pieces, `func main() {
	darray.Use("cuda", cuda.Open)
	for _, piece := range []func(ctx context.Context, c *darray.Cluster) error{
%s	} {
		if err := darray.Main(piece); err != nil {
			log.Fatal(err)
		}
		fmt.Println(%q)
	}
}
`, &calls, mark)
	outputs := make([]string, len(pairs))
	outputs[0] = runGoProgram(t, pairs[0].golang)
	ours := spread(t, pairs, outputs, runGoProgram(t, pieces.String()))
	for i, p := range pairs {
		if strings.Count(ours[i], "\n") != 1 {
			t.Errorf("%s: Go prints %q, want one line", p.title, ours[i])
		}
	}
	python := findNumba()
	if python == "" {
		t.Skip("NOT TESTED: the Python halves: there is no python3 with Numba")
	}
	for i, p := range pairs {
		file := filepath.Join(t.TempDir(), "program.py")
		if err := os.WriteFile(file, []byte("import math\nimport numpy as np\nfrom numba import cuda\n"+p.python), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(python, file)
		cmd.Env = append(os.Environ(), "NUMBA_ENABLE_CUDASIM=1")
		if out := output(t, cmd); out != ours[i] {
			t.Errorf("%s: Python prints %q, Go %q", p.title, out, ours[i])
		}
	}
}

// findNumba is a Python that has Numba; empty: none.
func findNumba() string {
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(python, "-c", "import numba.cuda").Run() == nil {
			return python
		}
	}
	return ""
}
