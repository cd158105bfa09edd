package kern_test

import (
	"math"
	"math/big"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
	"github.com/darray-go/darray/internal/ref"
)

// The oracle computes one element at a time, on array.Scalar, and shares no code with the loops.

// compute is one element of an op in type d.
func compute(op array.Op, d array.DType, x, y array.Scalar) array.Scalar {
	switch {
	case d.Float() && op.Info().Go.Float == array.Library:
		return library(op, d, x, y)
	case op.Info().Rule == array.RuleCompare:
		return array.ScalarOf(compared(op, order(d, x, y)))
	case op.Info().Rule == array.RuleTest:
		return array.ScalarOf(tested(op, x.Float()))
	case op == array.NextAfter:
		return after(d, x, y)
	case d == array.Bool:
		return array.ScalarOf(computeBool(op, x.Bits() != 0, y.Bits() != 0))
	case d.Float():
		return array.ScalarOf(computeFloat(op, x.Float(), y.Float())).Cast(d)
	}
	a, b := x.Bits(), y.Bits()
	switch op {
	case array.Add:
		a += b
	case array.Subtract:
		a -= b
	case array.Multiply:
		a *= b
	case array.Square:
		a *= a
	case array.Negative:
		a = -a
	case array.Abs:
		if d.Signed() && int64(a) < 0 {
			a = -a
		}
	case array.Minimum:
		if order(d, x, y) > 0 {
			a = b
		}
	case array.Maximum:
		if order(d, x, y) < 0 {
			a = b
		}
	case array.Sign:
		a = uint64(order(d, x, array.ScalarFromBits(d, 0)))
	case array.BitwiseAnd:
		a &= b
	case array.BitwiseOr:
		a |= b
	case array.BitwiseXor:
		a ^= b
	case array.BitwiseInvert:
		a = ^a
	case array.Philox:
		a = ref.PhiloxAt(a, b)
	case array.FloorDivide, array.Remainder, array.Fmod, array.BitwiseLeftShift, array.BitwiseRightShift, array.Pow:
		a = computeBig(op, d, bigOf(d, a), bigOf(d, b))
	}
	return array.ScalarFromBits(array.Uint64, a).Cast(d)
}

// bigOf is an integer of type d by its bits.
func bigOf(d array.DType, bits uint64) *big.Int {
	if d.Signed() {
		return big.NewInt(int64(bits))
	}
	return new(big.Int).SetUint64(bits)
}

// computeBig computes without bounds and gives the low 64 bits; 0 where the result is an error.
func computeBig(op array.Op, d array.DType, a, b *big.Int) uint64 {
	z := new(big.Int)
	switch op {
	case array.FloorDivide, array.Remainder, array.Fmod:
		if b.Sign() == 0 {
			return 0
		}
		q, r := new(big.Int).QuoRem(a, b, new(big.Int))
		if op != array.Fmod && r.Sign()*b.Sign() < 0 {
			q.Sub(q, big.NewInt(1))
			r.Add(r, b)
		}
		if z = r; op == array.FloorDivide {
			z = q
		}
	case array.Pow:
		if b.Sign() < 0 {
			return 0
		}
		z.Exp(a, b, new(big.Int).Lsh(big.NewInt(1), 64))
	case array.BitwiseLeftShift:
		if b.Sign() >= 0 && b.Cmp(big.NewInt(int64(8*d.Size()))) < 0 {
			z.Lsh(a, uint(b.Uint64()))
		}
	case array.BitwiseRightShift:
		if b.Sign() < 0 || b.Cmp(big.NewInt(64)) > 0 {
			b = big.NewInt(64)
		}
		z.Rsh(a, uint(b.Uint64())) // rounds down
	}
	return z.And(z, new(big.Int).SetUint64(math.MaxUint64)).Uint64()
}

// tested is a test of a float.
func tested(op array.Op, x float64) bool {
	const exponent, fraction = 0x7ff << 52, 1<<52 - 1
	bits := math.Float64bits(x)
	switch op {
	case array.SignBit:
		return bits>>63 == 1
	case array.IsNaN:
		return bits&exponent == exponent && bits&fraction != 0
	case array.IsInf:
		return bits&exponent == exponent && bits&fraction == 0
	}
	return bits&exponent != exponent
}

// after is the next float of type d: floats lie in the order of their bits, as sign and magnitude.
func after(d array.DType, x, y array.Scalar) array.Scalar {
	toward := order(d, x, y)
	switch {
	case toward == 0:
		return y
	case toward == 2:
		return array.ScalarOf(math.NaN()).Cast(d)
	}
	sign := uint64(1) << (8*d.Size() - 1)
	bits := word(x)
	switch up := toward < 0; {
	case bits&^sign == 0 && up:
		bits = 1
	case bits&^sign == 0:
		bits = sign | 1
	case up == (bits&sign == 0):
		bits++
	default:
		bits--
	}
	if d == array.Float32 {
		return array.ScalarOf(math.Float32frombits(uint32(bits)))
	}
	return array.ScalarOf(math.Float64frombits(bits))
}

// library is an op that package vmath computes, by its function of one element: what is held here is that all loops have its
// bits. How far those are from the exact value, vmath's own tests say.
func library(op array.Op, d array.DType, x, y array.Scalar) array.Scalar {
	of := array.View[uint64](array.AllocBytes(64))
	of[1], of[2] = word(x), word(y)
	operand := func(i int) []byte { return array.Bytes(of[i : i+1])[:d.Size()] }
	scalarLoops.Element(op, d, kern.VV)(operand(0), operand(1), operand(2), nil, 1)
	return vector{dtype: d, whole: operand(0), n: 1}.get(0)
}

var scalarLoops = kern.New(kern.Go)

// order is -1, 0 or 1 as x is below, equal to or above y, and 2 where they do not compare.
func order(d array.DType, x, y array.Scalar) int {
	switch {
	case d.Float():
		a, b := x.Float(), y.Float()
		switch {
		case math.IsNaN(a) || math.IsNaN(b):
			return 2
		case a-b < 0 || a < b:
			return -1
		case a == b:
			return 0
		}
		return 1
	case x.Bits() == y.Bits():
		return 0
	case d.Signed() && int64(x.Bits()) < int64(y.Bits()), !d.Signed() && x.Bits() < y.Bits():
		return -1
	}
	return 1
}

func compared(op array.Op, order int) bool {
	switch op {
	case array.Equal:
		return order == 0
	case array.NotEqual:
		return order != 0
	case array.Less:
		return order == -1
	case array.LessEqual:
		return order == -1 || order == 0
	case array.Greater:
		return order == 1
	}
	return order == 0 || order == 1
}

func computeBool(op array.Op, x, y bool) bool {
	switch op {
	case array.Add, array.Maximum, array.LogicalOr:
		return x || y
	case array.Multiply, array.Minimum, array.LogicalAnd:
		return x && y
	case array.LogicalXor, array.BitwiseXor:
		return x != y
	case array.LogicalNot, array.BitwiseInvert:
		return !x
	case array.BitwiseAnd:
		return x && y
	case array.BitwiseOr:
		return x || y
	}
	return x // abs and what rounds
}

// computeFloat works in float64 for both types: for these ops, rounding its result to float32 gives what float32
// arithmetic gives, as 53 bits are more than twice 24 and two (Figueroa 1995).
func computeFloat(op array.Op, a, b float64) float64 {
	if (op == array.Minimum || op == array.Maximum) && (math.IsNaN(a) || math.IsNaN(b)) {
		return math.NaN() // math.Min puts -Inf before NaN, IEEE 754 does not
	}
	switch op {
	case array.Add:
		return a + b
	case array.Subtract:
		return a - b
	case array.Multiply:
		return a * b
	case array.Divide:
		return a / b
	case array.Negative:
		return -a
	case array.Abs:
		return math.Abs(a)
	case array.Sqrt:
		return math.Sqrt(a)
	case array.Square:
		return a * a
	case array.Minimum:
		return math.Min(a, b)
	case array.Maximum:
		return math.Max(a, b)
	case array.Reciprocal:
		return 1 / a
	case array.Positive:
		return a
	case array.CopySign:
		return math.Float64frombits(math.Float64bits(a)&^(1<<63) | math.Float64bits(b)&(1<<63))
	case array.Sign:
		switch {
		case a == 0:
			return 0
		case math.IsNaN(a):
			return a
		}
		return math.Copysign(1, a)
	case array.Floor, array.Ceil, array.Trunc, array.Round:
		return whole(op, a)
	}
	return math.NaN()
}

// whole rounds by the whole part and the fraction, both with the sign of a.
func whole(op array.Op, a float64) float64 {
	n, fraction := math.Modf(a)
	switch half := math.Abs(fraction); {
	case math.IsInf(a, 0):
		return a
	case op == array.Floor && fraction < 0, op == array.Round && a < 0 && (half > 0.5 || half == 0.5 && math.Mod(n, 2) != 0):
		return n - 1
	case op == array.Ceil && fraction > 0, op == array.Round && a > 0 && (half > 0.5 || half == 0.5 && math.Mod(n, 2) != 0):
		return n + 1
	}
	return n
}

// computeFused is one op after the other.
func computeFused(op kern.Fused, d array.DType, x, y, z array.Scalar) array.Scalar {
	product := compute(array.Multiply, d, x, y)
	switch op {
	case kern.MulAdd:
		return compute(array.Add, d, product, z)
	case kern.MulSub:
		return compute(array.Subtract, d, product, z)
	}
	return compute(array.Subtract, d, z, product)
}

// pick is y where x, else z.
func pick(x, y, z array.Scalar) array.Scalar {
	if x.Bits() != 0 {
		return y
	}
	return z
}

// same reports equality bit for bit, any NaN with any NaN.
func same(x, y array.Scalar) bool {
	return x == y || x.DType() == y.DType() && x.DType().Float() && math.IsNaN(x.Float()) && math.IsNaN(y.Float())
}
