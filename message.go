package darray

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/net/comm"
	"github.com/darray-go/darray/net/link"
)

// SendBlock passes a block to rank dst; only RecvBlock takes it, so that its tags meet no others. Inside a process the
// block itself is handed over, at once: a block is immutable, and so must be the memory that it was made over. Else values
// and validity go as they lie in memory, and SendBlock returns as comm.Send does.
func SendBlock(ctx context.Context, c *comm.Comm, dst, tag int, b *Block) error {
	if !isBlock(b) {
		return fmt.Errorf("send block: %w", errNoBlock)
	}
	p := comm.Parcel{Count: uint64(b.Len()), Flags: b2u(b.HasNulls()), Aux: uint64(b.DType()) | uint64(len(b.Shape()))<<8}
	if c.InProcess(dst) {
		p.Ref = b
	} else {
		p.Bufs = append([][]byte{appendShape(nil, b.Shape())}, b.Buffers()...)
	}
	return within("send block", comm.SendUserParcel(ctx, c, dst, tag, p))
}

// RecvBlock waits for the next block from src (or comm.AnySource) with that tag (or comm.AnyTag); blocks from one rank with
// one tag come in the order in which they were sent. The Count of the status is the block's elements. ErrMemory where
// the machine has no room for it; the block has been dropped.
func RecvBlock(ctx context.Context, c *comm.Comm, src, tag int) (*Block, comm.Status, error) {
	for {
		in, err := comm.RecvUserParcel(ctx, c, src, tag)
		if err != nil {
			return nil, comm.Status{}, within("receive block", err)
		}
		b, err := readBlock(ctx, in)
		switch {
		case errors.Is(err, link.ErrWithdrawn):
			continue // its sender has given up: it never was
		case err != nil:
			return nil, comm.Status{}, within("receive block", err)
		}
		return b, comm.Status{Source: in.Source, Tag: in.Tag, Count: b.Len()}, nil
	}
}

// readBlock finishes a parcel of SendBlock.
func readBlock(ctx context.Context, in *comm.Incoming) (*Block, error) {
	defer in.Discard()
	if ref, ok := in.Ref(); ok {
		if b, ok := ref.(*Block); ok && isBlock(b) {
			return b, nil
		}
		return nil, fmt.Errorf("rank %d with tag %d handed over a %T, which is no block", in.Source, in.Tag, ref)
	}
	head, err := readHead(in.Flags, in.Count, in.Aux, in.Size)
	if err == nil {
		err = roomFor(head.bytes(), machineMemory())
	}
	if err != nil {
		return nil, fmt.Errorf("rank %d with tag %d: %w", in.Source, in.Tag, err)
	}
	extents := make([]byte, 8*head.axes)
	b := array.NewBlock(head.dtype, Shape{head.n}, head.nulls)
	if err := in.ReadInto(ctx, append([][]byte{extents}, b.Buffers()...)...); err != nil {
		return nil, err
	}
	shape, err := readShape(extents)
	if err == nil {
		b, err = b.Reshape(shape)
	}
	if err != nil {
		return nil, fmt.Errorf("rank %d with tag %d: %w", in.Source, in.Tag, err)
	}
	return b, nil
}

// blockHead is what the envelope of a block says.
type blockHead struct {
	dtype DType
	nulls bool
	n     int
	axes  int
}

// bytes is the memory that the values and the validity take.
func (h blockHead) bytes() int {
	n := h.dtype.BufferSize(h.n)
	if h.nulls {
		n += Bool.BufferSize(h.n)
	}
	return n
}

// maxAxes is the limit of Shape.Check.
const maxAxes = 64

// readHead holds what a peer says of a block against the length of what it sends.
func readHead(flags uint8, count, aux, size uint64) (blockHead, error) {
	h := blockHead{dtype: DType(aux & 0xff), nulls: flags == 1, axes: int(aux >> 8 & 0xff)}
	if !h.dtype.Valid() || flags > 1 || h.axes > maxAxes || aux>>16 != 0 || count > math.MaxInt/16 {
		return blockHead{}, fmt.Errorf("a head of flags %#x, count %d, %#x describes no block; do all ranks run the same build?", flags, count, aux)
	}
	h.n = int(count)
	if want := uint64(8*h.axes + h.bytes()); size != want {
		return blockHead{}, fmt.Errorf("%d bytes for a block of %d %s, want %d", size, h.n, h.dtype, want)
	}
	return h, nil
}

// appendShape lays extents out: 8 bytes each, little-endian.
func appendShape(to []byte, s Shape) []byte {
	for _, extent := range s {
		to = binary.LittleEndian.AppendUint64(to, uint64(extent))
	}
	return to
}

// readShape is the reverse of appendShape.
func readShape(from []byte) (Shape, error) {
	s := make(Shape, len(from)/8)
	for i := range s {
		s[i] = int(binary.LittleEndian.Uint64(from[8*i:]))
	}
	return s, s.Check()
}

var errNoBlock = errors.New("there is no block to pass on; nil and the zero Block have no element type")

// isBlock tells a block with a type from nil and the zero value.
func isBlock(b *Block) bool { return b != nil && b.DType().Valid() }

// unknownMemory is what a machine has at most that does not say: more than any, and little enough to ask for.
const unknownMemory = 1 << 40

// roomFor holds the bytes of a block from elsewhere against the memory of a machine (0: not known), before they are taken.
func roomFor(bytes, memory int) error {
	if memory <= 0 {
		memory = unknownMemory
	}
	if bytes < 0 || bytes > memory {
		return fmt.Errorf("%w: a block of %d bytes, the machine has %d; pass it on in pieces", ErrMemory, bytes, memory)
	}
	return nil
}

func b2u(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

// within says that err is of op, which is made of the operations of package comm that err names.
func within(op string, err error) error {
	if err == nil {
		return nil
	}
	if re, ok := err.(*RankError); ok {
		return &RankError{Rank: re.Rank, Host: re.Host, Op: op, Cause: re.Cause}
	}
	return fmt.Errorf("%s: %w", op, err)
}
