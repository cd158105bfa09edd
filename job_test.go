package darray_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/internal/launch"
	"github.com/darray-go/darray/net/comm"
)

func TestRankThatFails(t *testing.T) {
	start := time.Now()
	_, err := job(t, "fails", 3)
	var exit *launch.ExitError
	if !errors.As(err, &exit) || !strings.Contains(err.Error(), "rank one is out of luck") {
		t.Fatalf("error %v", err)
	}
	if took := time.Since(start); took > 20*time.Second { // generous: a hang is what it must not be
		t.Errorf("took %v", took)
	}
}

func TestRankThatExits(t *testing.T) {
	_, err := job(t, "exits", 3)
	var exit *launch.ExitError
	if !errors.As(err, &exit) || exit.Rank != 1 || exit.Code != 7 || !strings.Contains(err.Error(), "last words") {
		t.Fatalf("error %v", err)
	}
}

// TestRankThatIsKilled: under a launcher of this host all know of it in less than half a second, and who it was.
func TestRankThatIsKilled(t *testing.T) {
	out, err := job(t, "dies", 3)
	var exit *launch.ExitError
	if !errors.As(err, &exit) || exit.Rank != 1 {
		t.Errorf("error %v", err)
	}
	for _, rank := range []int{0, 2} {
		var took int
		at := strings.Index(out, fmt.Sprintf("rank %d after ", rank))
		if at < 0 {
			t.Errorf("rank %d did not hear of it:\n%s", rank, out)
			continue
		}
		line, _, _ := strings.Cut(out[at:], "\n")
		if _, err := fmt.Sscanf(line, fmt.Sprintf("rank %d after %%d ms", rank), &took); err != nil || took >= 500 {
			t.Errorf("%s (%v)", line, err)
		}
		if !strings.Contains(line, "recv: rank 1 ") {
			t.Errorf("it does not name rank 1: %s", line)
		}
		t.Log(line)
	}
}

func TestProgramThatNeverJoins(t *testing.T) {
	if _, err := job(t, "alone", 2); !errors.Is(err, launch.ErrNotJoined) {
		t.Fatalf("error %v", err)
	}
}

// TestRankThatNeverJoins: the others do not wait for it until the time to join is over.
func TestRankThatNeverJoins(t *testing.T) {
	_, err := job(t, "absent", 3, "DARRAY_INIT_TIMEOUT=10m")
	if err == nil || !strings.Contains(err.Error(), "rank 1: exit status 0, never joined") {
		t.Fatalf("error %v", err)
	}
}

// TestInterruptedJob: rank 0 ends the job, the others follow it. None is lost, which would be waited for.
func TestInterruptedJob(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	signals := make(chan os.Signal, 1)
	var stdout bytes.Buffer
	err = launch.Run(t.Context(), launch.Config{
		Ranks: 3, Argv: []string{self}, Env: append(os.Environ(), programEnv+"=interrupted"), Signals: signals,
		Stderr: os.Stderr,
		Stdout: writer(func(b []byte) (int, error) { // never called by two at once
			if bytes.Contains(b, []byte("ready\n")) {
				signals <- os.Interrupt
			}
			return stdout.Write(b)
		}),
	})
	if sig := (*launch.SignalError)(nil); !errors.As(err, &sig) {
		t.Errorf("error %v", err)
	}
	for _, want := range []string{"rank 0 ends with ", "rank 1 ends with <nil>\n", "rank 2 ends with <nil>\n"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("%q is not in\n%s", want, &stdout)
		}
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

// TestInterruptWhileJoining: Ctrl-C does not wait for ranks that do not come.
func TestInterruptWhileJoining(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no signal that a process can send to itself")
	}
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	caught := make(chan os.Signal, 1) // so that a signal that comes early does not end the test
	signal.Notify(caught, os.Interrupt)
	defer signal.Stop(caught)
	result := make(chan error, 1)
	go func() {
		cfg := darray.Config{Rank: 0, Size: 2, Addr: freeUDP(t), Token: []byte("a token of enough bytes"), JoinTimeout: time.Minute}
		result <- cfg.SPMD(func(context.Context, *comm.Comm) error { return nil })
	}()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		select {
		case err := <-result:
			if err == nil || strings.Contains(err.Error(), "missing") {
				t.Errorf("error %v", err)
			}
			return
		case <-again.C:
			if err := self.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestPanicIsToldInOneLine: the stack is printed once, by the rank that it is of.
func TestPanicIsToldInOneLine(t *testing.T) {
	out, err := job(t, "panics", 2)
	if err == nil || !strings.HasPrefix(out, "rank 0 hears ") || !strings.HasSuffix(out, "panic: a bug of the user's\n") || strings.Count(out, "\n") != 1 {
		t.Errorf("error %v, printed %q", err, out)
	}
}

func TestJoinRefuses(t *testing.T) {
	token := []byte("a token of enough bytes")
	busy, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	for name, c := range map[string]struct {
		cfg  darray.Config
		want string
	}{
		"no address":   {darray.Config{Rank: 1, Size: 2, Token: token}, "DARRAY_ADDR"},
		"no token":     {darray.Config{Rank: 0, Size: 2, Addr: "127.0.0.1:0"}, "token"},
		"port in use":  {darray.Config{Rank: 0, Size: 2, Addr: busy.LocalAddr().String(), Token: token}, busy.LocalAddr().String()},
		"no agent":     {darray.Config{Rank: 0, Size: 2, Token: token, Agent: filepath.Join(t.TempDir(), "gone")}, "agent"},
		"bad address":  {darray.Config{Rank: 0, Size: 2, Addr: "nonsense", Token: token}, "nonsense"},
		"nobody joins": {darray.Config{Rank: 0, Size: 3, Addr: "127.0.0.1:0", Token: token, JoinTimeout: 100 * time.Millisecond}, "missing"},
	} {
		err := c.cfg.SPMD(func(context.Context, *comm.Comm) error { return nil })
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v does not say %q", name, err, c.want)
		}
	}
}

func TestWrongToken(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	addr := freeUDP(t)
	root := make(chan error, 1)
	go func() {
		cfg := darray.Config{Rank: 0, Size: 2, Addr: addr, Token: []byte("the token of this job"), JoinTimeout: 3 * time.Second}
		root <- cfg.SPMD(func(context.Context, *comm.Comm) error { return ctx.Err() })
	}()
	cfg := darray.Config{Rank: 1, Size: 2, Addr: addr, Token: []byte("the token of another job"), JoinTimeout: 3 * time.Second}
	err := cfg.SPMD(func(context.Context, *comm.Comm) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "token") {
		t.Errorf("the stranger's error does not speak of the token: %v", err)
	}
	if err := <-root; err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("rank 0: %v", err)
	}
}

// freeUDP is a loopback address that was free a moment ago.
func freeUDP(t *testing.T) string {
	t.Helper()
	s, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return s.LocalAddr().String()
}
