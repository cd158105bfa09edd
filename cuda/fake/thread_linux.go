package fake

import "syscall"

// thread names the thread of the system that runs the call.
func thread() int { return syscall.Gettid() }
