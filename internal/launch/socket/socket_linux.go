package socket

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// ListenNew opens a socket under a name that nobody has yet. The abstract ones of Linux end with their process.
func ListenNew(id string) (net.Listener, func(), error) { return listen("darray-" + id) }

func listen(name string) (net.Listener, func(), error) {
	l, err := net.Listen("unix", "@"+name)
	if errors.Is(err, unix.EADDRINUSE) {
		err = ErrTaken
	}
	return l, func() {}, err
}

func find(name string) (string, error) { return "@" + name, nil }

// CheckPeer refuses other users' processes, at either end, which an abstract socket does not keep out by itself.
func CheckPeer(conn net.Conn) error {
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
