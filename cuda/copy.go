package cuda

import (
	"context"
	"errors"
	"fmt"
)

// Upload queues a copy of src to dst from byte at on. Where src is pinned it returns at once, and src must not change until the
// stream's work is over; else src has been read when it returns, for which it may wait until staging buffers are free.
func (s *Stream) Upload(ctx context.Context, dst *Buffer, at int, src []byte) error {
	if err := dst.check("upload", s.d, at, len(src)); err != nil || len(src) == 0 {
		return err
	}
	if release := s.d.pinned.hold(src); release != nil {
		_, err := s.copyIn(dst, at, src, release)
		return err
	}
	return s.staged(ctx, &s.d.up, len(src), func(t *transfer, lo int) (mark, error) {
		copyParallel(t.staged, src[lo:lo+len(t.staged)], s.d.options.Copiers)
		return s.copyIn(dst, at+lo, t.staged, nil)
	})
}

// copyIn queues a copy from pinned memory.
func (s *Stream) copyIn(dst *Buffer, at int, src []byte, release func()) (mark, error) {
	return s.queue(release, [2]*Buffer{dst}, fnMemcpyHtoDAsync, uintptr(dst.addr)+uintptr(at), address(src), uintptr(len(src)), s.handle)
}

// staged moves n bytes through staging buffers of a ring: piece has the device copy those from byte lo on, as many as the transfer
// has room for, and says in it where they go if that is the host.
func (s *Stream) staged(ctx context.Context, r *ring, n int, piece func(t *transfer, lo int) (mark, error)) error {
	for lo := 0; lo < n; {
		t, err := r.take(ctx, n-lo)
		if err != nil {
			return err
		}
		m, err := piece(t, lo)
		if err == nil {
			m, err = s.fenced(m)
		}
		if err != nil {
			t.failed()
			return err
		}
		s.mu.Lock()
		if t.dst != nil {
			s.outs = append(s.outs, t)
		}
		t.issued(m)
		s.mu.Unlock()
		lo += len(t.staged)
	}
	return nil
}

// queue queues a call of the driver behind what may still use its buffers. Release is as issue has it.
func (s *Stream) queue(release func(), buffers [2]*Buffer, fn function, args ...uintptr) (mark, error) {
	if err := s.d.enter(); err != nil {
		return mark{}, released(release, err)
	}
	defer s.d.leave()
	for _, b := range buffers {
		if err := s.behind(b); err != nil {
			return mark{}, released(release, err)
		}
	}
	return s.issue(release, func() error { return s.d.v.call(fn, args...) })
}

// released is err, after release where there is one.
func released(release func(), err error) error {
	if release != nil {
		release()
	}
	return err
}

// fenced is fence with the context made current. Where it fails the work is waited for, that nobody uses its staging buffer again
// while the device does.
func (s *Stream) fenced(m mark) (mark, error) {
	err := s.d.do(func() (err error) {
		if m, err = s.fence(); err != nil {
			err = errors.Join(err, s.d.v.call(fnStreamSynchronize, s.handle))
		}
		return err
	})
	return m, err
}

// Download queues a copy of bytes from byte at of src on to dst. They are there when Sync of the stream is back; until then, or
// until Sync or Close has failed or given up, dst is the stream's. Where dst is not pinned it may wait until staging buffers are free.
func (s *Stream) Download(ctx context.Context, dst []byte, src *Buffer, at int) error {
	if err := src.check("download", s.d, at, len(dst)); err != nil || len(dst) == 0 {
		return err
	}
	if release := s.d.pinned.hold(dst); release != nil {
		_, err := s.copyOut(dst, src, at, release)
		return err
	}
	return s.staged(ctx, &s.d.down, len(dst), func(t *transfer, lo int) (mark, error) {
		t.dst = dst[lo : lo+len(t.staged)]
		return s.copyOut(t.staged, src, at+lo, nil)
	})
}

// copyOut queues a copy to pinned memory.
func (s *Stream) copyOut(dst []byte, src *Buffer, at int, release func()) (mark, error) {
	return s.queue(release, [2]*Buffer{src}, fnMemcpyDtoHAsync, address(dst), uintptr(src.addr)+uintptr(at), uintptr(len(dst)), s.handle)
}

// Copy queues a copy of n bytes between buffers of the stream's device, which do not overlap.
func (s *Stream) Copy(dst *Buffer, to int, src *Buffer, from, n int) error {
	if err := errors.Join(dst.check("copy to", s.d, to, n), src.check("copy from", s.d, from, n)); err != nil || n == 0 {
		return err
	}
	_, err := s.queue(nil, [2]*Buffer{dst, src}, fnMemcpyDtoDAsync, uintptr(dst.addr)+uintptr(to), uintptr(src.addr)+uintptr(from), uintptr(n), s.handle)
	return err
}

// Fill queues n bytes of value from byte at of dst on.
func (s *Stream) Fill(dst *Buffer, at, n int, value byte) error {
	if err := dst.check("fill", s.d, at, n); err != nil || n == 0 {
		return err
	}
	_, err := s.queue(nil, [2]*Buffer{dst}, fnMemsetD8Async, uintptr(dst.addr)+uintptr(at), uintptr(value), uintptr(n), s.handle)
	return err
}

// CopyPeer queues a copy of n bytes from a buffer of another device of the same driver, which is to stay open until the copy is over.
// What was queued for src on its own device's streams has to be over, or to be waited for by an event.
func (s *Stream) CopyPeer(dst *Buffer, to int, src *Buffer, from, n int) error {
	if err := dst.check("copy to", s.d, to, n); err != nil {
		return err
	}
	if src == nil || src.d.v != s.d.v {
		return errors.New("copy from: buffer is of no device of this driver")
	}
	if err := src.check("copy from", src.d, from, n); err != nil || n == 0 {
		return err
	}
	if err := src.d.enter(); err != nil { // it stays open until the copy is queued
		return err
	}
	defer src.d.leave()
	m, err := s.queue(nil, [2]*Buffer{dst}, fnMemcpyPeerAsync, uintptr(dst.addr)+uintptr(to), s.d.context,
		uintptr(src.addr)+uintptr(from), src.d.context, uintptr(n), s.handle)
	if err != nil {
		return err
	}
	if m, err = s.fenced(m); err != nil {
		return err
	}
	return src.d.visited(m)
}

// check is an error where n bytes from byte at on are not all the buffer's, the padding behind it included.
func (b *Buffer) check(op string, d *Device, at, n int) error {
	switch {
	case b == nil || b.freed.Load():
		return fmt.Errorf("%s: buffer was freed", op)
	case b.d != d:
		return fmt.Errorf("%s: buffer is of %s, the stream of %s; copy between devices with CopyPeer", op, b.d.Name(), d.Name())
	case at < 0 || n < 0 || at > b.room() || n > b.room()-at:
		return fmt.Errorf("%s: %d bytes from byte %d on of a buffer of %d", op, n, at, b.n)
	}
	return nil
}
