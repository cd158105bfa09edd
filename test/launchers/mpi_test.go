//go:build linux

package launchers_test

import (
	"strings"
	"testing"

	"github.com/darray-go/darray/internal/leak"
)

// openMPI is the command line of mpirun as root and with more ranks than cores.
func openMPI(t *testing.T, args ...string) []string {
	t.Helper()
	return append([]string{"timeout", "-k", "5", "50", need(t, "mpirun.openmpi", "openmpi-bin"), "--oversubscribe"}, args...)
}

var asRoot = []string{"OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"}

func TestOpenMPI(t *testing.T) {
	leak.Check(t)
	out, errs, err := run(t, asRoot, openMPI(t, "-n", "4", self(t))...)
	wantJob(t, 4, "Open MPI", out, errs, err)
}

// TestOpenMPIByFile: the way of several hosts without a private channel.
func TestOpenMPIByFile(t *testing.T) {
	leak.Check(t)
	path := t.TempDir() + "/root"
	out, errs, err := run(t, asRoot, openMPI(t, "-x", "DARRAY_RENDEZVOUS=file:"+path, "-n", "3", self(t))...)
	wantJob(t, 3, "Open MPI", out, errs, err)
}

// TestTwoJobsAtOnce: two runs beside each other do not meet.
func TestTwoJobsAtOnce(t *testing.T) {
	leak.Check(t)
	argv := openMPI(t, "-n", "2", self(t))
	type result struct {
		out, errs string
		err       error
	}
	second := make(chan result, 1)
	go func() {
		out, errs, err := run(t, asRoot, argv...)
		second <- result{out, errs, err}
	}()
	out, errs, err := run(t, asRoot, argv...)
	wantJob(t, 2, "Open MPI", out, errs, err)
	r := <-second
	wantJob(t, 2, "Open MPI", r.out, r.errs, r.err)
}

func TestMPICH(t *testing.T) {
	leak.Check(t)
	out, errs, err := run(t, nil, "timeout", "-k", "5", "50", need(t, "mpirun.mpich", "mpich"), "-n", "4", self(t))
	wantJob(t, 4, "PMI", out, errs, err)
}

// TestRankDiesUnderMPI: the survivors are told by darray, whatever the launcher does.
func TestRankDiesUnderMPI(t *testing.T) {
	leak.Check(t)
	_, _, err := run(t, append([]string{roleEnv + "=dies"}, asRoot...), openMPI(t, "-n", "3", self(t))...)
	if err == nil {
		t.Error("mpirun exits with 0")
	}
}

// TestHalfSet: a process that knows half of its place does not run alone.
func TestHalfSet(t *testing.T) {
	leak.Check(t)
	for _, env := range []string{"PMI_RANK=0", "OMPI_COMM_WORLD_SIZE=4", "DARRAY_RANK=1", "RANK=0", "PMIX_RANK=2"} {
		out, errs, err := run(t, []string{env}, self(t))
		name, _, _ := strings.Cut(env, "=")
		if err == nil || out != "" || !strings.Contains(errs, name) {
			t.Errorf("%s alone: error %v, printed %q, stderr %q", env, err, out, errs)
		}
	}
}
