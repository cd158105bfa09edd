//go:build unix

package launch

import (
	"os"
	"os/exec"
	"syscall"
)

// signalGroup signals a rank and all that it started, as far as they stayed in its process group.
func signalGroup(p *os.Process, s os.Signal) {
	if n, ok := s.(syscall.Signal); ok {
		_ = syscall.Kill(-p.Pid, n) // ESRCH: all of them have ended
	}
}

var terminate os.Signal = syscall.SIGTERM

// exitCode is what a shell would give: 128 + n for signal n.
func exitCode(s *os.ProcessState) int {
	if w, ok := s.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return 128 + int(w.Signal())
	}
	return s.ExitCode()
}

// own puts a rank into a process group of its own.
func own(cmd *exec.Cmd) { cmd.SysProcAttr = groupAttr() }
