package cpu

import (
	"math/bits"

	"github.com/darray-go/darray/array"
)

// loop is an op over the elements of a chunk; a unary one leaves y alone. Bool registers hold a byte an element, 0 or 1,
// and as many bytes as fill whole words, so loops take their length from a slice that is not of bools where there is one.
type loop func(dst, x, y []byte)

// pick is where over the elements of a chunk.
type pick func(dst, cond, x, y []byte)

// fold is a reduction over a leaf: from the bits of the identity to the bits of the accumulator.
type fold func(leaf []byte, identity uint64) uint64

type integer interface {
	int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64
}

type float interface{ float32 | float64 }

type number interface{ integer | float }

// unsigned are the types for moving elements of their size.
type unsigned interface {
	uint8 | uint16 | uint32 | uint64
}

// ones is eight bools that are true.
const ones = 0x0101010101010101

// kernel finds the loop of an instruction; nil, nil where it is not defined, or works on validity alone.
func kernel(p *array.Program, instr *array.Instr) (loop, pick) {
	switch {
	case instr.Op == array.Cast:
		return casts(instr.In, instr.Out), nil
	case instr.Op == array.Where:
		return nil, bySize(instr.Out, where[uint8], where[uint16], where[uint32], where[uint64])
	case int(instr.Op) < len(loops):
		return loops[instr.Op][instr.In], nil
	}
	return nil, nil
}

// bySize picks the instance of a loop that only moves elements.
func bySize[F any](d array.DType, f8, f16, f32, f64 F) F {
	switch d.Size() {
	case 1:
		return f8
	case 2:
		return f16
	case 4:
		return f32
	}
	return f64
}

// reduces reports whether the reduction is defined for operands of type d.
func reduces(op array.Op, d array.DType) bool {
	return op.Valid() && op.IsReduction() && (op == array.Count || foldOf(op, d) != nil)
}

func foldOf(op array.Op, d array.DType) fold {
	if int(op) >= len(folds) {
		return nil
	}
	return folds[op][d]
}

// truth is a bool as a register holds it.
func truth(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

// absInt is the absolute value; the least signed integer wraps to itself.
func absInt[T integer](x T) T {
	if x < 0 {
		return -x
	}
	return x
}

// where is dst[i] = x[i] where cond[i], else y[i], without a branch.
func where[T unsigned](dst, cond, x, y []byte) {
	d := array.View[T](dst)
	a, b, c := array.View[T](x)[:len(d)], array.View[T](y)[:len(d)], cond[:len(d)]
	for i := range d {
		d[i] = b[i] ^ (a[i]^b[i])&-T(c[i])
	}
}

// blend is dst[i] = x[i] where bit i of valid is set, else y[i].
func blend[T unsigned](dst []byte, valid *mask, x, y []byte) {
	copy(dst, x)
	d := array.View[T](dst)
	b := array.View[T](y)[:len(d)]
	for lo := 0; lo < len(d); lo += 64 {
		for nulls := ^valid[lo/64]; nulls != 0; nulls &= nulls - 1 {
			if i := lo + bits.TrailingZeros64(nulls); i < len(d) {
				d[i] = b[i]
			}
		}
	}
}

// replace is dst[i] = x[i] where bit i of valid is set, else the value with these bits.
func replace[T unsigned](dst []byte, valid *mask, x []byte, value uint64) {
	copy(dst, x)
	d := array.View[T](dst)
	for lo := 0; lo < len(d); lo += 64 {
		for nulls := ^valid[lo/64]; nulls != 0; nulls &= nulls - 1 {
			if i := lo + bits.TrailingZeros64(nulls); i < len(d) {
				d[i] = T(value)
			}
		}
	}
}
