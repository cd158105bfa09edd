//go:build unix

package files

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/darray-go/darray/bench/talk"
)

// mapped adds up a file that it maps anew each time: what reading a mapping costs at least, page faults included.
type mapped struct{ file *talk.File }

func (m *mapped) Prepare(q talk.Question) error {
	if q.File == nil || q.File.Write || q.File.Bytes < 1 {
		return fmt.Errorf("%w: there is nothing to map", talk.ErrUnavailable)
	}
	m.file = q.File
	return nil
}

func (m *mapped) Play(string) (call func() error, check func() ([]float64, error), err error) {
	if m.file == nil {
		return nil, nil, fmt.Errorf("%w: nothing is prepared", talk.ErrUnavailable)
	}
	call = func() error {
		_, err := m.sum()
		return err
	}
	return call, func() ([]float64, error) { return nil, call() }, nil // a sum over the file's header too, which says nothing
}

// sum maps the file's first bytes and adds them up as float64, a part each thread.
func (m *mapped) sum() (sum float64, err error) {
	f, err := os.Open(m.file.Path)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	data, err := unix.Mmap(int(f.Fd()), 0, m.file.Bytes, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, unix.Munmap(data)) }()
	values, threads := len(data)/valueBytes, runtime.GOMAXPROCS(0)
	parts := make([]float64, threads)
	var all sync.WaitGroup
	for t := range threads {
		all.Go(func() { parts[t] = add(data[valueBytes*(values*t/threads) : valueBytes*(values*(t+1)/threads)]) })
	}
	all.Wait()
	return total(parts), nil
}

// add is four sums at once, so that none waits for the one before.
func add(data []byte) float64 {
	var a, b, c, d float64
	for ; len(data) >= 4*valueBytes; data = data[4*valueBytes:] {
		a += math.Float64frombits(binary.LittleEndian.Uint64(data))
		b += math.Float64frombits(binary.LittleEndian.Uint64(data[8:]))
		c += math.Float64frombits(binary.LittleEndian.Uint64(data[16:]))
		d += math.Float64frombits(binary.LittleEndian.Uint64(data[24:]))
	}
	for ; len(data) >= valueBytes; data = data[valueBytes:] {
		a += math.Float64frombits(binary.LittleEndian.Uint64(data))
	}
	return a + b + c + d
}

func (m *mapped) Free() error {
	m.file = nil
	return nil
}
