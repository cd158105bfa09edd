package cuda

import (
	"fmt"
	"strings"

	"github.com/ebitengine/purego"
)

// openDriver loads libcuda.so.1, which comes with the driver of the kernel, not with a toolkit.
func openDriver() (resolver, error) {
	sym, _, err := openLibrary([]string{"libcuda.so.1"})
	if err != nil {
		return nil, fmt.Errorf("%w: no driver: %w; install NVIDIA's, or run the container with its container toolkit", ErrUnavailable, err)
	}
	return sym, nil
}

// openLibrary loads the first of some libraries that there is, and says which it was.
func openLibrary(files []string) (resolver, string, error) {
	var tried []string
	for _, file := range files {
		lib, err := purego.Dlopen(file, purego.RTLD_NOW|purego.RTLD_LOCAL)
		if err == nil {
			return func(name string) (uintptr, error) { return purego.Dlsym(lib, name) }, file, nil
		}
		tried = append(tried, err.Error())
	}
	return nil, "", fmt.Errorf("%s", strings.Join(tried, "; "))
}
