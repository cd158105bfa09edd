package cuda

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/darray-go/darray/array"
)

// remote is elements in a device's memory: values, and validity where they have it, both from element 0 on; or in memory
// of the host, where the device's was short.
type remote struct {
	r                *Runner
	dtype            array.DType
	values, validity *Buffer
	spilled          *array.Block
	released         atomic.Bool
}

// errReleased is of a far block that is read after its release.
var errReleased = errors.New("the array was released; persist it again")

// Device names the device.
func (m *remote) Device() string { return m.r.Name() }

// Own notes that a user has the memory.
func (m *remote) Own() {
	m.r.lostMu.Lock()
	defer m.r.lostMu.Unlock()
	m.r.owned[m] = true
}

// Release gives the memory back, for work queued from now on.
func (m *remote) Release() {
	if m.released.Swap(true) {
		return
	}
	m.r.lostMu.Lock()
	delete(m.r.owned, m)
	m.r.lostMu.Unlock()
	for _, b := range []*Buffer{m.values, m.validity} {
		if b != nil {
			m.r.kept(b.Free())
		}
	}
}

// Fetch copies elements to a block of this process.
func (m *remote) Fetch(ctx context.Context, dst *array.Block, lo int) error {
	if dst.DType() != m.dtype {
		return fmt.Errorf("fetch %s: %w: the destination is %s", m.dtype, array.ErrDType, dst.DType())
	}
	if m.isSpilled() {
		return dst.Overwrite(m.spilled.Slice(lo, lo+dst.Len()))
	}
	if err := m.r.enter(ctx); err != nil {
		return err
	}
	defer m.r.leave()
	s := m.r.compute()
	err := m.fetch(ctx, s, dst, lo)
	if err != nil { // dst is the caller's again
		s.drop()
		if values, validity, _ := dst.Raw(); s.d.IsPinned(values) || s.d.IsPinned(validity) { // which the device writes itself
			_ = s.Sync(context.WithoutCancel(ctx))
		}
	}
	return err
}

// isSpilled reports whether the elements lie in memory of the host.
func (m *remote) isSpilled() bool { return m.spilled != nil }

// fetch is Fetch of what is on the device, on a stream that nobody else uses now.
func (m *remote) fetch(ctx context.Context, s *Stream, dst *array.Block, lo int) error {
	if m.released.Load() {
		return errReleased
	}
	var bits []func()
	values, validity, offset := dst.Raw()
	if err := download(ctx, s, m.dtype, values, offset, m.values, lo, dst.Len(), &bits); err != nil {
		return err
	}
	switch {
	case m.validity != nil && validity == nil:
		return fmt.Errorf("fetch %s: %w: the destination has no validity", m.dtype, array.ErrNull)
	case m.validity != nil:
		if err := download(ctx, s, array.Bool, validity, offset, m.validity, lo, dst.Len(), &bits); err != nil {
			return err
		}
	case validity != nil:
		array.SetBits(validity, offset, dst.Len())
	}
	if err := s.Sync(ctx); err != nil {
		return err
	}
	for _, put := range bits {
		put()
	}
	return nil
}

// download queues a copy of n elements from element from of src to element offset of dst on. Bits that do not lie alike come by
// another way: what is left to do for them once the stream is done goes to bits.
func download(ctx context.Context, s *Stream, d array.DType, dst []byte, offset int, src *Buffer, from, n int, bits *[]func()) error {
	switch {
	case n == 0:
		return nil
	case d != array.Bool:
		size := d.Size()
		return s.Download(ctx, dst[offset*size:(offset+n)*size], src, from*size)
	case offset%8 == 0 && from%8 == 0 && from+n == 8*((from+n)/8):
		return s.Download(ctx, dst[offset/8:(offset+n)/8], src, from/8)
	}
	at := make([]byte, (from%8+n+7)/8)
	*bits = append(*bits, func() { array.CopyBits(dst, offset, at, from%8, n) })
	return s.Download(ctx, at, src, from/8)
}

// upload queues a copy of n elements from element from of src to the beginning of dst, and gives the bit of the first of them.
func upload(ctx context.Context, s *Stream, d array.DType, dst *Buffer, src []byte, from, n int) (bit int, err error) {
	switch {
	case n == 0:
		return 0, nil
	case d != array.Bool:
		size := d.Size()
		return 0, s.Upload(ctx, dst, 0, src[from*size:(from+n)*size])
	}
	return from % 8, s.Upload(ctx, dst, 0, src[from/8:(from+n+7)/8])
}

// bytesOf is the room that n elements need in the device's memory, wherever in a byte the first of them begins.
func bytesOf(d array.DType, n int) int {
	if d == array.Bool {
		return (n + 7 + 7) / 8
	}
	return n * d.Size()
}
