package launch

import "syscall"

// groupAttr: a rank leads a group, and the kernel kills it if the launcher dies without a chance to.
func groupAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
