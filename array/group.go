package array

import (
	"context"

	"github.com/darray-go/darray/partition"
)

// Group is the devices of all ranks, each with memory of its own, which move elements between these without the memory of the hosts.
// Bcast, Allgather and Alltoall are collective: every rank makes the same calls in the same order. Each blocks until this rank's share is
// done. When its ctx ends or the device fails the group is broken: nothing works on this rank any more, and what the other ranks have
// begun with it ends when their contexts do.
//
// The blocks of one call have validity everywhere or nowhere. Runs of bits (bools, and validity) begin at multiples of 8 elements.
type Group interface {
	// Hold gives a block's elements as a far block of the device, with validity if nulls says so; b itself where it is that already.
	Hold(ctx context.Context, b *Block, nulls bool) (*Block, error)
	// Room is a far block of n elements with contents that are unspecified, and validity if nulls says so.
	Room(d DType, n int, nulls bool) (*Block, error)
	// Bcast gives b of every rank the elements that b has on the root.
	Bcast(ctx context.Context, b *Block, root int) error
	// Allgather gives every rank the parts of all: what rank r passes comes to spans[r] of to.
	Allgather(ctx context.Context, part, to *Block, spans []partition.Range) error
	// Alltoall sends elements send[r] of part to rank r, and puts what rank r sends to receive[r] of to, this rank's own too.
	Alltoall(ctx context.Context, part *Block, send []partition.Range, to *Block, receive []partition.Range) error
	// Close leaves the group, broken or not. It waits for nobody. Safe twice.
	Close() error
}
