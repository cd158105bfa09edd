//go:build !linux && !windows

package fake

import (
	"sync"

	"github.com/ebitengine/purego"
)

// self is the address of pthread_self, 0 where it is not found.
var self = sync.OnceValue(func() uintptr {
	addr, err := purego.Dlsym(purego.RTLD_DEFAULT, "pthread_self")
	if err != nil {
		return 0
	}
	return addr
})

// thread names the thread of the system that runs the call; one name for all where the system does not tell: there a context that is
// current on another thread passes for one that is current on this.
func thread() int {
	if self() == 0 {
		return 0
	}
	id, _, _ := purego.SyscallN(self())
	return int(id)
}
