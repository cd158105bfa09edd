//go:build linux

package chaos_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// network is two pretended hosts of test/hosts.
type network struct {
	id   string
	env  []string // by which the scripts find it
	lock io.Closer
}

// need skips where something is missing that no test here can do without.
func need(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("SKIPPED: slow")
	}
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: network namespaces need root")
	}
	for _, x := range [][2]string{{"ip", "iproute2"}, {"iptables", "iptables"}, {"go", "golang"}, {"unshare", "util-linux"}} {
		if _, err := exec.LookPath(x[0]); err != nil {
			t.Skipf("SKIPPED: %s is missing; apt-get install %s", x[0], x[1])
		}
	}
}

// hosts starts two pretended hosts, with a number that no other test of this machine has at the time.
func hosts(t *testing.T, mode ...string) *network {
	t.Helper()
	n := &network{}
	for id := 201; n.lock == nil; id++ {
		if id > 250 {
			t.Fatal("50 networks of pretended hosts are in use")
		}
		lock, err := net.Listen("unix", fmt.Sprintf("@test-hosts-%d", id)) // goes with this process
		if err != nil {
			continue
		}
		n.id, n.lock = fmt.Sprint(id), lock
	}
	n.env = []string{"DARRAY_HOSTS_ID=" + n.id, "DARRAY_HOSTS_DIR=" + t.TempDir()}
	t.Cleanup(func() {
		if err := n.script("hosts-down"); err != nil {
			t.Error(err)
		}
		_ = n.lock.Close()
	})
	if err := n.script("hosts-up", append([]string{"2"}, mode...)...); err != nil {
		t.Skipf("SKIPPED: no pretended hosts can be made: %v", err)
	}
	return n
}

// path is that of one of test/hosts' scripts.
func path(name string) string {
	abs, _ := filepath.Abs(filepath.Join("..", "hosts", name)) // fails where there is no working directory
	return abs
}

// script runs one of test/hosts' scripts.
func (n *network) script(name string, args ...string) error {
	cmd := exec.Command(path(name), args...)
	cmd.Env = append(clean(), n.env...)
	file, err := os.CreateTemp("", "output") // not a pipe, which what the script starts would hold open
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	cmd.Stdout, cmd.Stderr = file, file
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(file.Name())
		return fmt.Errorf("%s %v: %w\n%s", name, args, err, text)
	}
	return nil
}

// sockets are the abstract ones of darray on the two hosts.
func (n *network) sockets() (found []string, err error) {
	for h := 1; h <= 2; h++ {
		text, err := exec.Command("ip", "netns", "exec", fmt.Sprintf("darray%s-h%d", n.id, h), "cat", "/proc/net/unix").Output()
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(text)) {
			if strings.Contains(line, "@darray") {
				found = append(found, fmt.Sprintf("socket on host %d: %s", h, strings.TrimSpace(line)))
			}
		}
	}
	return found, nil
}

// clean is the environment without what an outer launcher or darray has put there.
func clean() []string {
	return slices.DeleteFunc(os.Environ(), func(kv string) bool {
		for _, prefix := range []string{"DARRAY_", "SLURM_", "OMPI_", "PMI", "MPI_", "RANK=", "WORLD_SIZE=", "MASTER_", "TMPDIR=", "CHAOS_"} {
			if strings.HasPrefix(kv, prefix) {
				return true
			}
		}
		return false
	})
}

// processes are those, with their names, that have kv in the environment that they were started with.
func processes(kv string) (found []string) {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		env, err := os.ReadFile(dir + "/environ")
		if err != nil || !slices.ContainsFunc(bytes.Split(env, []byte{0}), func(b []byte) bool { return string(b) == kv }) {
			continue // ended, or not of the run
		}
		args, _ := os.ReadFile(dir + "/cmdline")
		found = append(found, fmt.Sprintf("process %s: %s", filepath.Base(dir), strings.ReplaceAll(string(args), "\x00", " ")))
	}
	return found
}
