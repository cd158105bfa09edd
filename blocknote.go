package darray

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/darray-go/darray/net/comm"
)

// blockNote is what a rank tells the others at the beginning of a collective over blocks: which one, and what it has. With
// the notes of all, every rank comes to the same verdict, so that no rank waits for one that has given up.
type blockNote struct {
	call   blockCall
	memory int   // bytes of the machine, 0: not known
	dtype  DType // Invalid: no block
	nulls  bool
	shape  Shape
}

// note is what this rank has to say; off the root of what the root gives, that is nothing of the block.
func (k blockCall) note(c *comm.Comm, b *Block) blockNote {
	n := blockNote{call: k, memory: machineMemory()}
	if isBlock(b) && (!k.op.fromRoot() || c.Rank() == k.root) {
		n.dtype, n.nulls, n.shape = b.DType(), b.HasNulls(), b.Shape()
	}
	return n
}

// append lays a note out in words: op, dtype, nulls and axes in a byte each and the root in the upper half; the memory;
// the extents.
func (n blockNote) append(to []uint64) []uint64 {
	to = append(to, uint64(n.call.op)|uint64(n.dtype)<<8|uint64(b2u(n.nulls))<<16|uint64(len(n.shape))<<24|uint64(uint32(n.call.root))<<32,
		uint64(n.memory))
	for _, extent := range n.shape {
		to = append(to, uint64(extent))
	}
	return to
}

// readNotes reads the notes of p ranks, one after another.
func readNotes(words []uint64, p int) ([]blockNote, error) {
	var notes []blockNote
	for r := range p {
		n, rest, err := readNote(words)
		if err != nil {
			return nil, fmt.Errorf("%w: rank %d: %w", ErrDiverged, r, err)
		}
		notes, words = append(notes, n), rest
	}
	if len(words) > 0 {
		return nil, fmt.Errorf("%w: %d words after the notes of %d ranks", ErrDiverged, len(words), p)
	}
	return notes, nil
}

func readNote(words []uint64) (n blockNote, rest []uint64, err error) {
	if len(words) < 2 {
		return n, nil, fmt.Errorf("its note has %d words", len(words))
	}
	head, axes := words[0], int(words[0]>>24&0xff)
	n = blockNote{
		call: blockCall{op: blockOp(head), root: int(int32(head >> 32))}, memory: int(words[1]),
		dtype: DType(head >> 8), nulls: head>>16&0xff == 1, shape: make(Shape, 0, min(axes, maxAxes)),
	}
	none := n.dtype == 0 && axes == 0 && !n.nulls
	if words[1] > math.MaxInt || head>>16&0xff > 1 || axes > len(words)-2 || !n.dtype.Valid() && !none {
		return n, nil, fmt.Errorf("its note begins with %#x, which describes no block", head)
	}
	for _, extent := range words[2 : 2+axes] {
		n.shape = append(n.shape, int(extent))
	}
	return n, words[2+axes:], n.shape.Check()
}

// String is "float64[3 4]".
func (n blockNote) String() string {
	if !n.dtype.Valid() {
		return "no block"
	}
	return fmt.Sprintf("%s%v", n.dtype, n.shape)
}

// bytes is what the block takes.
func (n blockNote) bytes() int {
	return blockHead{dtype: n.dtype, nulls: n.nulls, n: n.shape.Len()}.bytes()
}

// settle is the verdict on the notes of all ranks: what the whole is that the root gives or that is gathered, or why
// nothing can be done, the same on every rank.
//
// Where blocks are copied, each rank must have room for what it gets.
func (k blockCall) settle(c *comm.Comm, notes []blockNote, copied bool) (whole blockNote, err error) {
	blame := func(r int, cause error) error {
		return &RankError{Rank: c.WorldRank(r), Host: c.Host(r), Cause: cause}
	}
	for r, n := range notes {
		if n.call != notes[0].call {
			return whole, fmt.Errorf("%w: rank %d is in %v, rank 0 in %v; all ranks must make the same calls in the same order",
				ErrDiverged, r, n.call, notes[0].call)
		}
	}
	if k.root < 0 || k.root >= len(notes) {
		return whole, fmt.Errorf("root %d is not a rank; the ranks are 0 to %d", k.root, len(notes)-1)
	}
	if k.op.fromRoot() {
		whole = notes[k.root]
		switch {
		case !whole.dtype.Valid():
			return whole, blame(k.root, errNoBlock)
		case k.op == scatterBlock && len(whole.shape) == 0:
			return whole, blame(k.root, fmt.Errorf("%w: a 0-D block has no axis 0 to divide; use BcastBlock, or reshape it to [1]", ErrShape))
		}
	} else if whole, err = sum(notes, blame); err != nil {
		return whole, err
	}
	for r, n := range notes {
		if err := roomFor(k.need(whole, r, len(notes), copied), n.memory); err != nil {
			return whole, blame(r, err)
		}
	}
	return whole, nil
}

// need is the bytes that a rank of p has to bring for its result.
func (k blockCall) need(whole blockNote, rank, p int, copied bool) int {
	switch k.op {
	case gatherBlock, allgatherBlock:
		if k.op == gatherBlock && rank != k.root {
			return 0
		}
	default:
		if !copied || rank == k.root {
			return 0
		}
		if k.op == scatterBlock {
			whole.shape = withRows(whole.shape, runsOf(whole.shape, p).Range(rank).Len())
		}
	}
	return whole.bytes()
}

// sum is the note of the blocks of all ranks joined along axis 0.
func sum(notes []blockNote, blame func(r int, cause error) error) (blockNote, error) {
	first := notes[0]
	whole, rows := first, 0
	for r, n := range notes {
		switch {
		case !n.dtype.Valid():
			return whole, blame(r, errNoBlock)
		case len(n.shape) == 0:
			return whole, blame(r, fmt.Errorf("%w: a 0-D block has no axis 0 to join along; reshape it to [1]", ErrShape))
		case n.dtype != first.dtype:
			return whole, blame(r, fmt.Errorf("%w: it passes %v, rank 0 %v; blocks of one type join: cast first", ErrDType, n, first))
		case !slices.Equal(n.shape[1:], first.shape[1:]):
			return whole, blame(r, fmt.Errorf("%w: it passes %v, rank 0 %v; they may differ along axis 0 only", ErrShape, n, first))
		case n.shape[0] > math.MaxInt-rows:
			return whole, blame(r, fmt.Errorf("%w: the ranks up to it pass more than %d rows", ErrShape, math.MaxInt))
		}
		rows += n.shape[0]
		whole.nulls = whole.nulls || n.nulls
	}
	whole.shape = withRows(first.shape, rows)
	return whole, whole.shape.Check()
}

// exchange gives every rank the notes of all.
func exchange(ctx context.Context, c *comm.Comm, mine blockNote) ([]blockNote, error) {
	words, err := comm.Allgather(ctx, c, mine.append(nil))
	if err != nil {
		return nil, err
	}
	return readNotes(words, c.Size())
}
