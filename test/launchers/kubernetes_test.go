//go:build linux

package launchers_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/darray-go/darray/internal/leak"
)

// pod starts rank k of 3 as an Indexed Job does: its own network and name, and rank 0 by a name of the Service.
func pod(t *testing.T, env []string, k int, token string) (stdout, stderr *bufio.Reader, wait func() error) {
	t.Helper()
	cmd := exec.Command(script(t, "hosts/on"), fmt.Sprint(k+1), self(t))
	cmd.Env = append(append(clean(), env...),
		roleEnv+"=gather", "GORACE=atexit_sleep_ms=0", "DARRAY_INIT_TIMEOUT=40s", "DARRAY_TOKEN_FILE="+token,
		fmt.Sprintf("JOB_COMPLETION_INDEX=%d", k), fmt.Sprintf("HOSTNAME=sum-%d", k), "DARRAY_SIZE=3", "DARRAY_SERVICE=ranks")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	errs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(limit, func() { _ = cmd.Process.Kill() })
	return bufio.NewReader(out), bufio.NewReader(errs), func() error {
		defer kill.Stop()
		return cmd.Wait()
	}
}

// TestKubernetes: pods start in any order, and the name of one that has not started does not resolve.
func TestKubernetes(t *testing.T) {
	leak.Check(t)
	env := hosts(t, 3)
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("a token of enough bytes"), 0o600); err != nil {
		t.Fatal(err)
	}
	waits := make([]func() error, 3)
	says := make([]*bufio.Reader, 3)
	for k := 1; k <= 2; k++ {
		_, says[k], waits[k] = pod(t, env, k, token)
	}
	for k := 1; k <= 2; k++ {
		line, err := says[k].ReadString('\n')
		want := fmt.Sprintf("darray: rank %d of 3 has not reached rank 0 at sum-0.ranks:23817 in 5s; still trying\n", k)
		if err != nil || line != want {
			t.Errorf("rank %d says %q, %v; want %q", k, line, err, want)
		}
	}
	for k := 1; k <= 3; k++ { // the name comes up, on every host
		path := fmt.Sprintf("/etc/netns/darray%s-h%d/hosts", hostsID(), k)
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = fmt.Fprintf(f, "10.%s.0.1 sum-0.ranks\n", hostsID())
		if err != nil || f.Close() != nil {
			t.Fatal(err)
		}
	}
	out, errs, wait := pod(t, env, 0, token)
	printed, _ := io.ReadAll(out)
	said, _ := io.ReadAll(errs)
	wantJob(t, 3, "Kubernetes", string(printed), string(said), wait())
	for k := 1; k <= 2; k++ {
		rest, _ := io.ReadAll(says[k])
		if err := waits[k](); err != nil || strings.Contains(string(rest), "rank") {
			t.Errorf("rank %d: %v, says %s", k, err, rest)
		}
	}
}
