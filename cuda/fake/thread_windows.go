package fake

import "syscall"

var currentThread = syscall.NewLazyDLL("kernel32.dll").NewProc("GetCurrentThreadId")

// thread names the thread of the system that runs the call.
func thread() int {
	id, _, _ := currentThread.Call()
	return int(id)
}
