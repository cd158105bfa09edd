package ptx

import (
	"fmt"
	"math/bits"

	"github.com/darray-go/darray/array"
)

// axis is neighbouring axes [lo, hi) of a domain that one stride goes through.
type axis struct{ lo, hi, extent, stride int }

// collapse gives the axes from the last to the first, as few as pick the same elements: those that are never left out, and
// at the front those that repeat. None where every element of the domain picks the operand's first.
func collapse(domain array.Shape, strides []int) []axis {
	var out []axis
	for i := len(domain) - 1; i >= 0; i-- {
		last := len(out) - 1
		switch {
		case domain[i] == 1:
		case last >= 0 && strides[i] == out[last].stride*out[last].extent:
			out[last].lo = i
			out[last].extent *= domain[i]
		default:
			out = append(out, axis{i, i + 1, domain[i], strides[i]})
		}
	}
	for len(out) > 0 && out[len(out)-1].stride == 0 {
		out = out[:len(out)-1]
	}
	return out
}

// picked is the index of the element of a broadcast operand that a slot's element picks: the sum over its axes of the
// coordinate times the stride. Extents and strides are parameters.
func (k *kernel) picked(input, s int) string {
	in := &k.graph.program.Inputs[input]
	domain := k.graph.program.Domain
	axes := collapse(domain, in.Strides)
	index, outer := "", k.position(s)
	for i, a := range axes {
		coordinate := outer
		if first := i == len(axes)-1; !first || !k.outermost(a.lo) {
			extent, quotient := k.divided(a, outer, s)
			if a.stride != 0 {
				coordinate = k.derive(s, fmt.Sprint("coordinate", a.lo, " ", a.hi), func() string {
					return k.word("sub.s64", outer, k.word("mul.lo.s64", quotient, extent))
				})
			}
			outer = quotient
		}
		if a.stride == 0 {
			continue
		}
		stride := k.derive(k.slots, fmt.Sprint("stride", input, " ", a.lo), func() string { return k.literal(uint64(a.stride)) })
		if index == "" {
			index = k.word("mul.lo.s64", coordinate, stride)
		} else {
			index = k.word("mad.lo.s64", coordinate, stride, index)
		}
	}
	return index
}

// outermost reports whether no axis before lo has more than one element.
func (k *kernel) outermost(lo int) bool {
	for _, d := range k.graph.program.Domain[:lo] {
		if d != 1 {
			return false
		}
	}
	return true
}

// divided is an index of the domain's axes up to a.hi divided by the extent of a, in a register too: the index of those up
// to a.lo. The quotient is the upper word of a product with a number that the host finds (Granlund and Montgomery, "Division
// by invariant integers using multiplication", 1994), for indices below 2^63.
func (k *kernel) divided(a axis, index string, s int) (extent, quotient string) {
	name := fmt.Sprint(a.lo, " ", a.hi)
	multiplier, shift := divisor(uint64(a.extent))
	extent = k.derive(k.slots, "extent"+name, func() string { return k.literal(uint64(a.extent)) })
	m := k.derive(k.slots, "multiplier"+name, func() string { return k.literal(multiplier) })
	by := k.derive(k.slots, "shift"+name, func() string { return k.half("cvt.u32.u64", k.literal(shift)) })
	return extent, k.derive(s, fmt.Sprint("quotient", a.lo), func() string {
		return k.word("shr.u64", k.word("mul.hi.u64", index, m), by)
	})
}

// divisor gives the numbers that divide by d, at least 2: n/d is the upper word of n*multiplier, shifted right, for n below
// 2^63. The multiplier is 2^(63+l)/d, rounded up, with 2^l the least power of two that is not below d.
func divisor(d uint64) (multiplier, shift uint64) {
	if d < 2 {
		return 0, 0 // of an empty domain, which has no element
	}
	l := uint64(bits.Len64(d - 1))
	upper, lower := uint64(1)<<(l-1), uint64(0) // 2^(63+l) as two words
	quotient, rest := bits.Div64(upper, lower, d)
	if rest > 0 {
		quotient++
	}
	return quotient, l - 1
}
