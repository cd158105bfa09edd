//go:build !unix

package launch

import (
	"os"
	"os/exec"
)

// Without process groups only the rank itself can be ended, and only at once.
func signalGroup(p *os.Process, _ os.Signal) { _ = p.Kill() }

var terminate = os.Kill

func exitCode(s *os.ProcessState) int { return s.ExitCode() }

func own(*exec.Cmd) {}
