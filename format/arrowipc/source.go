package arrowipc

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/darray-go/darray/array"
)

// source is the bytes of an open file: a mapping, or reads into fresh memory.
type source interface {
	// view gives a range of bytes, not to be written; of a mapping they live as long as the source is reachable.
	view(e extent) ([]byte, error)
	// read fills dst with the bytes at a position.
	read(dst []byte, at int) error
	// close ends the source; views given out before stay.
	close() error
}

// errClosed is a read of a file after Close.
var errClosed = errors.New("the file is closed; open it again")

// mapping is a read-only mapping of a whole file. It is unmapped when nothing refers to it any more: neither the file nor
// a block made over it.
type mapping struct{ data []byte }

// newMapping maps a file; the descriptor may be closed afterwards.
func newMapping(f *os.File, size int) (*mapping, error) {
	data, err := mapFile(f, size)
	if err != nil {
		return nil, err
	}
	m := &mapping{data}
	runtime.AddCleanup(m, unmapFile, data)
	return m, nil
}

func (m *mapping) view(e extent) ([]byte, error) {
	if !within(e, len(m.data)) {
		return nil, fmt.Errorf("bytes %d to %d of a file of %d", e.at, e.end(), len(m.data))
	}
	return m.data[e.at:e.end():e.end()], nil
}

func (m *mapping) read(dst []byte, at int) error {
	b, err := m.view(extent{at, len(dst)})
	copy(dst, b)
	return err
}

func (m *mapping) close() error { return nil }

// copying reads a file into memory of the garbage collector.
type copying struct {
	file *os.File
	size int
}

func (c *copying) view(e extent) ([]byte, error) {
	if !within(e, c.size) { // before the allocation
		return nil, fmt.Errorf("bytes %d to %d of a file of %d", e.at, e.end(), c.size)
	}
	b := array.AllocBytes(e.n)
	return b, c.read(b, e.at)
}

func (c *copying) read(dst []byte, at int) error {
	n, err := c.file.ReadAt(dst, int64(at))
	if n == len(dst) {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return errCut
	}
	return err
}

func (c *copying) close() error { return c.file.Close() }

// errChanged is a file that was written to while it was open.
var errChanged = errors.New("the file was changed while it was open; open it again")

// errCut is a file that became shorter while it was open.
var errCut = errors.New("the file became shorter while it was open; write new versions to another name and rename them")

func within(e extent, size int) bool { return e.at >= 0 && e.n >= 0 && e.at <= size-e.n }
