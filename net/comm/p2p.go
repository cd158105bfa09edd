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
	h, err := userHeader[T](c, dst, tag, len(xs))
	if err == nil {
		err = c.send(ctx, dst, h, link.Payload{Bufs: [][]byte{bytesOf(xs)}})
	}
	return within("send", err)
}

func userHeader[T Elem](c *Comm, dst, tag, n int) (link.Header, error) {
	h := link.Header{Kind: kindUser, Context: c.st.context, Tag: int32(tag), DType: dtypeOf[T](), Count: uint64(n)}
	if err := c.checkRank("destination", dst); err != nil {
		return h, err
	}
	return h, checkTag(tag)
}

// Recv takes the next message from src with that tag into the first elements of xs; src may be AnySource, tag AnyTag.
// Messages from one rank with one tag are taken in the order in which they were sent.
//
// ErrTruncate, and ErrDiverged for another element type: the message has been dropped. If ctx ends before there is a
// message, none is lost; while one is being read, that one is.
func Recv[T Elem](ctx context.Context, c *Comm, src, tag int, xs []T) (Status, error) {
	st, err := recv(ctx, c, src, tag, xs, nil)
	return st, within("recv", err)
}

// recv is Recv, from a receive that has been posted already where posted is not nil.
func recv[T Elem](ctx context.Context, c *Comm, src, tag int, xs []T, posted func(ctx context.Context) (letter, error)) (Status, error) {
	for {
		var l letter
		var err error
		if posted != nil {
			l, err = posted(ctx)
			posted = nil
		} else {
			var w want
			if w, err = c.wanted(kindUser, src, tag, false); err == nil {
				w.into, w.dtype = bytesOf(xs), dtypeOf[T]()
				l, err = c.receive(ctx, w, nil)
			}
		}
		switch {
		case err != nil:
			return Status{}, err
		case l.placed:
			return Status{Source: c.st.named(l.source), Tag: int(l.tag), Count: int(l.count)}, nil
		}
		st := c.status(l)
		err = readElems(ctx, c, l, xs)
		if errors.Is(err, link.ErrWithdrawn) {
			continue // its sender has given up: it never was
		}
		return st, c.explain(ctx, l.source, err)
	}
}

func (c *Comm) status(l letter) Status {
	return Status{Source: c.st.named(l.source), Tag: int(l.Tag), Count: int(l.Count)}
}

// readElems finishes l. One that does not fit is refused, unless its sender has withdrawn it meanwhile.
func readElems[T Elem](ctx context.Context, c *Comm, l letter, xs []T) error {
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
		return c.read(ctx, l, bytesOf(xs[:l.Count]))
	}
	if !l.Discard() {
		return link.ErrWithdrawn
	}
	return misfit
}

// accept waits for a message outside collectives.
func (c *Comm) accept(ctx context.Context, kind uint8, src, tag int, peek bool) (letter, error) {
	w, err := c.wanted(kind, src, tag, peek)
	if err != nil {
		return letter{}, err
	}
	return c.receive(ctx, w, nil)
}

// wanted checks the arguments of a receive.
func (c *Comm) wanted(kind uint8, src, tag int, peek bool) (want, error) {
	w := want{kind: kind, source: AnySource, tag: int32(tag), anyTag: tag == AnyTag, peek: peek}
	if src != AnySource {
		if err := c.checkRank("source", src); err != nil {
			return want{}, err
		}
		w.source = c.world(src)
	}
	if tag != AnyTag {
		return w, checkTag(tag)
	}
	return w, nil
}

func checkTag(tag int) error {
	if tag < 0 || tag > math.MaxInt32 {
		return fmt.Errorf("tag %d is not in 0 to %d", tag, math.MaxInt32)
	}
	return nil
}
