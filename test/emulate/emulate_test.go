//go:build linux

package emulate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/darray-go/darray/internal/leak"
)

var (
	asked     = flag.Bool("emulate", false, "run the machine, which takes some minutes")
	packages  = flag.String("emulate.package", "", "the package whose tests to run instead, from the module's root")
	arguments = flag.String("emulate.args", "-test.v", "arguments of the tests of -emulate.package")
	kernelAt  = flag.String("emulate.kernel", "", "a Linux kernel (bzImage) to boot instead of Debian's")
	limit     = flag.Duration("emulate.limit", 9*time.Minute, "how long the machine may run")
)

const (
	isolinux = "/usr/lib/ISOLINUX/isolinux.bin"
	ldlinux  = "/usr/lib/syslinux/modules/bios/ldlinux.c32"
)

// testRun is a package and the arguments of its tests.
type testRun struct {
	pkg  string
	args []string
}

// TestAVX512 runs the tests of the kernels on a processor with AVX-512.
func TestAVX512(t *testing.T) {
	leak.Check(t)
	if !*asked && *packages == "" {
		t.Skip("SKIPPED: AVX-512 is NOT TESTED by the emulator, which takes some minutes: go test ./test/emulate -v -emulate")
	}
	needTools(t)
	runs := []testRun{
		{"./exec/cpu/kern", []string{"-test.short", "-kern.isa", "avx512"}},
		{"./exec/cpu/vmath", []string{"-test.short", "-vmath.isa", "avx512", "-vmath.inputs", "2048", "-test.run", "^Test(SameBits|Lanes|Places|Guarded|Special)$"}},
		{"./exec/cpu/blas", []string{"-test.short", "-test.run", "(Reference|Gonum)/avx512"}},
		{"./exec/cpu", []string{"-test.short", "-cpu.isa", "avx512", "-test.run", "^(TestCast|TestAxesThreads|FuzzISAs)$"}},
	}
	if faultyCasts(t) {
		runs[0].args = append(runs[0].args, "-kern.bochs27")
		runs[3].args = append(runs[3].args, "-cpu.bochs27")
	}
	if *packages != "" {
		runs = []testRun{{*packages, strings.Fields(*arguments)}}
	}
	end := time.Now().Add(*limit)
	if deadline, ok := t.Deadline(); ok && end.After(deadline.Add(-20*time.Second)) {
		end = deadline.Add(-20 * time.Second)
	}
	ctx, cancel := context.WithDeadlineCause(context.Background(), end, errors.New("the time is over"))
	defer cancel()

	dir := t.TempDir()
	kernel := *kernelAt
	if kernel == "" {
		kernel = fetchKernel(ctx, t, dir)
	}
	mark := fmt.Sprintf("outside-%d:", os.Getpid())
	initrd := pack(ctx, t, dir, mark, runs)
	serial, err := boot(ctx, t, dir, cd(ctx, t, dir, kernel, initrd))
	if err != nil {
		t.Fatalf("the machine did not come to its end: %v\n%s", err, tail([]byte(serial)))
	}
	if !strings.Contains(serial, mark+" avx512 true") {
		t.Fatalf("the emulated machine has no AVX-512:\n%s", tail([]byte(serial)))
	}
	for i, r := range runs {
		judge(t, serial, mark, i, r)
	}
}

// judge looks up how a run ended.
func judge(t *testing.T, serial, mark string, i int, r testRun) {
	t.Helper()
	_, text, began := strings.Cut(serial, fmt.Sprintf("%s begin %d", mark, i))
	text, verdict, ended := strings.Cut(text, fmt.Sprintf("%s end %d ", mark, i))
	verdict, _, _ = strings.Cut(verdict, "\n")
	text = strings.ReplaceAll(text, "\r", "")
	switch {
	case !began || !ended:
		t.Errorf("%s %v did not run to its end:\n%s", r.pkg, r.args, tail([]byte(serial)))
	case strings.TrimSpace(verdict) != "passed" || !strings.Contains(text, "\nPASS\n") || strings.Contains(text, "no tests to run"):
		t.Errorf("%s %v: %s\n%s", r.pkg, r.args, verdict, failures(text))
	default:
		t.Logf("%s %v: passed", r.pkg, r.args)
	}
	if testing.Verbose() && *packages != "" {
		t.Log(text)
	}
}

// failures are the lines of a test's output that matter, and its end.
func failures(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if !strings.Contains(line, "=== ") && !strings.Contains(line, "--- PASS") && out.Len() < 8000 {
			out.WriteString(line)
		}
	}
	return out.String() + "...\n" + string(tail([]byte(text)))
}

// needTools skips where the emulator and what makes its disk are not here.
func needTools(t *testing.T) {
	t.Helper()
	var missing []string
	for _, program := range []string{"bochs", "xorriso"} {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, program)
		}
	}
	for _, file := range []string{isolinux, ldlinux, "/usr/share/bochs/BIOS-bochs-latest", "/usr/share/bochs/VGABIOS-lgpl-latest"} {
		if _, err := os.Stat(file); err != nil {
			missing = append(missing, file)
		}
	}
	if found, _ := filepath.Glob("/usr/lib/*/bochs/plugins/libbx_term_gui.so"); len(found) == 0 {
		missing = append(missing, "libbx_term_gui.so")
	}
	if len(missing) > 0 {
		t.Skipf("SKIPPED: AVX-512 is NOT TESTED here, %s is missing: apt-get install bochs bochs-term bochsbios vgabios xorriso isolinux syslinux-common",
			strings.Join(missing, ", "))
	}
	help, _ := exec.Command("bochs", "--help", "cpu").CombinedOutput()
	if !bytes.Contains(help, []byte("corei7_skylake_x")) {
		t.Skip("SKIPPED: AVX-512 is NOT TESTED here, this Bochs was built without it")
	}
}

// faultyCasts reports whether the emulator is Bochs 2.7, which casts some values wrong (doc.go).
func faultyCasts(t *testing.T) bool {
	help, _ := exec.Command("bochs", "--help").CombinedOutput() // ends with 1
	faulty := bytes.Contains(help, []byte("Emulator 2.7"))
	if faulty {
		t.Log("NOT TESTED: some values of three casts, which Bochs 2.7 computes wrong")
	}
	return faulty
}

// pack builds the tests and makes the archive that the machine starts from.
func pack(ctx context.Context, t *testing.T, dir, mark string, runs []testRun) []byte {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	build := func(out, pkg string, verb ...string) []byte {
		cmd := exec.CommandContext(ctx, "go", append(verb, "-ldflags=-s -w", "-o", out, pkg)...)
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOFLAGS=")
		return built(t, cmd, out)
	}
	var j struct {
		Mark string
		Runs [][]string
	}
	j.Mark = mark
	files := map[string][]byte{"init": build(filepath.Join(dir, "init"), "./test/emulate/init", "build")}
	for i, r := range runs {
		watch(t, filepath.Join(root, r.pkg))
		name := fmt.Sprintf("test%d", i)
		files[name] = build(filepath.Join(dir, name), r.pkg, "test", "-c")
		j.Runs = append(j.Runs, append([]string{"/" + name}, r.args...))
	}
	raw, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	files["job.json"] = raw
	var out bytes.Buffer
	if err := archive(&out, files); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// built runs a build and reads what it made.
func built(t *testing.T, cmd *exec.Cmd, out string) []byte {
	t.Helper()
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, text)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// watch looks at the files of a package, so that go test does not take this test's last verdict for a changed one.
func watch(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err == nil {
			_, err = os.Stat(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// fetchKernel gets Debian's kernel for virtual machines, which boots soonest, without installing it.
func fetchKernel(ctx context.Context, t *testing.T, dir string) string {
	t.Helper()
	const meta = "linux-image-cloud-amd64"
	var said []byte
	apt := func(program string, args ...string) string {
		cmd := exec.CommandContext(ctx, program, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		said = append(said, out...)
		if err != nil {
			return ""
		}
		return string(out)
	}
	lists := filepath.Join(dir, "lists")
	if err := os.MkdirAll(filepath.Join(lists, "partial"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, options := range [][]string{nil, {"-o", "Dir::State::Lists=" + lists}} { // what apt knows; then, what it learns anew
		if options != nil {
			apt("apt-get", append(options, "-qq", "update")...)
		}
		for line := range strings.Lines(apt("apt-cache", append(options, "depends", meta)...)) {
			_, name, ok := strings.Cut(strings.TrimSpace(line), "Depends: ")
			if !ok || !strings.HasPrefix(name, "linux-image-") {
				continue
			}
			apt("apt-get", append(options, "-qq", "download", name)...)
			debs, _ := filepath.Glob(filepath.Join(dir, "linux-image-*.deb"))
			for _, deb := range debs {
				apt("dpkg-deb", "-x", deb, filepath.Join(dir, "kernel"))
			}
			if found, _ := filepath.Glob(filepath.Join(dir, "kernel/boot/vmlinuz-*")); len(found) > 0 {
				return found[0]
			}
		}
	}
	t.Skipf("SKIPPED: AVX-512 is NOT TESTED here, apt-get gives no %s; name a kernel by -emulate.kernel\n%s", meta, tail(said))
	return ""
}
