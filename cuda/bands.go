package cuda

import (
	"context"
)

// bandWork is the multiplications that a launch has at most, unless one row of tiles has more: some 50 ms of a small GPU, and long beside
// a launch on a large one. A simulated device has less.
const (
	bandWork          = 1 << 33
	simulatedBandWork = 1 << 25
)

// bandOp is what an op of a program counts for each element: what the longest functions take.
const bandOp = 64

// bands queues launches over the elements [lo, hi) one behind the other, so that ctx ends what is long and Progress moves: no more than
// two are ahead of what these are told. launch queues the one that begins at an element and says where that ends. Whoever reads the results
// waits for the last. It gives the number of elements that progress, nil where nobody asks, knows of.
func (r *Runner) bands(ctx context.Context, s *Stream, lo, hi int, progress func(n int), launch func(lo int) (hi int, err error)) (told int, err error) {
	var before mark // of the band before
	first, last := lo, lo
	for lo < hi {
		if ctx.Err() != nil {
			return told, context.Cause(ctx)
		}
		end, err := launch(lo)
		if err != nil || end >= hi {
			return told, err
		}
		now, err := s.fenced(mark{})
		if err == nil && lo > first {
			if err = before.await(ctx); err == nil && progress != nil {
				progress(lo - last)
				told, last = told+lo-last, lo
			}
		}
		if err != nil {
			return told, err
		}
		before, lo = now, end
	}
	return told, nil
}
