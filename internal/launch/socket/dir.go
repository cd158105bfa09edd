package socket

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// socketFile is the socket's name in its directory.
const socketFile = "s"

// listenDir opens a socket in a directory of that name below the temporary one, which only this user can enter. What a
// dead process left there is removed; cleanup removes it all.
func listenDir(name string) (net.Listener, func(), error) {
	dir := filepath.Join(os.TempDir(), name)
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, nil, err
	}
	if err := checkDir(dir); err != nil {
		return nil, nil, err
	}
	path := filepath.Join(dir, socketFile)
	if conn, err := net.Dial("unix", path); err == nil {
		_ = conn.Close()
		return nil, nil, ErrTaken
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, nil, err
	}
	return l, func() { _ = os.Remove(path); _ = os.Remove(dir) }, nil
}

// findDir gives the address of a socket that listenDir opened.
func findDir(name string) (string, error) {
	dir := filepath.Join(os.TempDir(), name)
	if err := checkDir(dir); err != nil {
		return "", err
	}
	return filepath.Join(dir, socketFile), nil
}

// checkDir refuses a directory that another user made or can enter.
func checkDir(dir string) error {
	info, err := os.Lstat(dir)
	switch {
	case err != nil:
		return err
	case !info.IsDir() || info.Mode().Perm()&0o077 != 0 || !IsOurs(info):
		return fmt.Errorf("%s is not a directory of this user alone (mode 0700); remove it", dir)
	}
	return nil
}
