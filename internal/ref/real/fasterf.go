package real

import "math"

// Above 1/2, erfc(x) = e^(-x^2) w(x), and w by its Taylor series about a point near by: 16 points to each binade up to 32. The
// coefficients come from w' = 2xw - 2/sqrt(pi), which loses as many bits as it has left over in double the working precision.
const (
	erfcSteps = 6 * 16
	erfcTerms = 24
	erfcTop   = 28 // erfc(27.3) is below every float64
)

type erfcStep struct {
	at float64
	c  [erfcTerms]dd
}

func (t *fastTables) fillErfc() {
	const w = bits(320)
	rootPi := w.quo(w.int(2), w.sqrt(pi()))
	for i := range t.erfc {
		step := &t.erfc[i]
		step.at = math.Ldexp(1+(float64(i%16)+0.5)/16, i/16-1)
		at := w.of(step.at)
		square := w.mul(at, at)
		// c[n+1] = (2 at c[n] + 2 c[n-1]) / (n+1), and -2/sqrt(pi) in the first.
		last, c := w.new(), w.mul(erfc(w, at), exp(w, square))
		for n := range step.c {
			step.c[n] = double(c)
			next := w.scaled(w.add(w.mul(at, c), last), 1)
			if n == 0 {
				next = w.sub(next, rootPi)
			}
			last, c = c, w.over(next, int64(n+1))
		}
	}
}

// erfcDD is erfc(x) = z 2^k for 1/2 <= x < 32.
func (t *fastTables) erfcDD(x float64) (z dd, k int) {
	m, e := math.Frexp(x) // 2m in [1, 2)
	step := &t.erfc[e*16+int((2*m-1)*16)]
	w := horner(one(x-step.at), step.c[:], 14)
	g, k := t.exp(twoProduct(x, x).neg())
	return g.mul(w), k
}

// erfDD is erf(x) for |x| <= 1/2.
func (t *fastTables) erfDD(x float64) dd {
	return horner(twoProduct(x, x), t.erf[:], 12).times(x)
}

func fastErf(x, _ float64) approx {
	t := tables()
	switch a := math.Abs(x); {
	case a < tinyBelow:
		m, e := fraction(x)
		return approx{t.twoOverRootPi.mul(m), e, fine}
	case a < 0.5:
		return approx{t.erfDD(x), 0, fine}
	case a < 10:
		z, k := t.erfcDD(a)
		return approx{z.scaled(k).neg().plus(1).times(math.Copysign(1, x)), 0, fine}
	}
	return approx{one(math.Copysign(1, x)), 0, fine}
}

func fastErfc(x, _ float64) approx {
	t := tables()
	switch a := math.Abs(x); {
	case a < 0x1p-120:
		return approx{dd{1, -x}, 0, fine}
	case a < 0.5:
		return approx{t.erfDD(x).neg().plus(1), 0, fine}
	case x >= erfcTop:
		return approx{one(1), -most, fine}
	case x > 0:
		z, k := t.erfcDD(x)
		return approx{z, k, fine}
	case x <= -10:
		return approx{one(2), 0, fine}
	default:
		z, k := t.erfcDD(a)
		return approx{z.scaled(k).neg().plus(2), 0, fine}
	}
}
