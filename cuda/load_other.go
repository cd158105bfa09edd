//go:build !linux

package cuda

import (
	"fmt"
	"runtime"
	"strings"
)

// openDriver says that only Linux has what this package loads.
func openDriver() (resolver, error) {
	return nil, fmt.Errorf("%w: devices of NVIDIA are used on Linux only, this is %s", ErrUnavailable, runtime.GOOS)
}

func openLibrary(files []string) (resolver, string, error) {
	return nil, "", fmt.Errorf("%s: loaded on Linux only, this is %s", strings.Join(files, ", "), runtime.GOOS)
}
