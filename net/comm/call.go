package comm

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/darray-go/darray/net/link"
)

// fan is how many messages one rank has under way at once in a flat algorithm: enough to keep a link busy, few enough
// not to flood the root's socket.
const fan = 8

func (k *call) rank() int { return k.c.rank }
func (k *call) size() int { return k.c.Size() }

func (k *call) header(tag int32) link.Header {
	return link.Header{
		Kind: kindCall, Context: k.c.st.context, Seq: k.seq, Tag: tag,
		Op: uint8(k.op), DType: k.dtype, Root: int32(k.root), Count: uint64(k.count), Aux: k.mine().aux(),
	}
}

// send passes bufs on to a rank.
func (k *call) send(ctx context.Context, dst int, tag int32, bufs ...[]byte) error {
	return k.c.send(ctx, dst, k.header(tag), link.Payload{Bufs: bufs})
}

// startSend gives a message to a rank its place; wait, where not nil, is the rest of the sending.
func (k *call) startSend(ctx context.Context, dst int, tag int32, bufs ...[]byte) (wait func(ctx context.Context) error, err error) {
	rest, err := k.c.startSend(ctx, dst, k.header(tag), link.Payload{Bufs: bufs})
	if rest == nil {
		return nil, err
	}
	return func(ctx context.Context) error { return rest(ctx, origin{}) }, nil
}

// next waits for the header of the next message with that tag from src; its payload is for the caller to read.
func (k *call) next(ctx context.Context, src int, tag int32) (letter, error) {
	w := k.c.world(src)
	l, err := k.c.receive(ctx, want{kind: kindCall, seq: k.seq, source: w, tag: tag}, k)
	return l, k.c.explain(ctx, w, err)
}

// recv waits for a message of exactly len(buf) bytes.
func (k *call) recv(ctx context.Context, src int, tag int32, buf []byte) error {
	w := k.c.world(src)
	l, err := k.c.receive(ctx, want{kind: kindCall, seq: k.seq, source: w, tag: tag, into: buf, dtype: k.dtype, exact: true}, k)
	switch {
	case err != nil:
		return k.c.explain(ctx, w, err)
	case l.placed:
		return nil
	}
	return k.read(ctx, l, buf)
}

// read takes the payload of l into buf, which must have its length.
func (k *call) read(ctx context.Context, l letter, buf []byte) error {
	defer l.Discard()
	if l.Size != uint64(len(buf)) {
		return fmt.Errorf("%w: in %v rank %d sent %d bytes where this rank expects %d", ErrDiverged, k.signature, k.c.st.named(l.source), l.Size, len(buf))
	}
	err := k.c.read(ctx, l, buf)
	if errors.Is(err, link.ErrWithdrawn) {
		// Its sender has failed this collective and is about to say why.
		timer := time.NewTimer(noticeLimit)
		defer timer.Stop()
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
	}
	return k.c.explain(ctx, l.source, err)
}

// together calls f(0) to f(n-1), up to fan at a time, and returns when all have. The first error ends the ctx of the
// others.
func (k *call) together(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	if n == 1 {
		return f(ctx, 0)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var all sync.WaitGroup
	work := func() {
		for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
			if err := f(ctx, i); err != nil {
				cancel(err)
			}
		}
	}
	for range min(n, fan) - 1 {
		all.Go(work)
	}
	if n > 0 {
		work()
	}
	all.Wait()
	return context.Cause(ctx)
}

// sendParts passes shares on in one message.
func (k *call) sendParts(ctx context.Context, dst int, tag int32, parts []part) error {
	return k.send(ctx, dst, tag, packParts(parts)...)
}

// recvParts waits for a message of n shares.
func (k *call) recvParts(ctx context.Context, src int, tag int32, n int) ([]part, error) {
	l, err := k.next(ctx, src, tag)
	if err != nil {
		return nil, err
	}
	defer l.Discard()
	if l.Size > sizeOfParts(n) {
		return nil, fmt.Errorf("%w: in %v rank %d sent %d bytes for %d shares", ErrDiverged, k.signature, src, l.Size, n)
	}
	raw := make([]byte, l.Size)
	if err := k.read(ctx, l, raw); err != nil {
		return nil, err
	}
	parts, err := unpackParts(raw, n, dtypeSize(k.dtype))
	if err != nil {
		return nil, fmt.Errorf("%w: in %v rank %d sent %w", ErrDiverged, k.signature, src, err)
	}
	return parts, nil
}

// checkTotal holds a sum of claimed lengths against what can be: called after each one, so that it cannot overflow.
func (k *call) checkTotal(total int) error {
	if total > maxPart {
		return fmt.Errorf("%w: in %v the ranks claim shares of more than %d bytes in all", ErrDiverged, k.signature, maxPart)
	}
	return nil
}

// share waits for one rank's share of any length, the payload still to be read.
func (k *call) share(ctx context.Context, src int, tag int32) (letter, error) {
	l, err := k.next(ctx, src, tag)
	if err != nil {
		return letter{}, err
	}
	if l.Size%uint64(dtypeSize(k.dtype)) != 0 || l.Size > maxPart {
		l.Discard()
		return letter{}, fmt.Errorf("%w: in %v rank %d sent a share of %d bytes", ErrDiverged, k.signature, src, l.Size)
	}
	return l, nil
}
