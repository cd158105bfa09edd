//go:build unix && !linux

package launch

import "syscall"

// groupAttr: a rank leads a group. If the launcher dies, the rank learns it by its agent connection.
func groupAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
