//go:build unix

package socket

import (
	"os"
	"syscall"
)

// IsOurs reports whether a file is owned by this user.
func IsOurs(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Getuid()
}
