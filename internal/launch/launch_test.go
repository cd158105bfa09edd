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
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/darray-go/darray/internal/launch"
	"github.com/darray-go/darray/internal/leak"
)

// roleEnv makes the test binary play a rank, or a launcher, instead of testing.
const roleEnv = "LAUNCH_TEST_ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleEnv); role != "" {
		os.Exit(play(role))
	}
	os.Exit(m.Run())
}

// config runs n ranks of this binary in a role.
func config(t *testing.T, n int, role string) (c launch.Config, stdout, stderr *bytes.Buffer) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	stdout, stderr = new(bytes.Buffer), new(bytes.Buffer)
	env := append(os.Environ(), roleEnv+"="+role, "GORACE=atexit_sleep_ms=0") // the race detector lingers for a second
	return launch.Config{Ranks: n, Argv: []string{exe}, Env: env, Stdout: stdout, Stderr: stderr}, stdout, stderr
}

func sortedLines(b *bytes.Buffer) []string {
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	slices.Sort(lines)
	return lines
}

func TestRanksKnowTheirPlace(t *testing.T) {
	leak.Check(t)
	c, stdout, _ := config(t, 3, "place")
	c.Env = append(c.Env, launch.EnvRank+"=77", "DARRAY_ADDR=other.job:1", "GOMAXPROCS=")
	if err := launch.Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"rank 0 local 0 of 3 addr \"\" token 64 threads true argv clean",
		"rank 1 local 1 of 3 addr \"\" token 64 threads true argv clean",
		"rank 2 local 2 of 3 addr \"\" token 64 threads true argv clean",
	}
	if got := sortedLines(stdout); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestUsersThreadsStand(t *testing.T) {
	leak.Check(t)
	c, stdout, _ := config(t, 1, "threads")
	c.Env = append(c.Env, "GOMAXPROCS=7")
	if err := launch.Run(t.Context(), c); err != nil || stdout.String() != "7\n" {
		t.Errorf("GOMAXPROCS = %q, %v; want 7", stdout, err)
	}
}

func TestEveryRankLearnsTheRoot(t *testing.T) {
	leak.Check(t)
	c, stdout, _ := config(t, 4, "root")
	if err := launch.Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(stdout.String(), "root 127.0.0.1:4242 127.0.0.1:4242\n"); got != 4 {
		t.Errorf("%d ranks know the address, twice each; want 4:\n%s", got, stdout)
	}
}

func TestStdinIsRankZeros(t *testing.T) {
	leak.Check(t)
	c, stdout, _ := config(t, 2, "cat")
	c.Stdin = strings.NewReader("to rank 0\n")
	if err := launch.Run(t.Context(), c); err != nil || stdout.String() != "to rank 0\n" {
		t.Errorf("stdout %q, %v", stdout, err)
	}
}

func TestKilledRankEndsTheJob(t *testing.T) {
	leak.Check(t)
	c, _, _ := config(t, 4, "killed") // rank 0 kills itself at the end of its input; the others say what they hear and defy SIGTERM
	stdin, end := io.Pipe()
	var start time.Time
	stdout := new(bytes.Buffer)
	ready := 0
	c.Stdin = stdin
	c.Stdout = writerFunc(func(b []byte) { // never called by two at once
		stdout.Write(b)
		if ready += bytes.Count(b, []byte("ready\n")); ready == 3 {
			ready = 0
			start = time.Now()
			_ = end.Close()
		}
	})
	err := launch.Run(t.Context(), c)
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	var exit *launch.ExitError
	if !errors.As(err, &exit) {
		t.Fatalf("got %v, want an ExitError", err)
	}
	if exit.Rank != 0 || exit.Code != 128+int(syscall.SIGKILL) || exit.State != "signal: killed" {
		t.Errorf("got %+v", exit)
	}
	if len(exit.Stderr) != 10 || exit.Stderr[9] != "line 12 is the last" {
		t.Errorf("last lines: %q", exit.Stderr)
	}
	if text := err.Error(); !strings.Contains(text, "rank 0") || !strings.Contains(text, "line 12 is the last") {
		t.Errorf("error: %s", text)
	}
	want := []string{"1 lost 0 signal: killed", "2 lost 0 signal: killed", "3 lost 0 signal: killed", "ready", "ready", "ready"}
	if got := sortedLines(stdout); !slices.Equal(got, want) {
		t.Errorf("heard %q, want %q", got, want)
	}
}

func TestFailedRankEndsTheJob(t *testing.T) {
	leak.Check(t)
	c, _, _ := config(t, 3, "fails")
	var exit *launch.ExitError
	if err := launch.Run(t.Context(), c); !errors.As(err, &exit) || exit.Rank != 1 || exit.Code != 3 {
		t.Fatalf("got %v, want rank 1 with status 3", err)
	}
}

func TestGoodEndsAreNoLosses(t *testing.T) {
	leak.Check(t)
	c, stdout, _ := config(t, 3, "early") // 1 leaves and ends; 2 ends without leaving; 0 waits for the second
	if err := launch.Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if got, want := stdout.String(), "lost 2 exit status 0 in the middle of the run\n"; got != want {
		t.Errorf("rank 0 heard %q, want %q", got, want)
	}
}

// A rank that fails after it left ends the job: the others hear why before they are asked to end.
func TestFailureAfterLeavingIsALoss(t *testing.T) {
	leak.Check(t)
	c, stdout, _ := config(t, 2, "late")
	var exit *launch.ExitError
	if err := launch.Run(t.Context(), c); !errors.As(err, &exit) || exit.Rank != 1 || exit.Code != 3 {
		t.Errorf("got %v, want rank 1 with status 3", err)
	}
	if got, want := stdout.String(), "lost 1 exit status 3\n"; got != want {
		t.Errorf("rank 0 heard %q, want %q", got, want)
	}
}

func TestRankThatNeverJoinsIsLost(t *testing.T) {
	leak.Check(t)
	c, stdout, _ := config(t, 2, "absent")
	if err := launch.Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if got, want := stdout.String(), "lost 1 exit status 0, never joined\n"; got != want {
		t.Errorf("rank 0 heard %q, want %q", got, want)
	}
}

func TestProgramMustJoin(t *testing.T) {
	leak.Check(t)
	for n, want := range map[int]string{1: "1 process ran", 3: "3 processes ran"} {
		c, _, _ := config(t, n, "nothing")
		err := launch.Run(t.Context(), c)
		if !errors.Is(err, launch.ErrNotJoined) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "darray.Main") {
			t.Errorf("%d ranks: %v", n, err)
		}
	}
}

func TestBadConfig(t *testing.T) {
	leak.Check(t)
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile(filepath.Join(dir, "here"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		ranks int
		argv  []string
		want  string
	}{
		{0, []string{"x"}, "0 ranks: at least 1"},
		{-3, []string{"x"}, "-3 ranks: at least 1"},
		{100000, []string{"x"}, "100000 ranks: at most 4096"},
		{1, nil, "no program"},
		{1, []string{"no-such-program"}, `cannot run "no-such-program"`},
		{1, []string{"here"}, "./here"},
		{1, []string{dir}, "cannot run"},
	} {
		err := launch.Run(t.Context(), launch.Config{Ranks: test.ranks, Argv: test.argv})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%d ranks of %v: %v; want %q", test.ranks, test.argv, err, test.want)
		}
	}
}

func TestSignalsReachTheRanks(t *testing.T) {
	for name, role := range map[string]string{"obeyed": "obeys", "defied": "defies"} {
		t.Run(name, func(t *testing.T) {
			leak.Check(t)
			c, _, _ := config(t, 3, role)
			signals := make(chan os.Signal, 2)
			c.Signals = signals
			ready := make(chan struct{}, c.Ranks)
			c.Stdout = writerFunc(func(b []byte) { // each rank says one byte when its handler stands
				for range b {
					ready <- struct{}{}
				}
			})
			go func() {
				for range c.Ranks {
					<-ready
				}
				signals <- syscall.SIGINT
				if role == "defies" {
					signals <- syscall.SIGINT // the second one kills
				}
			}()
			var got *launch.SignalError
			if err := launch.Run(t.Context(), c); !errors.As(err, &got) || got.Signal != syscall.SIGINT {
				t.Errorf("got %v, want SIGINT", err)
			}
		})
	}
}

func TestContextEndsTheJob(t *testing.T) {
	leak.Check(t)
	c, _, _ := config(t, 2, "defies")
	ctx, cancel := context.WithCancelCause(t.Context())
	c.Stdout = writerFunc(func([]byte) { cancel(errors.New("enough")) })
	if err := launch.Run(ctx, c); err == nil || err.Error() != "enough" {
		t.Errorf("got %v, want the cause", err)
	}
}

func TestOutputThatFailsEndsTheJob(t *testing.T) {
	leak.Check(t)
	c, _, _ := config(t, 2, "defies")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	defer w.Close()
	c.Stdout = struct{ io.Writer }{w} // not the file itself: copied
	if err := launch.Run(t.Context(), c); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("got %v, want a broken pipe", err)
	}
}

func TestPrefixedLinesAreWhole(t *testing.T) {
	leak.Check(t)
	c, stdout, stderr := config(t, 4, "torn") // each rank writes its lines a few bytes at a time, the last without an end
	c.Prefix = true
	if err := launch.Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]*bytes.Buffer{"stdout": stdout, "stderr": stderr} {
		next := make([]int, c.Ranks)
		for line := range strings.Lines(b.String()) {
			var r, r2, i int
			if _, err := fmt.Sscanf(line, "[%d] rank %d says line %d\n", &r, &r2, &i); err != nil || r != r2 || i != next[r] {
				t.Fatalf("%s: torn or out of order: %q", name, line)
			}
			next[r]++
		}
		if !slices.Equal(next, []int{100, 100, 100, 100}) {
			t.Errorf("%s: %v lines, want 100 each", name, next)
		}
	}
}

// A reader of a pipe whose other end all processes of a job hold sees its end when the last of them is gone.

func TestNothingOutlivesARank(t *testing.T) {
	leak.Check(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c, _, _ := config(t, 2, "parent") // each starts a child that defies signals, and ends
	c.Stdout = w
	if err := launch.Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	_ = r.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.ReadAll(r); err != nil {
		t.Errorf("a child of a rank is left: %v", err)
	}
}

func TestRanksDoNotOutliveTheLauncher(t *testing.T) {
	leak.Check(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), roleEnv+"=launcher")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, 3)); err != nil { // 3 ranks are there, and defy signals
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = out.(*os.File).SetReadDeadline(time.Now().Add(20 * time.Second))
	rest, err := io.ReadAll(out)
	if err != nil {
		t.Errorf("a rank is left: %v", err)
	}
	if len(rest) > 0 {
		t.Logf("ranks said: %s", rest)
	}
	_ = cmd.Wait()
}

type writerFunc func([]byte)

func (f writerFunc) Write(b []byte) (int, error) { f(b); return len(b), nil }

// play is a rank's program.
func play(role string) int {
	rank, _ := strconv.Atoi(os.Getenv(launch.EnvRank))
	switch role {
	case "nothing":
		return 0
	case "head":
		return head()
	case "agent":
		if err := launch.ServeHost(context.Background(), os.Stdin, os.Stdout); err != nil {
			return fail(err)
		}
		return 0
	case "defies":
		signal.Ignore(syscall.SIGINT, syscall.SIGTERM)
		fmt.Print("!")
		return forever()
	case "obeys":
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGINT)
		fmt.Print("!")
		<-signals
		return 0
	case "launcher":
		exe, _ := os.Executable()
		env := append(os.Environ(), roleEnv+"=defies")
		err := launch.Run(context.Background(), launch.Config{Ranks: 3, Argv: []string{exe}, Env: env, Stdout: os.Stdout})
		fmt.Println(err)
		return 1
	case "absent":
		if rank == 1 {
			return 0
		}
	case "parent":
		signal.Ignore(syscall.SIGINT, syscall.SIGTERM) // handed down
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), roleEnv+"=defies")
		child.Stdout = os.Stdout
		if err := child.Start(); err != nil {
			return fail(err)
		}
	}
	agent, err := launch.Connect(context.Background(), os.Getenv(launch.EnvAgent), rank, os.Getenv(launch.EnvToken))
	if err != nil {
		return fail(err)
	}
	if code := playJoined(role, rank, agent); code != 0 {
		return code
	}
	if err := agent.Close(); err != nil {
		return fail(err)
	}
	return 0
}

func playJoined(role string, rank int, agent *launch.Agent) int {
	switch role {
	case "place":
		argv := "clean"
		if cmdline, _ := os.ReadFile("/proc/self/cmdline"); bytes.Contains(cmdline, []byte(os.Getenv(launch.EnvToken))) {
			argv = "with the token"
		}
		threads, _ := strconv.Atoi(os.Getenv("GOMAXPROCS"))
		fmt.Printf("rank %d local %s of %s addr %q token %d threads %v argv %s\n", rank, os.Getenv(launch.EnvLocalRank),
			os.Getenv(launch.EnvSize), os.Getenv("DARRAY_ADDR"), len(os.Getenv(launch.EnvToken)), threads >= 1, argv)
	case "threads":
		fmt.Println(os.Getenv("GOMAXPROCS"))
	case "root":
		if rank == 0 {
			if err := agent.Publish("127.0.0.1:4242"); err != nil {
				return fail(err)
			}
		}
		addr, err := agent.RootAddr(context.Background())
		again, err2 := agent.RootAddr(context.Background())
		if err := errors.Join(err, err2); err != nil {
			return fail(err)
		}
		fmt.Println("root", addr, again)
	case "cat":
		if _, err := io.Copy(os.Stdout, os.Stdin); err != nil {
			return fail(err)
		}
	case "killed":
		signal.Ignore(syscall.SIGTERM)
		if rank == 0 {
			_, _ = io.ReadAll(os.Stdin)
			for i := range 13 {
				fmt.Fprintf(os.Stderr, "line %d is the last\n", i)
			}
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
		fmt.Println("ready")
		loss := <-agent.Lost()
		fmt.Println(rank, "lost", loss.Rank, loss.State)
		return forever()
	case "fails":
		if rank == 1 {
			return 3
		}
		return forever()
	case "late":
		if rank == 1 {
			_ = agent.Close()
			return 3
		}
		loss := <-agent.Lost()
		fmt.Println("lost", loss.Rank, loss.State)
	case "early", "absent":
		switch rank {
		case 0:
			loss := <-agent.Lost()
			fmt.Println("lost", loss.Rank, loss.State)
		case 2:
			os.Exit(0)
		}
	case "torn":
		for i := range 100 {
			for _, f := range []*os.File{os.Stdout, os.Stderr} {
				fmt.Fprintf(f, "rank %d ", rank)
				fmt.Fprintf(f, "says line ")
				fmt.Fprintf(f, "%d", i)
				if i < 99 {
					fmt.Fprintln(f)
				}
			}
		}
	}
	return 0
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 9
}

// forever waits for a signal that does not come.
func forever() int {
	never := make(chan os.Signal, 1)
	signal.Notify(never, syscall.SIGUSR1)
	<-never
	return 0
}
