package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/darray-go/darray/internal/leak"
)

// terminal opens a pseudo-terminal: what is written to the second is read from the first.
func terminal(t *testing.T) (ours, theirs *os.File) {
	t.Helper()
	ours, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("this machine has no pseudo-terminals: %v", err)
	}
	fd := int(ours.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if theirs, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	return ours, theirs
}

// TestProgress: a terminal sees how far a long run is, and nothing of it once the run is over.
func TestProgress(t *testing.T) {
	for _, link := range []string{"mem", "quic"} {
		t.Run(link, func(t *testing.T) {
			leak.Check(t)
			ours, theirs := terminal(t)
			defer ours.Close()
			cmd := command("eval", "-n", "2", "--link", link, "sum(sqrt(arange(3e11)))")
			cmd.Stderr = theirs
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			_ = theirs.Close()
			stop := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() }) // a net
			defer stop.Stop()
			var seen strings.Builder
			buf := make([]byte, 4096)
			for moved := false; ; {
				n, err := ours.Read(buf)
				seen.Write(buf[:n])
				if err != nil { // the last writer is gone
					break
				}
				if !moved && strings.Contains(seen.String(), "/300000000000)") {
					moved = true
					if err := cmd.Process.Signal(os.Interrupt); err != nil {
						t.Fatal(err)
					}
				}
			}
			_, _ = io.Copy(io.Discard, ours)
			if code := exitCode(t, cmd); code != exitInterrupted {
				t.Errorf("status %d", code)
			}
			last := seen.String()[strings.LastIndex(seen.String(), "/300000000000)")+1:]
			if !strings.HasSuffix(last, "\r darray: interrupted\r\n") && !strings.HasSuffix(last, "\rdarray: interrupted\r\n") {
				t.Errorf("what is left: %q", last)
			}
		})
	}
}
