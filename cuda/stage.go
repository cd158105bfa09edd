package cuda

import (
	"context"
	"fmt"
	"sync"
)

// stageAlign is what pieces of a staging buffer begin at, in bytes.
const stageAlign = 256

// ring is the staging buffers of one direction, pinned memory through which bytes go that are not in pinned memory themselves.
// A buffer is filled by transfers one behind the other; full ones wait in order until all of their transfers are over.
type ring struct {
	d       *Device
	lock    chan struct{} // holds one value while somebody takes, which may wait
	made    int
	current *stage
	full    []*stage
}

// stage is one staging buffer.
type stage struct {
	bytes     []byte
	used      int
	transfers []*transfer
}

// transfer is bytes on their way through a staging buffer.
type transfer struct {
	staged []byte        // in the staging buffer
	ready  chan struct{} // closed when mark is set, or nothing was queued
	mark   mark          // behind the device's copy
	queued bool

	mu  sync.Mutex
	dst []byte // of a download; nil once the bytes are there
}

func (r *ring) init(d *Device) {
	r.d = d
	r.lock = make(chan struct{}, 1)
}

// take gives room for up to n bytes. It waits for transfers of before where all staging buffers are full.
func (r *ring) take(ctx context.Context, n int) (*transfer, error) {
	select {
	case r.lock <- struct{}{}:
		defer func() { <-r.lock }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	size := r.d.options.Stage
	n = min(n, size)
	if r.current != nil && size-r.current.used < n {
		r.full = append(r.full, r.current)
		r.current = nil
	}
	if r.current == nil {
		s, err := r.next(ctx)
		if err != nil {
			return nil, err
		}
		r.current = s
	}
	s := r.current
	t := &transfer{staged: s.bytes[s.used : s.used+n : s.used+n], ready: make(chan struct{})}
	s.used += roundUp(n, stageAlign)
	s.transfers = append(s.transfers, t)
	return t, nil
}

// next is an empty staging buffer: a new one, or the oldest full one, whose transfers it finishes.
func (r *ring) next(ctx context.Context) (*stage, error) {
	if r.made < r.d.options.Stages {
		b, err := r.d.pinned.get(r.d.options.Stage)
		if err != nil {
			return nil, fmt.Errorf("staging buffer: %w", err)
		}
		r.made++
		r.d.pinned.staging(len(b))
		return &stage{bytes: b}, nil
	}
	s := r.full[0]
	for len(s.transfers) > 0 {
		if err := s.transfers[0].finish(ctx); err != nil {
			return nil, err
		}
		s.transfers = s.transfers[1:]
	}
	r.full = r.full[1:]
	s.used = 0
	s.transfers = nil
	return s, nil
}

// issued notes what the device's copy is, and m a mark with a fence behind it.
func (t *transfer) issued(m mark) {
	t.mark, t.queued = m, true
	close(t.ready)
}

// failed notes that nothing was queued.
func (t *transfer) failed() { close(t.ready) }

// finish waits for the device's copy, and for a download brings the bytes where they belong.
func (t *transfer) finish(ctx context.Context) error {
	select {
	case <-t.ready:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if !t.queued {
		return nil
	}
	if err := t.mark.await(ctx); err != nil {
		return err
	}
	t.copyOut()
	return nil
}

// copyOut brings the bytes of a download that the device has copied where they belong, unless that is done.
func (t *transfer) copyOut() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.dst != nil {
		copyParallel(t.dst, t.staged, t.mark.s.d.options.Copiers)
		t.dst = nil
	}
}

// drop forgets where the bytes of a download belong.
func (t *transfer) drop() {
	t.mu.Lock()
	t.dst = nil
	t.mu.Unlock()
}

// parallelFrom is how many bytes make it worth to copy with several goroutines, and what each has at least.
const parallelFrom = 2 << 20

// copyParallel copies with up to most goroutines: one core does not fill the link to the device, nor the memory's bandwidth.
func copyParallel(dst, src []byte, most int) {
	n := min(most, len(src)/parallelFrom)
	if n <= 1 {
		copy(dst, src)
		return
	}
	var wg sync.WaitGroup
	for i := range n {
		lo, hi := len(src)*i/n, len(src)*(i+1)/n
		wg.Go(func() { copy(dst[lo:hi], src[lo:hi]) })
	}
	wg.Wait()
}
