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
}

// Reader reads one column of files. The executor calls it from one goroutine at a time and closes it once.
type Reader interface {
	// Len is the number of rows.
	Len() int
	// Read gives rows [lo, hi) as a block, which stays valid until Close.
	Read(ctx context.Context, lo, hi int) (*array.Block, error)
	// Close releases the files.
	Close() error
}
