//go:build linux

package launchers_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/darray-go/darray/internal/leak"
)

// built is the darray command.
func built(t *testing.T) string {
	t.Helper()
	need(t, "go", "golang")
	path := filepath.Join(t.TempDir(), "darray")
	command(t, nil, "go", "build", "-o", path, "github.com/darray-go/darray/cmd/darray")
	return path
}

// write makes an executable script.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestHosts starts ranks on hosts with networks and names of their own.
func TestHosts(t *testing.T) {
	leak.Check(t)
	env := hosts(t, 2)
	darray := built(t)
	env = append(env, "DARRAY_SSH="+write(t, "#!/bin/sh\nexec "+script(t, "hosts/on")+` "${1#darray-h}" sh -c "$2"`+"\n"))
	argv := []string{darray, "run", "--hosts", "darray-h1:2,darray-h2:2", "--env", roleEnv}
	out, errs, err := run(t, env, append(argv, self(t))...)
	wantJob(t, 4, "darray", out, errs, err)
	for _, rank := range []string{" 0/0@darray-h1", " 1/1@darray-h1", " 2/0@darray-h2", " 3/1@darray-h2"} {
		if !strings.Contains(out, rank) {
			t.Errorf("%q is not in %q", rank, out)
		}
	}
	t.Run("rank dies", func(t *testing.T) {
		start := time.Now()
		_, errs, err := run(t, append(env, roleEnv+"=dies"), append(argv, self(t))...)
		if code := err.(*exec.ExitError).ExitCode(); code != 137 || !strings.Contains(errs, "rank 1 on darray-h1") {
			t.Errorf("status %d, stderr %s", code, errs)
		}
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("took %v", took)
		}
	})
	t.Run("cut", func(t *testing.T) {
		command(t, env, script(t, "hosts/cut"), "1", "2")
		defer command(t, env, script(t, "hosts/heal"), "1", "2")
		_, errs, err := run(t, append(env, "DARRAY_INIT_TIMEOUT=2s"), append(argv, self(t))...)
		if err == nil || !strings.Contains(errs, "2 of 4 ranks joined in 2s; missing: rank 2 (launcher darray; expected on darray-h2)") {
			t.Errorf("error %v, stderr %s", err, errs)
		}
	})
}

// TestSSH uses a real sshd on the loopback interface.
func TestSSH(t *testing.T) {
	leak.Check(t)
	needRoot(t) // as another user sshd lets only that one in, and asks for more of the machine
	sshd, keygen := need(t, "sshd", "openssh-server"), need(t, "ssh-keygen", "openssh-client")
	need(t, "ssh", "openssh-client")
	dir := t.TempDir()
	for _, key := range []string{"host", "user"} {
		command(t, nil, keygen, "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, key))
	}
	if os.Mkdir("/run/sshd", 0o755) == nil { // sshd does not start without it
		t.Cleanup(func() { _ = os.Remove("/run/sshd") })
	}
	port := freePorts(t)
	config := filepath.Join(dir, "config")
	text := fmt.Sprintf("Port %s\nListenAddress 127.0.0.1\nHostKey %s/host\nAuthorizedKeysFile %s/user.pub\nStrictModes no\n"+
		"PermitRootLogin yes\nPidFile none\nUsePAM no\n", port, dir, dir)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	server := exec.Command(sshd, "-D", "-e", "-f", config)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	waitForTCP(t, "127.0.0.1:"+port)
	darray := built(t)
	ssh := fmt.Sprintf("ssh -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -i %s/user -p %s", dir, port)
	argv := []string{darray, "run", "--hosts", "127.0.0.1:2,localhost:2", "--ssh", ssh, "--env", roleEnv}
	out, errs, err := run(t, nil, append(argv, self(t))...)
	wantJob(t, 4, "darray", out, errs, err)
	t.Run("wrong key", func(t *testing.T) {
		argv := []string{darray, "run", "--hosts", "127.0.0.1", "--ssh", strings.Replace(ssh, "/user ", "/host ", 1), self(t)}
		_, errs, err := run(t, nil, argv...)
		if err == nil || !strings.Contains(errs, "Permission denied") || !strings.Contains(errs, "without a password") {
			t.Errorf("error %v, stderr %s", err, errs)
		}
	})
}

// waitForTCP returns when somebody listens.
func waitForTCP(t *testing.T, addr string) {
	t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	limit := time.After(20 * time.Second)
	for {
		if conn, err := net.Dial("tcp", addr); err == nil {
			_ = conn.Close()
			return
		}
		select {
		case <-again.C:
		case <-limit:
			t.Fatalf("nobody listens on %s", addr)
		}
	}
}
