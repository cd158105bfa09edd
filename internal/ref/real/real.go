// Package real computes the real functions of the op table rounded correctly: to the float64 or float32 nearest to the exact
// value, ties to even, and says by how many ulp another result misses the exact value. It judges exec/cpu/vmath, takes nothing
// from there, and uses no transcendental function of package math, some of which are wrong (math.Exp near its overflow).
//
// What rests on what:
//
//   - exp.go, trig.go, hyperbolic.go, erf.go: series and identities on math/big, to any precision. They are the definition.
//     Their results were compared with MPFR's, bit by bit (testdata/README.md).
//   - round.go: Ziv's loop. The precision is raised until the interval that the error leaves lies between two midpoints.
//     Only a value that is a midpoint never gets there; pow, hypot, cbrt, exp2 meet those by exact arithmetic.
//   - special.go: what the standards say of zeros, infinities, NaN and the edges of a domain, as literals.
//   - approx.go, dd.go and the files named fast*: the same functions in double-double arithmetic, 50 times as fast, with an error bound
//     that their test holds against math/big. Where the bound leaves a rounding open, math/big decides.
package real

import (
	"math"
	"math/big"
)

// A Func is one function of one or two real operands, named as the op table names it. Float32 operands are float64 operands
// that happen to have few bits: only the rounding of the result differs.
type Func struct {
	Name  string
	Arity int

	// special is the result where the standards name one, or where the value is exact: for zeros, infinities, NaN, arguments
	// outside the domain. ok is false where exact is to be asked.
	special func(x, y float64) (z float64, ok bool)
	// exact is the value with a relative error below 2^-p, for finite arguments that special leaves.
	exact func(p bits, x, y *big.Float) *big.Float
	// tie is the exact value where it is rational and may be a midpoint of two floats. It may be nil.
	tie func(x, y float64) (*big.Float, bool)
	// fast is the value with an error bound of its own, or unknown.
	fast func(x, y float64) approx
	// round is the correctly rounded result for what needs no approximation. It is nil, or exact and fast are.
	round func(x, y float64, f format) float64
}

// Find is the function of a name, nil if there is none.
func Find(name string) *Func {
	for i := range table {
		if table[i].Name == name {
			return &table[i]
		}
	}
	return nil
}

// All are the functions in the order of the op table. The caller owns the slice.
func All() []*Func {
	all := make([]*Func, len(table))
	for i := range table {
		all[i] = &table[i]
	}
	return all
}

var table = []Func{
	{Name: "nextafter", Arity: 2, round: nextAfter},
	{Name: "floor_divide", Arity: 2, round: floorDivide},
	{Name: "remainder", Arity: 2, round: remainder},
	{Name: "fmod", Arity: 2, round: fmod},
	{Name: "exp", Arity: 1, special: specialExp, exact: clipped(exp), fast: fastExp},
	{Name: "exp2", Arity: 1, special: specialExp2, exact: clipped(exp2), fast: fastExp2},
	{Name: "expm1", Arity: 1, special: specialExpm1, exact: clipped(expm1), fast: fastExpm1},
	{Name: "log", Arity: 1, special: specialLog, exact: unary(log), fast: fastLog},
	{Name: "log2", Arity: 1, special: specialLog, exact: unary(log2), fast: fastLog2},
	{Name: "log10", Arity: 1, special: specialLog, exact: unary(log10), fast: fastLog10},
	{Name: "log1p", Arity: 1, special: specialLog1p, exact: unary(log1p), fast: fastLog1p},
	{Name: "logaddexp", Arity: 2, special: specialLogAddExp, exact: logAddExp, fast: fastLogAddExp},
	{Name: "pow", Arity: 2, special: specialPow, exact: pow, tie: tiePow, fast: fastPow},
	{Name: "cbrt", Arity: 1, special: specialOdd, exact: unary(cbrt), fast: fastCbrt},
	{Name: "hypot", Arity: 2, special: specialHypot, exact: hypot, tie: tieHypot, fast: fastHypot},
	{Name: "sin", Arity: 1, special: specialSin, exact: unary(sin), fast: fastSin},
	{Name: "cos", Arity: 1, special: specialCos, exact: unary(cos), fast: fastCos},
	{Name: "tan", Arity: 1, special: specialSin, exact: unary(tan), fast: fastTan},
	{Name: "asin", Arity: 1, special: specialAsin, exact: unary(asin), fast: fastAsin},
	{Name: "acos", Arity: 1, special: specialAcos, exact: unary(acos), fast: fastAcos},
	{Name: "atan", Arity: 1, special: specialAtan, exact: unary(atan), fast: fastAtan},
	{Name: "atan2", Arity: 2, special: specialAtan2, exact: atan2, fast: fastAtan2},
	{Name: "sinh", Arity: 1, special: specialOdd, exact: clipped(sinh), fast: fastSinh},
	{Name: "cosh", Arity: 1, special: specialCosh, exact: clipped(cosh), fast: fastCosh},
	{Name: "tanh", Arity: 1, special: specialTanh, exact: unary(tanh), fast: fastTanh},
	{Name: "asinh", Arity: 1, special: specialOdd, exact: unary(asinh), fast: fastAsinh},
	{Name: "acosh", Arity: 1, special: specialAcosh, exact: unary(acosh), fast: fastAcosh},
	{Name: "atanh", Arity: 1, special: specialAtanh, exact: unary(atanh), fast: fastAtanh},
	{Name: "erf", Arity: 1, special: specialTanh, exact: unary(erf), fast: fastErf},
	{Name: "erfc", Arity: 1, special: specialErfc, exact: unary(erfc), fast: fastErfc},
}

func unary(f func(bits, *big.Float) *big.Float) func(bits, *big.Float, *big.Float) *big.Float {
	return func(p bits, x, _ *big.Float) *big.Float { return f(p, x) }
}

// clipped asks f for no argument beyond most: there the value is beyond every float on the same side, or one of its limits
// to more bits than are ever asked for.
func clipped(f func(bits, *big.Float) *big.Float) func(bits, *big.Float, *big.Float) *big.Float {
	return func(p bits, x, _ *big.Float) *big.Float {
		if !small(x, 13) {
			x = new(big.Float).SetMantExp(big.NewFloat(float64(x.Sign())), 13)
		}
		return f(p, x)
	}
}

// Round64 is the float64 nearest to the exact value. A unary function takes no second operand, or one that it ignores.
func (f *Func) Round64(x ...float64) float64 {
	a, b := operands(x)
	return f.rounded(a, b, binary64)
}

// Round32 is the float32 nearest to the exact value, rounded once.
func (f *Func) Round32(x ...float32) float32 {
	a, b := operands(x)
	return float32(f.rounded(a, b, binary32))
}

func operands[T float32 | float64](x []T) (a, b float64) {
	return float64(x[0]), float64(x[len(x)-1])
}

func (f *Func) rounded(x, y float64, to format) float64 {
	if f.round != nil {
		return f.round(x, y, to)
	}
	if z, ok := f.special(x, y); ok {
		return to.rounded(z)
	}
	if z, ok := f.fast(x, y).rounded(to); ok {
		return z
	}
	return f.ziv(x, y, to)
}

// Exact is the value with a relative error below 2^-prec, and nil where it is no finite number other than 0.
// Beyond 2^±8192 it is only known to be that large or small.
func (f *Func) Exact(prec uint, x ...float64) *big.Float {
	a, b := operands(x)
	if f.round != nil {
		return nil
	}
	if z, ok := f.special(a, b); ok {
		if z == 0 || z != z || math.IsInf(z, 0) {
			return nil
		}
		if a-a != 0 || b-b != 0 { // a limit: special rounded it
			return nil
		}
		return new(big.Float).SetFloat64(z)
	}
	return f.exact(bits(prec), big.NewFloat(a), big.NewFloat(b))
}
