//go:build linux

package launchers_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/net/comm"
)

// roleEnv makes the test binary be the program that the launchers start.
const roleEnv = "DARRAY_TEST_ROLE"

func TestMain(m *testing.M) {
	role := os.Getenv(roleEnv)
	if role == "" {
		os.Exit(m.Run())
	}
	if err := darray.SPMD(roles[role]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

var roles = map[string]func(context.Context, *comm.Comm) error{"gather": gather, "dies": dies}

// gather has every rank say where it is, and rank 0 print it in one line.
func gather(ctx context.Context, c *comm.Comm) error {
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	cfg, err := darray.ConfigFromEnv()
	if err != nil {
		return err
	}
	all, err := comm.Gather(ctx, c, 0, []byte(fmt.Sprintf(" %d/%d@%s", c.Rank(), cfg.LocalRank, host)))
	if err != nil || c.Rank() > 0 {
		return err
	}
	fmt.Printf("%d ranks by %s:%s\n", c.Size(), cfg.Launcher, all)
	return nil
}

// dies loses rank 1 in the middle of a barrier.
func dies(ctx context.Context, c *comm.Comm) error {
	if c.Rank() == 1 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	return comm.Barrier(ctx, c)
}

// need skips where a program is missing.
func need(t *testing.T, program, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + program)
	}
	if err != nil {
		t.Skipf("SKIPPED: %s is missing; apt-get install %s", program, pkg)
	}
	return path
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: needs root")
	}
}

// limit is for one command of a launcher: long enough for a busy machine, short enough that a hang is seen.
const limit = 60 * time.Second

// run runs a command with the gather program's role and variables beside the test's, and ends it with all that it
// started in its process group where it takes too long.
func run(t *testing.T, env []string, argv ...string) (stdout, stderr string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = slices.Concat(clean(), []string{roleEnv + "=gather", "DARRAY_INIT_TIMEOUT=40s", "GORACE=atexit_sleep_ms=0"}, env)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	if ctx.Err() != nil {
		t.Errorf("%v did not end in %v", argv, limit)
	}
	return out.String(), errs.String(), err
}

// clean is the environment without what an outer launcher or darray has put there.
func clean() []string {
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool {
		for _, prefix := range []string{"DARRAY_", "SLURM_", "OMPI_", "PMI", "MPI_", "RANK=", "WORLD_SIZE=", "MASTER_"} {
			if strings.HasPrefix(kv, prefix) {
				return true
			}
		}
		return false
	})
	return append(env, "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin") // where need finds ip and sshd too
}

// wantJob checks that one job of n ranks ran, and nothing else.
func wantJob(t *testing.T, n int, launcher, stdout, stderr string, err error) {
	t.Helper()
	want := fmt.Sprintf("%d ranks by %s:", n, launcher)
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	if err != nil || len(lines) != 1 || !strings.HasPrefix(lines[0], want) {
		t.Fatalf("want one line %q...; error %v\nstdout:\n%s\nstderr:\n%s", want, err, stdout, stderr)
	}
	for r := range n {
		if !strings.Contains(lines[0], fmt.Sprintf(" %d/", r)) {
			t.Errorf("rank %d is not in %q", r, lines[0])
		}
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "darray-0-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func self(t *testing.T) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return exe
}

// script gives the path of one of test's scripts.
func script(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}
