package launch

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// listen opens an abstract socket: it has no file that could be left behind.
func listen(id string) (net.Listener, func(), error) {
	l, err := net.Listen("unix", "@darray-"+id)
	return l, func() {}, err
}

// checkPeer refuses other users' processes, which an abstract socket does not keep out by itself.
func checkPeer(conn net.Conn) error {
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		return err
	}
	var cred *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) { cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	switch {
	case err != nil:
		return err
	case credErr != nil:
		return fmt.Errorf("ask who connects: %w", credErr)
	case int(cred.Uid) != os.Getuid():
		return fmt.Errorf("uid %d may not join a job of uid %d", cred.Uid, os.Getuid())
	}
	return nil
}
