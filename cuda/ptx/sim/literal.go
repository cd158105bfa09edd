package sim

import (
	"fmt"
	"math"
	"strconv"
)

// decimal reads 1.5e3 as the bits of a float64.
func decimal(s string) (uint64, literalKind, bool) {
	v, err := strconv.ParseFloat(s, 64)
	return math.Float64bits(v), doubleLiteral, err == nil
}

// immediate returns the bits of a number as an operand of type t, or why it is none.
func immediate(o *operand, t dtype) (uint64, string) {
	v := o.value
	switch o.lit {
	case integerLiteral:
		if t.class == float {
			return 0, fmt.Sprintf("integer constant %d for type .%s; write 0f or 0d and its bits", v, t.name)
		}
		if t.class == pred {
			if v > 1 {
				return 0, fmt.Sprintf("constant %d for a predicate", v)
			}
			return v, "" // compilers write true as -1
		}
		limit := t.mask()
		if o.minus {
			if v > limit>>1+1 {
				return 0, fmt.Sprintf("constant -%d does not fit type .%s", v, t.name)
			}
			return -v & limit, ""
		}
		if v > limit {
			return 0, fmt.Sprintf("constant %d does not fit type .%s", v, t.name)
		}
		return v, ""
	case floatLiteral:
		if t.size != 4 || t.class == signed || t.class == unsigned {
			return 0, fmt.Sprintf("float32 constant for type .%s", t.name)
		}
		if o.minus {
			v ^= 1 << 31
		}
		return v, ""
	}
	if t.class == signed || t.class == unsigned || t.size < 4 {
		return 0, fmt.Sprintf("float64 constant for type .%s", t.name)
	}
	if o.minus {
		v ^= 1 << 63
	}
	if t.size == 4 { // the language rounds a double constant to the type of the instruction
		return uint64(math.Float32bits(float32(math.Float64frombits(v)))), ""
	}
	return v, ""
}
