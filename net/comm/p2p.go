package comm

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/darray-go/darray/net/link"
)

// Status says what a receive got.
type Status struct {
	Source, Tag int
	Count       int // elements
}

// Send passes xs to rank dst. It returns when xs may change again: for at most link.EagerLimit bytes soon, above that
// when the receiver has taken them. The tag must not be negative. A message from a rank to itself is copied at once.
func Send[T Elem](ctx context.Context, c *Comm, dst, tag int, xs []T) error {
	h := link.Header{Kind: kindUser, Context: c.context, Tag: int32(tag), DType: dtypeOf[T](), Count: uint64(len(xs))}
	err := errors.Join(c.checkRank("destination", dst), checkTag(tag))
	if err == nil {
		err = c.m.send(ctx, dst, h, link.Payload{Bufs: [][]byte{bytesOf(xs)}})
	}
	return within("send", err)
}

// Recv takes the next message from src with that tag into the first elements of xs; src may be AnySource, tag AnyTag.
// Messages from one rank with one tag are taken in the order in which they were sent.
//
// ErrTruncate, and ErrDiverged for another element type: the message has been dropped. If ctx ends before there is a
// message, none is lost; while one is being read, that one is.
func Recv[T Elem](ctx context.Context, c *Comm, src, tag int, xs []T) (Status, error) {
	for {
		l, err := c.accept(ctx, kindUser, src, tag)
		if err != nil {
			return Status{}, within("recv", err)
		}
		st := Status{Source: l.source, Tag: int(l.Tag), Count: int(l.Count)}
		err = readElems(ctx, l, xs)
		if errors.Is(err, link.ErrWithdrawn) {
			continue // its sender has given up: it never was
		}
		return st, within("recv", c.m.explain(ctx, l.source, err))
	}
}

// readElems finishes l. One that does not fit is refused, unless its sender has withdrawn it meanwhile.
func readElems[T Elem](ctx context.Context, l *letter, xs []T) error {
	var misfit error
	switch code := dtypeOf[T](); {
	case l.DType != code:
		misfit = fmt.Errorf("%w: it sent %d %s with tag %d, the receive is for %s",
			ErrDiverged, l.Count, dtypeName(l.DType), l.Tag, dtypeName(code))
	case l.Count > uint64(len(xs)):
		misfit = fmt.Errorf("%w: it sent %d elements with tag %d, there is room for %d", ErrTruncate, l.Count, l.Tag, len(xs))
	}
	if misfit == nil {
		defer l.Discard()
		return l.ReadInto(ctx, bytesOf(xs[:l.Count]))
	}
	if !l.Discard() {
		return link.ErrWithdrawn
	}
	return misfit
}

// accept waits for a message outside collectives.
func (c *Comm) accept(ctx context.Context, kind uint8, src, tag int) (*letter, error) {
	if src != AnySource {
		if err := c.checkRank("source", src); err != nil {
			return nil, err
		}
	}
	if tag != AnyTag {
		if err := checkTag(tag); err != nil {
			return nil, err
		}
	}
	w := want{lane: lane{kind: kind, context: c.context}, source: src, tag: int32(tag), anyTag: tag == AnyTag}
	return c.m.receive(ctx, w, signature{})
}

func (c *Comm) checkRank(what string, r int) error {
	if r < 0 || r >= c.m.size {
		return fmt.Errorf("%s %d is not a rank; the ranks are 0 to %d", what, r, c.m.size-1)
	}
	return nil
}

func checkTag(tag int) error {
	if tag < 0 || tag > math.MaxInt32 {
		return fmt.Errorf("tag %d is not in 0 to %d", tag, math.MaxInt32)
	}
	return nil
}
