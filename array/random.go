package array

import (
	"fmt"
	"math"
)

// Random numbers are functions of their index and a seed (see Philox), made of ordinary ops: they are the same for every
// number of ranks, split and device, and each rank makes its own.

// Random is uniform float64 numbers in [0, 1): the upper 53 bits of element i of the seed's stream, over 2^53.
func Random(seed uint64, shape Shape, pc uintptr) *Node {
	return drawn("random", seed, shape, pc, func(g *generator) *Node {
		return g.unit(g.words(0, 1), 0)
	})
}

// RandomNormal is normal float64 numbers of mean 0 and variance 1, by Box and Muller: element i is sqrt(-2 log u) cos(2 pi v),
// u in (0, 1] being the upper 53 bits of element 2i of the stream, plus 1, over 2^53, and v in [0, 1) those of element 2i+1.
// ("A note on the generation of random normal deviates", 1958.) None is beyond 8.6.
func RandomNormal(seed uint64, shape Shape, pc uintptr) *Node {
	return drawn("random normal", seed, shape, pc, func(g *generator) *Node {
		radius := g.op(Sqrt, g.op(Multiply, g.op(Log, g.unit(g.words(0, 2), 1)), g.number(-2.0)))
		return g.op(Multiply, radius, g.op(Cos, g.op(Multiply, g.unit(g.words(1, 2), 0), g.number(2*math.Pi))))
	})
}

// RandomIntegers is int64 numbers in [lo, hi): lo plus the upper 64 bits of the product of element i of the stream and hi-lo
// (Lemire, "Fast random integer generation in an interval", 2019, without its second draw, as an element has one place
// in the stream): no number's probability is off by 2^-64 or more. ErrShape where there is no number between lo and hi.
func RandomIntegers(seed uint64, lo, hi int64, shape Shape, pc uintptr) *Node {
	if lo >= hi {
		return Failed(pc, fmt.Errorf("random integers: %w: there are none from %d up to %d; the upper bound is above the lower one", ErrShape, lo, hi))
	}
	return drawn("random integers", seed, shape, pc, func(g *generator) *Node {
		offset := CastTo(g.upper(g.words(0, 1), uint64(hi)-uint64(lo)), Int64, pc)
		return g.op(Add, offset, g.number(lo))
	})
}

// generator makes the nodes of n random numbers.
type generator struct {
	seed uint64
	n    int
	pc   uintptr
}

// drawn is what make gives, under a shape.
func drawn(name string, seed uint64, shape Shape, pc uintptr, make func(*generator) *Node) *Node {
	if err := shape.Check(); err != nil {
		return Failed(pc, fmt.Errorf("%s: %w", name, err))
	}
	n := make(&generator{seed, shape.Len(), pc})
	if len(shape) == 1 {
		return n
	}
	return Reshape(n, shape, pc)
}

func (g *generator) op(op Op, args ...*Node) *Node { return Apply(op, g.pc, args...) }

func (g *generator) number(v any) *Node {
	s, _ := ScalarFrom(v)
	return NumberOperand(s)
}

// words are the elements first, first+step, ... of the stream.
func (g *generator) words(first, step uint64) *Node {
	return g.op(Philox, newArange(ScalarOf(first), ScalarOf(step), g.n, g.pc), g.number(g.seed))
}

// unit is the upper 53 bits of words, plus more, over 2^53: exact.
func (g *generator) unit(words *Node, more uint64) *Node {
	bits := g.op(BitwiseRightShift, words, g.number(uint64(11)))
	if more != 0 {
		bits = g.op(Add, bits, g.number(more))
	}
	return g.op(Multiply, CastTo(bits, Float64, g.pc), g.number(0x1p-53))
}

// upper is the upper 64 bits of the product of words and a factor, from products of halves, none of which overflows.
func (g *generator) upper(words *Node, factor uint64) *Node {
	const low = 1<<32 - 1
	half := g.number(uint64(32))
	high := func(x *Node) *Node { return g.op(BitwiseRightShift, x, half) }
	part := func(x *Node, by uint64) *Node { return g.op(Multiply, x, g.number(by)) }
	x0, x1 := g.op(BitwiseAnd, words, g.number(uint64(low))), high(words)
	f0, f1 := factor&low, factor>>32
	middle := g.op(Add, part(x1, f0), high(part(x0, f0)))
	if f1 == 0 {
		return high(middle)
	}
	other := g.op(Add, part(x0, f1), g.op(BitwiseAnd, middle, g.number(uint64(low))))
	return g.op(Add, g.op(Add, part(x1, f1), high(middle)), high(other))
}
