//go:build unix

package launch_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/darray-go/darray/internal/launch"
	"github.com/darray-go/darray/internal/launch/detect"
	"github.com/darray-go/darray/internal/leak"
)

// detached is a program that takes a host and a command as ssh does. The command runs apart from it, so that only the
// end of its input can end it, as on another host.
const detached = `#!/bin/sh
echo "host $1 greets"
cat | setsid sh -c "$2" | cat
`

// hostsConfig runs the ranks of this binary in a role on the given hosts.
func hostsConfig(t *testing.T, list, role string) (c launch.Config, h launch.Hosts, stdout, stderr *bytes.Buffer) {
	t.Helper()
	if _, err := exec.LookPath("setsid"); err != nil {
		t.Skip("SKIPPED: setsid is missing; apt-get install util-linux")
	}
	dir := t.TempDir()
	ssh := filepath.Join(dir, "ssh")
	if err := os.WriteFile(ssh, []byte(detached), 0o700); err != nil {
		t.Fatal(err)
	}
	hosts, err := detect.ParseHosts(list)
	if err != nil {
		t.Fatal(err)
	}
	c, stdout, stderr = config(t, 1, role)
	t.Setenv(roleEnv, "agent")
	t.Setenv("GORACE", "atexit_sleep_ms=0")
	return c, launch.Hosts{
		List: hosts, SSH: []string{ssh}, Remote: c.Argv[0], Dir: dir, Env: []string{roleEnv + "=" + role, "GORACE=atexit_sleep_ms=0"},
	}, stdout, stderr
}

func TestHostsKnowTheirPlace(t *testing.T) {
	leak.Check(t)
	c, h, stdout, stderr := hostsConfig(t, "a:2,b:1", "place")
	if err := launch.RunHosts(t.Context(), c, h); err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	want := []string{
		"rank 0 local 0 of 3 addr \"\" token 64 threads true argv clean",
		"rank 1 local 1 of 3 addr \"\" token 64 threads true argv clean",
		"rank 2 local 0 of 3 addr \"\" token 64 threads true argv clean",
	}
	if got := sortedLines(stdout); !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	if strings.Count(stderr.String(), "greets\n") != 2 {
		t.Errorf("the hosts' greetings are lost: %q", stderr)
	}
}

func TestRootIsKnownOnEveryHost(t *testing.T) {
	leak.Check(t)
	c, h, stdout, stderr := hostsConfig(t, "a:2,b:2", "root")
	err := launch.RunHosts(t.Context(), c, h)
	if got := strings.Count(stdout.String(), "root 127.0.0.1:4242 127.0.0.1:4242\n"); err != nil || got != 4 {
		t.Errorf("%d ranks know the address; want 4: %v\n%s%s", got, err, stdout, stderr)
	}
}

func TestInputReachesRankZero(t *testing.T) {
	leak.Check(t)
	c, h, stdout, _ := hostsConfig(t, "a,b", "cat")
	input := strings.Repeat("a line of the input\n", 20_000) // more than all buffers between hold
	c.Stdin = strings.NewReader(input)
	if err := launch.RunHosts(t.Context(), c, h); err != nil || stdout.String() != input {
		t.Errorf("%d bytes of %d arrive, %v", stdout.Len(), len(input), err)
	}
}

// TestInputThatNobodyReads neither blocks the job nor what the hosts have to say.
func TestInputThatNobodyReads(t *testing.T) {
	leak.Check(t)
	c, h, stdout, _ := hostsConfig(t, "a:2,b:2", "root")
	c.Stdin = strings.NewReader(strings.Repeat("x", 1<<20))
	if err := launch.RunHosts(t.Context(), c, h); err != nil || strings.Count(stdout.String(), "root") != 4 {
		t.Errorf("%v\n%s", err, stdout)
	}
}

func TestKilledRankEndsTheJobOnEveryHost(t *testing.T) {
	leak.Check(t)
	c, h, _, stderr := hostsConfig(t, "a:2,b:2", "killed")
	stdin, end := io.Pipe()
	stdout := new(bytes.Buffer)
	ready := 0
	c.Stdin = stdin
	c.Stdout = writerFunc(func(b []byte) {
		stdout.Write(b)
		if ready += bytes.Count(b, []byte("ready\n")); ready == 3 {
			ready = 0
			_ = end.Close()
		}
	})
	start := time.Now()
	err := launch.RunHosts(t.Context(), c, h)
	var exit *launch.ExitError
	if !errors.As(err, &exit) || exit.Rank != 0 || exit.Host != "a" || exit.Code != 128+int(syscall.SIGKILL) || len(exit.Stderr) != 10 {
		t.Fatalf("got %+v\n%s", err, stderr)
	}
	want := []string{"1 lost 0 signal: killed", "2 lost 0 signal: killed", "3 lost 0 signal: killed", "ready", "ready", "ready"}
	if got := sortedLines(stdout); !slices.Equal(got, want) {
		t.Errorf("heard %q, want %q", got, want)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestSignalsReachEveryHost(t *testing.T) {
	for _, role := range []string{"obeys", "defies"} {
		t.Run(role, func(t *testing.T) {
			leak.Check(t)
			c, h, _, _ := hostsConfig(t, "a:2,b:1", role)
			signals := make(chan os.Signal, 2)
			c.Signals = signals
			ready := make(chan struct{}, 3)
			c.Stdout = writerFunc(func(b []byte) {
				for range b {
					ready <- struct{}{}
				}
			})
			go func() {
				for range 3 {
					<-ready
				}
				signals <- syscall.SIGINT
				if role == "defies" {
					signals <- syscall.SIGINT
				}
			}()
			var got *launch.SignalError
			if err := launch.RunHosts(t.Context(), c, h); !errors.As(err, &got) || got.Signal != syscall.SIGINT {
				t.Errorf("got %v, want SIGINT", err)
			}
		})
	}
}

// TestNothingOutlivesTheHead: a launcher that is killed leaves no rank on any host.
func TestNothingOutlivesTheHead(t *testing.T) {
	leak.Check(t)
	_, h, _, _ := hostsConfig(t, "a:2,b:1", "defies")
	cmd := exec.Command(h.Remote)
	cmd.Env = append(os.Environ(), roleEnv+"=head", "LAUNCH_TEST_SSH="+h.SSH[0])
	out, ours, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout = ours
	// The ranks of the other hosts inherit this one by no pipe of the launcher's: they end when it does.
	held, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	cmd.ExtraFiles = []*os.File{theirs}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = ours.Close(), theirs.Close()
	if _, err := io.ReadFull(out, make([]byte, 3)); err != nil { // each rank says one byte
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	_ = held.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.ReadAll(held); err != nil {
		t.Errorf("a process is left: %v", err)
	}
}

// head is a launcher to be killed.
func head() int {
	h := launch.Hosts{
		List: []detect.Host{{Name: "a", Ranks: 2}, {Name: "b", Ranks: 1}}, SSH: []string{os.Getenv("LAUNCH_TEST_SSH")}, Remote: os.Args[0],
		Dir: "/", Env: []string{roleEnv + "=defies"},
	}
	if err := os.Setenv(roleEnv, "agent"); err != nil {
		return fail(err)
	}
	fmt.Println(launch.RunHosts(context.Background(), launch.Config{Argv: []string{os.Args[0]}, Stdout: os.Stdout}, h))
	return 1
}

func TestHostsThatFail(t *testing.T) {
	leak.Check(t)
	for name, c := range map[string]struct{ ssh, want string }{
		"no agent":      {"#!/bin/sh\necho reason >&2\nexit 127\n", "exit status 127"},
		"last words":    {"#!/bin/sh\necho reason >&2\nexit 255\n", "\n  reason"},
		"silent":        {"#!/bin/sh\n", "its connection ended"},
		"talkative":     {"#!/bin/sh\nyes\n", "100 lines"},
		"endless line":  {"#!/bin/sh\nexec tr '\\0' x </dev/zero\n", "a line of more than"},
		"other version": {"#!/bin/sh\necho '{\"kind\":\"hello\",\"text\":\"darray agent 99\"}'\nsleep 60\n", "same version"},
		"nonsense": {
			"#!/bin/sh\necho '{\"kind\":\"hello\",\"text\":\"darray agent 1\"}'\necho '{\"kind\":\"\"}'\nsleep 60\n",
			"malformed",
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, h, _, _ := hostsConfig(t, "a:2,b:1", "root")
			if err := os.WriteFile(h.SSH[0], []byte(c.ssh), 0o700); err != nil {
				t.Fatal(err)
			}
			err := launch.RunHosts(t.Context(), cfg, h)
			var host *launch.HostError
			if !errors.As(err, &host) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v does not say %q", err, c.want)
			}
		})
	}
	t.Run("no directory", func(t *testing.T) {
		cfg, h, _, _ := hostsConfig(t, "a,b", "root")
		h.Dir = "/no/such/directory"
		if err := launch.RunHosts(t.Context(), cfg, h); err == nil || !strings.Contains(err.Error(), "must be on every host") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("context", func(t *testing.T) {
		cfg, h, _, _ := hostsConfig(t, "a,b", "defies")
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("enough")
		cfg.Stdout = writerFunc(func([]byte) { cancel(why) })
		if err := launch.RunHosts(ctx, cfg, h); !errors.Is(err, why) {
			t.Errorf("error %v", err)
		}
	})
}
