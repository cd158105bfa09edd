package comm

import (
	"context"
	"errors"

	"github.com/darray-go/darray/net/link"
)

// Parcel is a message of raw buffers for layers that move more than one slice at once. Flags, Count and Aux are theirs.
// Ref, where not nil, is an immutable value of the same content, handed over in place of Bufs inside a process.
type Parcel struct {
	Flags      uint8
	Count, Aux uint64
	Bufs       [][]byte
	Ref        any
}

// SendParcel passes a parcel of a layer above to rank dst; only RecvParcel takes it. It returns when the buffers may change again: with
// Ref inside a process at once, else as Send.
func SendParcel(ctx context.Context, c *Comm, dst, tag int, p Parcel) error {
	return sendParcel(ctx, c, kindParcel, dst, tag, p)
}

// SendUserParcel is SendParcel for what the user of a program sends; only RecvUserParcel takes it. So the tags of the two
// never meet, and a layer may work over a communicator that the user sends over.
func SendUserParcel(ctx context.Context, c *Comm, dst, tag int, p Parcel) error {
	return sendParcel(ctx, c, kindUserParcel, dst, tag, p)
}

func sendParcel(ctx context.Context, c *Comm, kind uint8, dst, tag int, p Parcel) error {
	h := link.Header{Kind: kind, Context: c.st.context, Tag: int32(tag), Flags: p.Flags, Count: p.Count, Aux: p.Aux}
	err := errors.Join(c.checkRank("destination", dst), checkTag(tag))
	if err == nil {
		err = c.send(ctx, dst, h, link.Payload{Bufs: p.Bufs, Ref: p.Ref})
	}
	return within("send parcel", err)
}

// RecvParcel waits for the next parcel from src (or AnySource) with that tag (or AnyTag). Its payload is still to be
// read, so that the caller can look at the header and bring buffers of the right size.
func RecvParcel(ctx context.Context, c *Comm, src, tag int) (*Incoming, error) {
	return recvParcel(ctx, c, kindParcel, src, tag)
}

// RecvUserParcel is RecvParcel for SendUserParcel.
func RecvUserParcel(ctx context.Context, c *Comm, src, tag int) (*Incoming, error) {
	return recvParcel(ctx, c, kindUserParcel, src, tag)
}

func recvParcel(ctx context.Context, c *Comm, kind uint8, src, tag int) (*Incoming, error) {
	l, err := c.accept(ctx, kind, src, tag, false)
	if err != nil {
		return nil, within("receive parcel", err)
	}
	return &Incoming{
		Source: c.st.named(l.source), Tag: int(l.Tag), Flags: l.Flags, Count: l.Count, Aux: l.Aux, Size: l.Size, c: c, l: l,
	}, nil
}

// Incoming is a parcel whose header has arrived. It must be finished by Ref (if that gives true), ReadInto or Discard;
// the sender may be waiting for it. Its methods belong to one goroutine.
type Incoming struct {
	Source, Tag int
	Flags       uint8
	Count, Aux  uint64
	Size        uint64 // payload bytes
	c           *Comm
	l           letter
}

// Ref returns the sender's Ref and true if the parcel came by reference, which finishes it.
func (in *Incoming) Ref() (any, bool) { return in.l.Ref() }

// ReadInto fills bufs, whose lengths must sum to Size, and finishes the parcel.
func (in *Incoming) ReadInto(ctx context.Context, bufs ...[]byte) error {
	return within("receive parcel", in.c.explain(ctx, in.l.source, in.c.read(ctx, in.l, bufs...)))
}

// Discard drops the payload. On a finished parcel it does nothing, so it may be deferred.
func (in *Incoming) Discard() { in.l.Discard() }
