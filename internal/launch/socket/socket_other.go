//go:build !linux

package socket

import "net"

// ListenNew opens a socket under a name that nobody has yet, in a directory that only this user can enter; cleanup removes it.
func ListenNew(id string) (net.Listener, func(), error) { return listenDir("darray-" + id) }

func listen(name string) (net.Listener, func(), error) { return listenDir(name) }

func find(name string) (string, error) { return findDir(name) }

// CheckPeer has nothing to add to the directory's owner and mode.
func CheckPeer(net.Conn) error { return nil }
