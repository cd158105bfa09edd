package comm

import (
	"context"
	"fmt"
	"slices"
)

// Cart is a communicator whose ranks lie on a grid, numbered row by row: the last axis runs fastest.
// (MPI 4.0, section 8.5.)
type Cart struct {
	c        *Comm
	dims     []int
	periodic []bool
}

// maxAxes bounds the axes of a grid: more than anybody decomposes along.
const maxAxes = 32

// NewCart makes a grid of dims[0] x dims[1] x ... ranks of c. An axis of length 0 is chosen: what the others leave of the
// ranks is divided as evenly as possible among such axes, the longer ones first (as MPI_Dims_create). periodic says which
// axes close to a ring; nil is none. Where the grid has fewer places than c has ranks, the last ranks get nil. With reorder
// ranks may get other numbers than in c, so that neighbours are on one host; today they keep them. Every rank calls it with
// the same arguments; it makes a communicator of its own (one Allgather), which Close frees.
func NewCart(ctx context.Context, c *Comm, dims []int, periodic []bool, reorder bool) (*Cart, error) {
	full, places, err := chosen(dims, c.Size())
	if err == nil && periodic != nil && len(periodic) != len(dims) {
		err = fmt.Errorf("%d axes, but periodic has %d", len(dims), len(periodic))
	}
	if err != nil {
		return nil, fmt.Errorf("cart: %w", err)
	}
	if periodic == nil {
		periodic = make([]bool, len(dims))
	}
	color := 0
	if c.Rank() >= places {
		color = -1
	}
	own, err := c.Split(ctx, color, c.Rank())
	if own == nil || err != nil {
		return nil, within("cart", err)
	}
	return &Cart{c: own, dims: full, periodic: slices.Clone(periodic)}, nil
}

// chosen returns dims with its zeros chosen, and the number of places.
func chosen(dims []int, ranks int) (full []int, places int, err error) {
	if len(dims) == 0 || len(dims) > maxAxes {
		return nil, 0, fmt.Errorf("%d axes; there must be 1 to %d", len(dims), maxAxes)
	}
	full = slices.Clone(dims)
	fixed, free := 1, []int(nil)
	for axis, n := range dims {
		switch {
		case n < 0 || n > ranks:
			return nil, 0, fmt.Errorf("axis %d of length %d; there are %d ranks", axis, n, ranks)
		case n == 0:
			free = append(free, axis)
		case fixed > ranks/n:
			return nil, 0, fmt.Errorf("a grid of %v has more places than there are ranks (%d)", dims, ranks)
		default:
			fixed *= n
		}
	}
	if len(free) == 0 {
		return full, fixed, nil
	}
	if ranks%fixed != 0 {
		return nil, 0, fmt.Errorf("axes of lengths %v do not divide %d ranks; choose others or leave fewer to be chosen", dims, ranks)
	}
	for i, n := range balancedFactors(ranks/fixed, len(free)) {
		full[free[i]] = n
	}
	return full, ranks, nil
}

// balancedFactors writes n as a product of k factors in descending order that are as near to each other as the prime
// factors of n allow: each, largest first, goes to the smallest product so far.
func balancedFactors(n, k int) []int {
	out := slices.Repeat([]int{1}, k)
	var primes []int
	for f := 2; n > 1; f++ {
		if f*f > n {
			f = n
		}
		for ; n%f == 0; n /= f {
			primes = append(primes, f)
		}
	}
	for _, f := range slices.Backward(primes) {
		out[slices.Index(out, slices.Min(out))] *= f
	}
	slices.Sort(out)
	slices.Reverse(out)
	return out
}

// Comm returns the grid's communicator; it is closed with the grid.
func (g *Cart) Comm() *Comm { return g.c }

// Close frees the grid's communicator.
func (g *Cart) Close() error { return g.c.Close() }

// Dims returns the number of ranks along each axis.
func (g *Cart) Dims() []int { return slices.Clone(g.dims) }

// Coords returns the place of a rank on the grid, one coordinate an axis, or nil where there is no such rank.
func (g *Cart) Coords(rank int) []int {
	if rank < 0 || rank >= g.c.Size() {
		return nil
	}
	at := make([]int, len(g.dims))
	for axis := len(g.dims) - 1; axis >= 0; axis-- {
		at[axis] = rank % g.dims[axis]
		rank /= g.dims[axis]
	}
	return at
}

// Rank returns the rank at a place; coordinates along periodic axes wrap. -1: beyond the edge of another axis, or not one
// coordinate for each axis.
func (g *Cart) Rank(coords []int) int {
	if len(coords) != len(g.dims) {
		return -1
	}
	rank := 0
	for axis, n := range g.dims {
		x := coords[axis]
		if g.periodic[axis] {
			x = (x%n + n) % n
		}
		if x < 0 || x >= n {
			return -1
		}
		rank = rank*n + x
	}
	return rank
}

// Shift returns the ranks that this one receives from and sends to when everybody sends disp places up the axis; -1 where
// there is none beyond the edge. An axis that the grid does not have has nobody.
func (g *Cart) Shift(axis, disp int) (src, dst int) {
	if axis < 0 || axis >= len(g.dims) {
		return -1, -1
	}
	at := g.Coords(g.c.Rank())
	here := at[axis]
	at[axis] = here - disp
	src = g.Rank(at)
	at[axis] = here + disp
	return src, g.Rank(at)
}

// NeighborExchange passes toLow to the neighbour below along the axis and toHigh to the one above, and receives from them
// into fromLow and fromHigh, which must hold what they send. Beyond an edge that is not periodic there is nobody: that pair
// is left as it is. All ranks of a line call it. Four messages a rank at most, all at once.
func NeighborExchange[T Elem](ctx context.Context, g *Cart, axis int, toLow, toHigh, fromLow, fromHigh []T) error {
	if axis < 0 || axis >= len(g.dims) {
		return fmt.Errorf("neighbor exchange: the grid has no axis %d, it has %d", axis, len(g.dims))
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	low, high := g.Shift(axis, 1)
	// The tag says which way a message goes: with two ranks on a ring both neighbours are the same.
	const tagUpwards, tagDownwards = 0, 1
	var reqs []*Request
	if low >= 0 {
		reqs = append(reqs, Irecv(ctx, g.c, low, tagUpwards, fromLow), Isend(ctx, g.c, low, tagDownwards, toLow))
	}
	if high >= 0 {
		reqs = append(reqs, Irecv(ctx, g.c, high, tagDownwards, fromHigh), Isend(ctx, g.c, high, tagUpwards, toHigh))
	}
	for _, r := range reqs {
		<-r.done // they end with ctx
		if r.err != nil {
			cancel(r.err)
		}
	}
	for _, r := range reqs {
		if r.err != nil {
			return within("neighbor exchange", r.err)
		}
	}
	return nil
}
