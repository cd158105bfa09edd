package compute_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/darray-go/darray/bench/compute"
	"github.com/darray-go/darray/bench/report"
	"github.com/darray-go/darray/internal/leak"
)

// TestSimulated: the simulator's times are marked wherever they are, all modes are there, and nobody else is.
func TestSimulated(t *testing.T) {
	leak.Check(t)
	o := small("gpu", "cupy=good", "add", "sum", "launch", "compile", "matmul")
	o.Device, o.Matrix, o.DTypes = "sim", 9, []string{"float64"}
	r, err := compute.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "gpu.json")
	if err := r.WriteJSON(path); err != nil {
		t.Fatal(err)
	}
	if r, err = compute.Read(path); err != nil {
		t.Fatal(err)
	}
	if !r.Simulated || len(r.LeftOut) > 0 || len(r.Contenders) != 2 {
		t.Errorf("simulated %v, left out %q, contenders %+v", r.Simulated, r.LeftOut, r.Contenders)
	}
	modes := map[string][]string{}
	for _, row := range rows(r, "darray") {
		if row.Unavailable != "" {
			t.Errorf("%s %s: %s", row.Case, row.Mode, row.Unavailable)
		}
		modes[row.Case] = append(modes[row.Case], row.Mode)
		want := row.Mode != compute.Host && (row.Case == "add" || row.Case == "sum")
		if limit := row.Ratio("limit"); want != (limit.Median > 0) {
			t.Errorf("%s %s: of the limit %+v", row.Case, row.Mode, limit)
		}
	}
	all := []string{compute.Resident, compute.Kernel, compute.Host}
	for name, want := range map[string][]string{"add": all, "sum": all, "launch": all, "matmul": all, "compile": all[:1]} {
		if !slices.Equal(modes[name], want) {
			t.Errorf("%s is measured in %q, want %q", name, modes[name], want)
		}
	}
	sized := slices.IndexFunc(r.Rows, func(row *report.Row) bool { return row.Case == "matmul" && row.N == 9 })
	if sized < 0 {
		t.Error("no product of order 9")
	}
	var text strings.Builder
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text.String(), "SIMULATED: these are the times of a simulator") {
		t.Errorf("not marked:\n%s", text.String())
	}
}

// TestGPURefuses: what makes no sense, and what a machine without a GPU gives.
func TestGPURefuses(t *testing.T) {
	leak.Check(t)
	t.Setenv("CUDA_VISIBLE_DEVICES", "")
	for want, change := range map[string]func(o *compute.Options){
		"suite gpu measures cuda or sim": func(o *compute.Options) { o.Device = "cpu" },
		"matrices of order -1":           func(o *compute.Options) { o.Matrix = -1 },
		`no rival "numpy"; there are cu`: func(o *compute.Options) { o.Rivals = []string{"numpy"} },
		`no mode "fresh"`:                func(o *compute.Options) { o.Modes = []string{compute.Fresh} },
		"--device sim tries the suite":   func(*compute.Options) {},
	} {
		o := small("gpu", "", "add")
		change(&o)
		if _, err := compute.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestGPURivals: each rival's program says what it lacks, which here is a library or a GPU.
func TestGPURivals(t *testing.T) {
	leak.Check(t)
	if testing.Short() {
		t.Skip("importing PyTorch takes seconds")
	}
	python := ""
	for _, p := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(p, "-c", "import numpy").Run() == nil {
			python = p
			break
		}
	}
	if python == "" {
		t.Skip("NOT TESTED: there is no python3 with NumPy")
	}
	suite, err := compute.FindSuite("gpu")
	if err != nil {
		t.Fatal(err)
	}
	lacks := regexp.MustCompile(`No module named '(cupy|torch|jax|numba)|sees no GPU|no CUDA-capable device|libcuda`)
	for _, name := range suite.Rivals() {
		cmd := exec.Command(python, "../rivals/gpu.py", name, "1")
		cmd.Env = append(os.Environ(), "CUDA_VISIBLE_DEVICES=", "PYTHONDONTWRITEBYTECODE=1")
		var said bytes.Buffer
		cmd.Stderr = &said
		if err := cmd.Run(); err == nil || !lacks.Match(said.Bytes()) {
			t.Errorf("%s: %v\n%s", name, err, said.Bytes())
		}
	}
}
