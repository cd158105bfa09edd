package exec

import (
	"context"

	"github.com/darray-go/darray/array"
)

// Device runs fused programs and matrix products. The executor calls it from one goroutine at a time.
type Device interface {
	// Name is what plans print: "cpu".
	Name() string
	// Run fills l.Results and returns one Forest an output: the tree over the part's leaves for a reduction, nil for a
	// block; nothing at all where no output reduces. It keeps nothing of l, and returns soon after ctx ends.
	Run(ctx context.Context, l *array.Launch) ([]array.Forest, error)
	// Multiply fills p.Result as array.Matmul says. It keeps nothing of p, and returns soon after ctx ends.
	Multiply(ctx context.Context, p *array.Product) error
	// Rates says how fast it is. The first call may measure that, for a tenth of a second; where ctx ends meanwhile the next one should
	// go on from what was measured, since all calls may have as little time.
	Rates(ctx context.Context) (array.Rates, error)
}

// Accelerator is a Device with memory of its own, beside the processor: where Launch.Stay says so its results stay there, as far
// blocks, and its operands may be such. All its results have the processor's bits.
type Accelerator interface {
	Device
	// Takes says why it cannot run a program; nil where it can. It depends on the program alone.
	Takes(p *array.Program) error
	// Holds reports whether elements lie in its memory.
	Holds(at array.Far) bool
	// TakesProduct is Takes of products of a type.
	TakesProduct(d array.DType) error
}

// Linked is an Accelerator that moves far blocks to the accelerators of other ranks.
type Linked interface {
	Accelerator
	// NewGroup names a group for Join, or says why there can be none.
	NewGroup() (id []byte, err error)
	// Join makes the accelerator rank of a group of so many ranks, which all have to join. It waits for them until ctx ends. An error says
	// why there is no group. Who joins closes the group, before the accelerator.
	Join(ctx context.Context, id []byte, rank, ranks int) (array.Group, error)
}

// Reader reads one column of files. The executor calls it from one goroutine at a time and closes it once.
type Reader interface {
	// Len is the number of elements.
	Len() int
	// Read gives elements [lo, hi) as blocks one after another, at least one, which stay valid until Close: several where one would be a
	// copy, as of batches in a mapped file.
	Read(ctx context.Context, lo, hi int) ([]*array.Block, error)
	// Close releases the files.
	Close() error
}

// Stepwise is a Reader of what has to be decoded: with less memory, and faster, in steps, each of which is used before the next is read.
type Stepwise interface {
	Reader
	// Steps gives where steps through elements [lo, hi) end, ascending; the last is hi.
	Steps(lo, hi int) []int
}

// Joint is a Reader that reads several columns of the same files at once for less than one after another.
type Joint interface {
	Reader
	// Joins reports whether another reader's column can be read with this one's.
	Joins(other Reader) bool
	// ReadJoint is Read of all those readers, of which this is the first.
	ReadJoint(ctx context.Context, readers []Reader, lo, hi int) ([][]*array.Block, error)
}
