package darray_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// heavy is what only programs link that ask for it by a line: Parquet, object stores, the GPU, C.
var heavy = []string{
	"/parquet", "google.golang.org/", "minio-go", "oauth2", "thrift", "purego", "arrow/flight", "arrow/compute", "arrow/cdata", "cobra", "brotli", "plot", "runtime/cgo",
}

const (
	maxPackages = 320      // that a program links, the standard library's among them: 303 when this was written
	maxProgram  = 17 << 20 // bytes of a stripped program for linux/amd64: 15.5e6 when this was written
	maxModules  = 60       // that ./... needs: 54 when this was written
)

// TestWeight: a program that opens Arrow, CSV or NumPy files links neither Parquet nor object stores, and stays small.
func TestWeight(t *testing.T) {
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("go", args...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOFLAGS=-mod=readonly")
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go %s: %v", strings.Join(args, " "), err)
		}
		return string(out)
	}
	packages := strings.Fields(run("list", "-deps", "./testdata/weigh"))
	for _, p := range packages {
		for _, h := range heavy {
			if strings.Contains(p, h) {
				t.Errorf("%s is linked by every program; put what needs it into a package that a program adds by a line", p)
			}
		}
	}
	if len(packages) > maxPackages {
		t.Errorf("a program links %d packages, more than %d", len(packages), maxPackages)
	}
	modules := strings.Fields(run("list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", "./..."))
	seen := make(map[string]bool)
	for _, m := range modules {
		seen[m] = true
	}
	if len(seen) > maxModules {
		t.Errorf("%d modules are needed to build everything, more than %d", len(seen), maxModules)
	}
	t.Logf("%d packages; %d modules for everything here", len(packages), len(seen))
	if testing.Short() {
		return
	}
	binary := filepath.Join(t.TempDir(), "weigh")
	run("build", "-ldflags=-s -w", "-o", binary, "./testdata/weigh")
	info, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	if t.Logf("%d bytes", info.Size()); info.Size() > maxProgram {
		t.Errorf("a program has %d bytes, more than %d", info.Size(), maxProgram)
	}
}
