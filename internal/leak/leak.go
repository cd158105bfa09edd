// Package leak fails a test that leaves goroutines or open files behind.
package leak

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// attempts is how often the goroutines are looked at before the verdict: goleak waits about 0.4 s each time, and a
// busy machine under the race detector needs longer than that to end a goroutine that was told to end.
const attempts = 10

// Check fails t at its end if goroutines or file descriptors are left that were not there at the call. Call it in the
// first line of a test, so that it looks after every other cleanup; not in tests that run in parallel with others. A test that has
// failed is not looked at: it may have stopped half way, and to wait for thousands of its goroutines takes minutes.
func Check(t testing.TB) {
	t.Helper()
	running := goleak.IgnoreCurrent()
	before := openFiles()
	t.Cleanup(func() {
		t.Helper()
		if t.Failed() {
			return
		}
		var err error
		for range attempts {
			if err = goleak.Find(running); err == nil {
				break
			}
		}
		if err != nil {
			t.Errorf("goroutines left behind; end and wait for them before the test returns: %v", err)
		}
		// Goroutines first: the ones that were still ending may have been the ones to close.
		if left := opened(before, openFiles()); len(left) > 0 {
			t.Errorf("files left open; close them before the test returns: %s", strings.Join(left, ", "))
		}
	})
}

// openFiles returns what each open descriptor of the process refers to, or nothing where /proc is not there to tell.
func openFiles() map[string]string {
	const dir = "/proc/self/fd"
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	files := make(map[string]string, len(entries))
	for _, e := range entries {
		target, err := os.Readlink(filepath.Join(dir, e.Name()))
		if err != nil || isRuntime(target) {
			continue // closed in between, as the descriptor of the listing itself
		}
		files[e.Name()] = target
	}
	return files
}

// isRuntime reports whether the Go runtime opens such a descriptor for its poller, once and for good.
func isRuntime(target string) bool {
	return target == "anon_inode:[eventpoll]" || target == "anon_inode:[eventfd]"
}

// opened lists the descriptors in after that before does not hold or holds for something else.
func opened(before, after map[string]string) []string {
	var left []string
	for fd, target := range after {
		if before[fd] != target {
			left = append(left, fmt.Sprintf("fd %s %s", fd, target))
		}
	}
	slices.Sort(left)
	return left
}
