package real

import (
	"math"
	"math/big"
	"sync"
)

// What the fast functions look up, made by the exact ones when first asked for. An entry is right to 2^-106.
type fastTables struct {
	ln2, ln10, overLn2, overLn10, pi, halfPi, twoOverRootPi, overRootPi dd
	// ln2/64 in three parts: the first has 32 bits, so that its product with a number of 20 bits is exact.
	step      float64
	stepRest  dd
	power     [64]dd // 2^(i/64)
	inverse   [expTerms]dd
	logs      [logSteps]logStep
	odd       [8]dd // 2/(2i+1)
	atan      [atanSteps + 1]dd
	arc       [9]dd // (-1)^i/(2i+1)
	sin, cos  [15]dd
	twoOverPi [22]uint64 // the bits of 2/pi after the point, the highest first
	erf       [24]dd     // of the series of erf(x)/x in x^2
	erfc      [erfcSteps]erfcStep
}

const (
	expTerms  = 12 // r^12/13! < 2^-120 of r for |r| < ln2/128
	logSteps  = 48 // m from 45/64 to 92/64
	logLow    = 44
	atanSteps = 64
)

// logStep is the reciprocal of a point as a float64 of 20 bits, and the logarithm of that number's reciprocal.
type logStep struct {
	inverse float64
	log     dd
}

const tableBits = bits(160)

var tables = sync.OnceValue(func() *fastTables {
	const w = tableBits
	t := &fastTables{
		ln2: double(ln2()), ln10: double(ln10()), pi: double(pi()), halfPi: double(w.over(pi(), 2)),
		overLn2: double(w.quo(w.int(1), ln2())), overLn10: double(w.quo(w.int(1), ln10())),
		overRootPi:    double(w.quo(w.int(1), w.sqrt(pi()))),
		twoOverRootPi: double(w.quo(w.int(2), w.sqrt(pi()))),
	}
	short, _ := new(big.Float).SetPrec(32).Quo(ln2(), w.int(64)).Float64()
	t.step, t.stepRest = short, double(w.sub(w.over(ln2(), 64), w.of(short)))
	for i := range t.power {
		t.power[i] = double(exp2(w, w.of(float64(i)/64)))
	}
	factorial := w.int(1)
	for i := range t.inverse { // 1/(i+1)!
		factorial = w.mul(factorial, w.int(int64(i+1)))
		t.inverse[i] = double(w.quo(w.int(1), factorial))
	}
	for i := range t.logs {
		m := float64(i+logLow) / 64
		short, _ := new(big.Float).SetPrec(20).Quo(w.int(1), w.of(m)).Float64()
		t.logs[i] = logStep{inverse: short}
		if short != 1 {
			t.logs[i].log = double(w.neg(log(w, w.of(short))))
		}
	}
	for i := range t.odd {
		t.odd[i] = double(w.over(w.int(2), int64(2*i+1)))
	}
	for i := range t.arc {
		t.arc[i] = double(w.over(w.int(int64(1-i%2*2)), int64(2*i+1)))
	}
	for i := 1; i <= atanSteps; i++ {
		t.atan[i] = double(atan(w, w.of(float64(i)/atanSteps)))
	}
	term := w.int(1)
	for i := range t.sin {
		t.cos[i] = double(term)
		term = w.over(term, int64(2*i+1))
		t.sin[i] = double(term)
		term = w.over(term, -int64(2*i+2))
	}
	series := w.quo(w.int(2), w.sqrt(pi())) // 2/sqrt(pi) (-1)^i / (i! (2i+1))
	for i := range t.erf {
		t.erf[i] = double(w.over(series, int64(2*i+1)))
		series = w.over(series, -int64(i+1))
	}
	wide := bits(64*len(t.twoOverPi) + 2*guard)
	ratio := wide.quo(wide.int(2), pi())
	digits, _ := ratio.SetMantExp(ratio, 64*len(t.twoOverPi)).Int(nil)
	for i := len(t.twoOverPi) - 1; i >= 0; i-- {
		t.twoOverPi[i] = new(big.Int).And(digits, new(big.Int).SetUint64(math.MaxUint64)).Uint64()
		digits.Rsh(digits, 64)
	}
	t.fillErfc()
	return t
})
