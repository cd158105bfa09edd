package array

import (
	"fmt"
	"math"
)

// Promote gives the common element type of two arrays by NumPy 2's rule (NEP 50): the smallest type that holds both;
// signed with unsigned goes to the next larger signed type, int64 with uint64 and large integers with float32 to float64.
func Promote(a, b DType) DType {
	if a == b {
		return a
	}
	if a > b {
		a, b = b, a
	}
	switch {
	case a == Bool:
		return b
	case b == Float64:
		return Float64
	case b == Float32:
		if a.Size() <= 2 { // a 24-bit significand holds 16-bit integers
			return Float32
		}
		return Float64
	case a.Signed() == b.Signed():
		return b // within a kind the order is by size
	}
	// a signed, b unsigned
	if a.Size() > b.Size() {
		return a
	}
	switch b {
	case Uint8:
		return Int16
	case Uint16:
		return Int32
	case Uint32:
		return Int64
	}
	return Float64
}

// promoteWeak gives the element type of an array of type d with a Go number: the array's own type wherever the number's
// kind allows it (NEP 50), else the default type of the number's kind.
func promoteWeak(d DType, s Scalar) DType {
	switch {
	case s.dtype.Float() && !d.Float():
		return Float64
	case s.dtype.Integer() && d == Bool:
		return Int64
	}
	return d
}

// common is the rule for any number of operands: arrays promote among themselves, then weak scalars follow.
func common(args []*Node) (DType, error) {
	out := Invalid
	for _, a := range args {
		if a.weak {
			continue
		}
		if out == Invalid {
			out = a.dtype
		} else {
			out = Promote(out, a.dtype)
		}
	}
	if out == Invalid { // Go numbers only
		for _, a := range args {
			if out == Invalid {
				out = a.dtype
			} else {
				out = Promote(out, a.dtype)
			}
		}
		return out, nil
	}
	for _, a := range args {
		if a.weak {
			out = promoteWeak(out, a.scalar)
		}
	}
	for _, a := range args {
		if a.weak && !a.scalar.fits(out) {
			return out, fmt.Errorf("%w: %s does not fit %s; cast the array to a larger type first", ErrDType, a.scalar, out)
		}
	}
	return out, nil
}

// floating is the rule of divide, sqrt and their kin: floats stay, integers go to the smallest float type that holds
// them exactly where there is one (bool, 8 and 16 bits: float32 for sqrt), else float64.
func floating(d DType) DType {
	if d.Float() {
		return d
	}
	if d.Size() <= 2 {
		return Float32
	}
	return Float64
}

// fits reports whether s is a value of the integer type d; floats and bools always fit the types that promoteWeak gives.
func (s Scalar) fits(d DType) bool {
	if !d.Integer() || !s.dtype.Integer() {
		return true
	}
	if s.dtype == Uint64 && s.bits > math.MaxInt64 {
		return d == Uint64
	}
	v := int64(s.bits)
	if d.Unsigned() {
		return v >= 0 && (d == Uint64 || uint64(v) < 1<<(8*d.Size()))
	}
	limit := int64(1) << (8*d.Size() - 1)
	return d == Int64 || (v >= -limit && v < limit)
}
