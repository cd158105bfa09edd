package format

import (
	"context"
	"os"
	"runtime"
)

// mapping is a read-only mapping of a whole file, or memory that stands for one. It is unmapped when it is closed and nobody has kept
// a view, or else when nothing refers to it any more: neither an Input nor what was made over its views.
type mapping struct {
	data    []byte
	cleanup runtime.Cleanup // of what the system has mapped
	mapped  bool
}

// newMapping maps a file; the descriptor may be closed afterwards.
func newMapping(f *os.File, size int) (*mapping, error) {
	data, err := mapFile(f, size)
	if err != nil {
		return nil, err
	}
	m := &mapping{data: data, mapped: true}
	m.cleanup = runtime.AddCleanup(m, unmapFile, data)
	return m, nil
}

// Unmap gives the memory back now, when nobody sees it any more.
func (m *mapping) Unmap() {
	if m.mapped {
		m.cleanup.Stop()
		unmapFile(m.data)
		m.data, m.mapped = nil, false
	}
}

func (m *mapping) View(_ context.Context, at, n int) ([]byte, error) {
	return m.data[at : at+n : at+n], nil
}

func (m *mapping) Fill(_ context.Context, dst []byte, at int) error {
	copy(dst, m.data[at:])
	return nil
}

func (m *mapping) Close() error { return nil }
