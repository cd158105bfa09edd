package ptx

import "github.com/darray-go/darray/array"

// cost is about how many instructions a value takes, from which the number of slots follows. It need not be exact: what
// matters is that a program of sums and products has several slots, and one with a division of integers or two exponentials
// has few.
func (g *graph) cost(v *value) int {
	const (
		division = 20  // of floats, as the machine's
		integer  = 40  // division
		byBits   = 100 // a power
		bitmap   = 5   // of which slots share the address
		axes     = 25  // two quotients
		rounds   = 90  // of philox
	)
	switch v.from {
	case operandValid:
		return bitmap
	case operand:
		if v.out == array.Bool {
			return bitmap
		}
		return 3
	case gathered, gatheredOK:
		return axes
	case applied:
	default:
		return 2
	}
	switch v.op {
	case array.Divide, array.Sqrt, array.Reciprocal:
		return division
	case array.FloorDivide, array.Remainder, array.Fmod, array.Pow:
		switch {
		case v.in.Float():
			return libraryCost(v)
		case v.op == array.Pow:
			return byBits
		}
		return integer
	case array.NextAfter:
		return 15
	case array.Philox:
		return rounds
	}
	if v.op.Info().Go.Float == array.Library {
		return libraryCost(v)
	}
	return 2
}

// libraryCost is the steps of a function's description.
func libraryCost(v *value) int {
	_, p := describedBy(v.op, v.in)
	return len(p.Nodes)
}
