package real

import "math/big"

// bits is a working precision. Its methods are big.Float's operations rounded to that many bits, each with a relative error of
// at most 2^-bits, into a number of their own.
type bits uint

// guard is how many bits the functions of this package work with beyond those that they promise. Each does fewer than 2^12
// rounded operations, none of which magnifies an error by more than 2^16 that it does not pay for with bits of its own, so that
// half of them would do.
const guard = 64

func (w bits) new() *big.Float                       { return new(big.Float).SetPrec(uint(w)) }
func (w bits) of(x float64) *big.Float               { return w.new().SetFloat64(x) }
func (w bits) int(n int64) *big.Float                { return w.new().SetInt64(n) }
func (w bits) add(x, y *big.Float) *big.Float        { return w.new().Add(x, y) }
func (w bits) sub(x, y *big.Float) *big.Float        { return w.new().Sub(x, y) }
func (w bits) mul(x, y *big.Float) *big.Float        { return w.new().Mul(x, y) }
func (w bits) quo(x, y *big.Float) *big.Float        { return w.new().Quo(x, y) }
func (w bits) neg(x *big.Float) *big.Float           { return w.new().Neg(x) }
func (w bits) abs(x *big.Float) *big.Float           { return w.new().Abs(x) }
func (w bits) sqrt(x *big.Float) *big.Float          { return w.new().Sqrt(x) }
func (w bits) over(x *big.Float, n int64) *big.Float { return w.quo(x, w.int(n)) }

// scaled is x * 2^n, exactly if x has no more bits than w.
func (w bits) scaled(x *big.Float, n int) *big.Float { return w.new().SetMantExp(x, n) }

// negligible reports whether adding term to sum changes nothing that w bits show.
func (w bits) negligible(term, sum *big.Float) bool {
	return term.Sign() == 0 || term.MantExp(nil) < sum.MantExp(nil)-int(w)-2
}

// small reports whether |x| < 2^e.
func small(x *big.Float, e int) bool { return x.Sign() == 0 || x.MantExp(nil) <= e }

// size is the e for which 2^(e-1) <= |x| < 2^e, and 0 for what is smaller than one.
func size(x *big.Float) bits {
	if x.Sign() == 0 {
		return 0
	}
	return bits(max(0, x.MantExp(nil)))
}

// nearest is the integer nearest to x, which must be below 2^62 in size.
func nearest(x *big.Float) int64 {
	half := big.NewFloat(0.5)
	if x.Sign() < 0 {
		half.Neg(half)
	}
	n, _ := new(big.Float).SetPrec(x.Prec()+2).Add(x, half).Int64()
	return n
}
