//go:build unix

package talk

import (
	"os/exec"
	"syscall"
)

// ownGroup keeps the terminal's signals from a contender: the suite ends it, and knows why.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
