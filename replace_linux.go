package darray

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// replaceDir puts a directory in the place of another, in one step (renameat2(2), RENAME_EXCHANGE), and removes that.
func replaceDir(from, to string, old bool) error {
	if !old {
		return os.Rename(from, to)
	}
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_EXCHANGE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) { // a file system that cannot
		return replaceInSteps(from, to)
	}
	if err != nil {
		return &os.LinkError{Op: "exchange", Old: from, New: to, Err: err}
	}
	return os.RemoveAll(from)
}
