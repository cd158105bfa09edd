package blob

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/format"
)

const (
	rangeBytes = 8 << 20 // of a request where much is read
	parallel   = 8       // requests of one read at once
)

// ranger asks for a range of an object of a known version. The body has exactly n bytes, unless the server breaks off.
type ranger interface {
	get(ctx context.Context, at, n int) (io.ReadCloser, error)
	close()
}

// remote is the bytes of an object, as format.Bytes.
type remote struct {
	ranger
	pages pages
}

func newRemote(r ranger, size int) *remote {
	m := &remote{ranger: r}
	m.pages = pages{size: size, fetch: m.fetch}
	return m
}

// View gives fresh memory.
func (r *remote) View(ctx context.Context, at, n int) ([]byte, error) {
	b := array.AllocBytes(n)
	if err := r.Fill(ctx, b, at); err != nil {
		return nil, err
	}
	return b, nil
}

// Fill reads little through pages that are kept, much by parallel requests.
func (r *remote) Fill(ctx context.Context, dst []byte, at int) error {
	if len(dst) < smallBytes {
		return r.pages.fill(ctx, dst, at)
	}
	n := (len(dst) + rangeBytes - 1) / rangeBytes
	return each(ctx, n, func(ctx context.Context, i int) error {
		lo, hi := i*rangeBytes, min(len(dst), (i+1)*rangeBytes)
		return r.fetch(ctx, dst[lo:hi], at+lo)
	})
}

// Close ends idle connections.
func (r *remote) Close() error {
	r.close()
	return nil
}

// fetch reads one range, going on behind what has come where a connection breaks.
func (r *remote) fetch(ctx context.Context, dst []byte, at int) error {
	return retry(ctx, func() (progress bool, err error) {
		n, err := r.once(ctx, dst, at)
		dst, at = dst[n:], at+n
		return n > 0, err
	})
}

func (r *remote) once(ctx context.Context, dst []byte, at int) (n int, err error) {
	if len(dst) == 0 {
		return 0, nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	body, err := r.get(ctx, at, len(dst))
	if err != nil {
		return 0, err
	}
	defer body.Close()
	n, err = readBody(body, dst, cancel)
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, errTransient) {
		err = cause
	}
	return n, err
}

// each calls f for the numbers below n, a few at a time, each guarded, and waits for all. The first error ends the others' context.
// These wait for the network, so there are more of them than of format.Each.
func each(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	if n == 1 {
		return f(ctx, 0)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	slots := make(chan struct{}, parallel)
	for i := 0; i < n && ctx.Err() == nil; i++ {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			if err := guarded(ctx, i, f); err != nil {
				cancel(err)
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

func guarded(ctx context.Context, i int, f func(ctx context.Context, i int) error) (err error) {
	defer format.Guard(&err)()
	return f(ctx, i)
}
