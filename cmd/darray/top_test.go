//go:build unix

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/darray-go/darray/internal/leak"
)

// TestTop: another process and a signal show where the ranks of a job are, which goes on.
func TestTop(t *testing.T) {
	leak.Check(t)
	cmd := command("run", "-n", "3", "ranks", "hangs")
	cmd.Env = append(cmd.Env, "DARRAY_WAIT_WARN=200ms")
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stderr := bufio.NewReader(pipe)
	next := func() string {
		t.Helper()
		line, err := stderr.ReadString('\n')
		if err != nil {
			t.Fatalf("ended after %q", line)
		}
		return line
	}
	warning := regexp.MustCompile(`^darray: 2 of 3 ranks wait in Barrier #1 \(main_test\.go:\d+\) for \d s; rank 1 is in Recv from 2 tag 5 \(main_test\.go:\d+\) for \d s\n$`)
	for line := next(); !warning.MatchString(line); line = next() {
		t.Logf("before all of them wait: %s", line)
	}
	want := regexp.MustCompile(`(?s)^RANK .*\n0 .*Barrier #1, waits for \d.*\n1 .*Recv from 2 tag 5 .* main_test\.go:\d+\n2 .*Barrier #1.*\n$`)

	table, err := command("top", fmt.Sprint(cmd.Process.Pid)).CombinedOutput()
	if err != nil || !want.Match(table) {
		t.Errorf("darray top: %v\n%s", err, table)
	}
	if out, err := command("top", "1").CombinedOutput(); err == nil || !strings.Contains(string(out), fmt.Sprintf("darray top %d   # 3 ranks of ranks hangs", cmd.Process.Pid)) {
		t.Errorf("darray top of no job: %v\n%s", err, out)
	}

	if err := cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	var shown strings.Builder
	for line := next(); ; line = next() {
		if !strings.HasPrefix(line, "darray: ") { // a warning comes again
			shown.WriteString(line)
		}
		if strings.HasPrefix(line, "2 ") {
			break
		}
	}
	if !want.MatchString(shown.String()) {
		t.Errorf("SIGQUIT shows\n%s", shown.String())
	}

	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, stderr)
	if code := exitCode(t, cmd); code != exitInterrupted {
		t.Errorf("status %d, want %d", code, exitInterrupted)
	}
}
