//go:build unix

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/darray-go/darray/internal/leak"
)

// command is the darray command, in the environment of the tests.
func command(args ...string) *exec.Cmd {
	cmd := exec.Command("darray", args...)
	cmd.Env = append(os.Environ(), environment...)
	return cmd
}

// TestSameDigits: neither the number of ranks nor what is between them shows in a result.
func TestSameDigits(t *testing.T) {
	leak.Check(t)
	sums := make(map[string]int)
	for n := 1; n <= 9; n++ {
		for _, link := range []string{"mem", "quic"} {
			if link == "quic" && n > 4 && testing.Short() {
				continue
			}
			out, err := command("eval", "-q", "-n", strconv.Itoa(n), "--link", link, "sum(distance + delay); sum(time)",
				"../../examples/data/flights-200k.arrow").CombinedOutput()
			if err != nil {
				t.Fatalf("-n %d --link %s: %v\n%s", n, link, err, out)
			}
			if !strings.HasPrefix(string(out), "sum(distance + delay) = 147347284\n") {
				t.Errorf("-n %d --link %s: %s", n, link, out)
			}
			sums[string(out)]++
		}
	}
	if len(sums) != 1 {
		t.Errorf("results differ: %v", sums)
	}
}

// endless is an expression that does not end while a test is waiting.
const endless = "sum(sqrt(arange(1e13)))"

// started starts a command that prints its plan before it runs, and returns once it runs. Nothing of the command is left
// when gone returns: all its processes hold its stdout.
func started(t *testing.T, args ...string) (cmd *exec.Cmd, stderr *bytes.Buffer, gone func()) {
	t.Helper()
	cmd = command(args...)
	stdout, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = out
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = out.Close()
	lines := bufio.NewReader(pipe)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("ended before it ran: %s", line)
		}
		if strings.Contains(line, "peak memory") {
			break
		}
	}
	stderr = new(bytes.Buffer)
	return cmd, stderr, func() {
		t.Helper()
		_, _ = io.Copy(stderr, lines)
		_ = stdout.SetReadDeadline(time.Now().Add(30 * time.Second))
		if _, err := io.ReadAll(stdout); err != nil {
			t.Errorf("a process is left: %v", err)
		}
		_ = stdout.Close()
	}
}

// exitCode waits for a command.
func exitCode(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	var exit *exec.ExitError
	if err := cmd.Wait(); errors.As(err, &exit) {
		return exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	return 0
}

func TestInterrupt(t *testing.T) {
	for _, link := range []string{"mem", "quic"} {
		t.Run(link, func(t *testing.T) {
			leak.Check(t)
			dir := t.TempDir()
			t.Setenv("TMPDIR", dir)
			cmd, stderr, gone := started(t, "eval", "--explain", "-n", "3", "--link", link, "--out", filepath.Join(dir, "out.arrow"),
				"arange(4); "+endless)
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			gone()
			if code := exitCode(t, cmd); code != exitInterrupted {
				t.Errorf("status %d, want %d", code, exitInterrupted)
			}
			if got := stderr.String(); got != "darray: interrupted\n" {
				t.Errorf("stderr: %s", got)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
				t.Errorf("files left: %v, %v", left, err)
			}
		})
	}
}

// TestInterruptWhilePrinting: nothing is printed after an interrupt, and the status says so.
func TestInterruptWhilePrinting(t *testing.T) {
	leak.Check(t)
	cmd := command("eval", "-q", "-n", "2", "--format", "csv", "arange(10000000)")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, 16)); err != nil { // it prints now, and waits for us to read
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, out)
	if code := exitCode(t, cmd); code != exitInterrupted {
		t.Errorf("status %d, want %d", code, exitInterrupted)
	}
}

func TestRankDiesInTheMiddle(t *testing.T) {
	leak.Check(t)
	cmd, stderr, gone := started(t, "eval", "--explain", "-n", "3", "--link", "quic", endless)
	victim := children(t, cmd.Process.Pid)[1]
	if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	gone()
	if code := exitCode(t, cmd); code != 128+int(syscall.SIGKILL) {
		t.Errorf("status %d", code)
	}
	got := stderr.String()
	if !strings.Contains(got, fmt.Sprintf("(pid %d) ended the job: signal: killed", victim)) || strings.Contains(got, "goroutine") {
		t.Errorf("stderr: %s", got)
	}
}

func TestLauncherKilled(t *testing.T) {
	leak.Check(t)
	cmd, _, gone := started(t, "eval", "--explain", "-n", "3", "--link", "quic", endless)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	gone()
	_ = cmd.Wait()
}

// children lists the processes that a process started: those whose parent it is.
func children(t *testing.T, pid int) []int {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(files) == 0 {
		t.Skip("no /proc to tell which processes are the ranks")
	}
	var pids []int
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // a process that has ended
		}
		// pid (name, with anything in it) state parent ...
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		if parent, err := strconv.Atoi(fields[1]); err != nil {
			t.Fatal(err)
		} else if parent == pid {
			child, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, child)
		}
	}
	if len(pids) < 3 {
		t.Fatalf("%d children", len(pids))
	}
	return pids
}

// TestReaderThatLeaves: `darray ... | head` is no error.
func TestReaderThatLeaves(t *testing.T) {
	for _, link := range []string{"mem", "quic"} {
		t.Run(link, func(t *testing.T) {
			leak.Check(t)
			cmd := command("eval", "-q", "-n", "2", "--link", link, "--format", "csv", "arange(3000000)")
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if line, err := bufio.NewReader(out).ReadString('\n'); line != "arange(3000000)\n" {
				t.Errorf("%q, %v", line, err)
			}
			_ = out.Close()
			if code := exitCode(t, cmd); code != 0 || stderr.Len() > 0 {
				t.Errorf("status %d, stderr: %s", code, &stderr)
			}
		})
	}
}
