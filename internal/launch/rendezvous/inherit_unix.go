//go:build unix

package rendezvous

import (
	"errors"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// inherited takes over a socket that this process was started with. Any other descriptor is left alone: it may be one
// that this process has opened itself since.
func inherited(fd int) (net.Conn, error) {
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return nil, err
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return nil, errors.New("not a socket")
	}
	f := os.NewFile(uintptr(fd), "PMI_FD")
	defer f.Close() // the connection has its own, which no process started later inherits
	return net.FileConn(f)
}
