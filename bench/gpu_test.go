package bench_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/darray-go/darray/internal/leak"
)

// TestGPUScript packs what a machine with a GPU needs and goes through it on the simulated one.
func TestGPUScript(t *testing.T) {
	leak.Check(t)
	if testing.Short() {
		t.Skip("it builds the command and the tests of cuda")
	}
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("NOT TESTED: there is no bash")
	}
	run := func(want bool, argv ...string) string {
		t.Helper()
		out, err := exec.Command("bash", argv...).CombinedOutput()
		if (err == nil) != want {
			t.Fatalf("%q: %v\n%s", argv, err, out)
		}
		return string(out)
	}
	dir := filepath.Join(t.TempDir(), "pack")
	run(true, "gpu.sh", "--pack", dir)
	script := filepath.Join(dir, "gpu.sh")
	out := run(true, script, "--device", "sim", "--quick", "--only", "kernels,bits,memcheck,devices,bench", "--", "--cases", "add,sum", "--dtypes", "float64")
	for _, want := range []string{
		"device sim, SIMULATED\n", "kernels    ok ", "bits       ok ", "5 scripts with the same bytes, 2 results of the example",
		"memcheck   skipped ", "devices    ok ", "bench      ok ", "logs: " + filepath.Join(dir, "logs") + "\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	report, err := os.ReadFile(filepath.Join(dir, "logs", "bench.txt"))
	if err != nil || !strings.Contains(string(report), "SIMULATED: ") {
		t.Errorf("the report is not marked: %v\n%s", err, report)
	}
	if out := run(false, script, "--only", "tea"); !strings.Contains(out, "no step tea; there are kernels tests") {
		t.Errorf("an unknown step: %s", out)
	}
	if out := run(true, script, "-h"); !strings.Contains(out, "--pack DIR") || strings.Contains(out, "shellcheck") {
		t.Errorf("help: %s", out)
	}
	if out := run(false, "gpu.sh"); !strings.Contains(out, "make the folder by bench/gpu.sh --pack DIR") {
		t.Errorf("where nothing is packed: %s", out)
	}
	t.Setenv("CUDA_VISIBLE_DEVICES", "") // which hides the machine's
	if out := run(false, script, "--device", "sim", "--only"); !strings.Contains(out, "--only takes a word behind it") {
		t.Errorf("without a step: %s", out)
	}
	if out := run(false, script, "--only", "devices"); !strings.Contains(out, "devices    FAILED ") || !strings.Contains(out, "cuda: not available") {
		t.Errorf("without a GPU: %s", out)
	}
}
