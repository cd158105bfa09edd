package darray

import (
	"math"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// machineMemory is the bytes that this machine, or the container that this process is in, has; 0: not known.
func machineMemory() int {
	limit := uint64(math.MaxInt)
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		limit = uint64(info.Totalram) * uint64(info.Unit)
	}
	if text, err := os.ReadFile("/sys/fs/cgroup/memory.max"); err == nil {
		if n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64); err == nil { // "max": no limit
			limit = min(limit, n)
		}
	}
	if limit >= math.MaxInt {
		return 0
	}
	return int(limit)
}
