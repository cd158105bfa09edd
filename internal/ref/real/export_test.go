package real

import (
	"math/big"
)

// Slow64 and Slow32 are the results by math/big alone.
func (f *Func) Slow64(x, y float64) float64 {
	return f.slow(x, y, binary64)
}

func (f *Func) Slow32(x, y float32) float32 {
	return float32(f.slow(float64(x), float64(y), binary32))
}

func (f *Func) slow(x, y float64, to format) float64 {
	without := *f
	without.fast = func(float64, float64) approx { return unknown }
	return without.rounded(x, y, to)
}

// FastError is the relative error that the fast function promises, and the one that it has.
func (f *Func) FastError(x, y float64) (bound, missed float64, ok bool) {
	if f.fast == nil {
		return 0, 0, false
	}
	if _, special := f.special(x, y); special {
		return 0, 0, false
	}
	a := f.fast(x, y)
	if a.exp < -5000 || a.exp > 5000 { // beyond every float
		return 0, 0, false
	}
	v := f.exact(fewestBits, big.NewFloat(x), big.NewFloat(y))
	z := new(big.Float).SetPrec(256).Add(big.NewFloat(a.hi), big.NewFloat(a.lo))
	z.SetMantExp(z, a.exp)
	z.Sub(z, v)
	missed, _ = z.Quo(z.Abs(z), new(big.Float).Abs(v)).Float64()
	return a.rel, missed, true
}
