package vmath

import "github.com/darray-go/darray/internal/lanes"

// inWays is the polynomial cs[0] + cs[1]*x + ... by Horner's rule in x^ways (a power of two), for each residue of the exponents
// apart: so many chains that do not wait for each other, and hardly an instruction but the additions of terms. cs[0] is added
// last, so that the sum has the error of one rounding where x is small.
func inWays(x lanes.F, ways int, cs ...float64) lanes.F {
	first, cs := cs[0], cs[1:]
	step := x
	for k := 1; k < ways; k *= 2 {
		step = step.Mul(step)
	}
	chains := make([]lanes.F, min(ways, len(cs)))
	for w := range chains {
		i := w + (len(cs)-1-w)/ways*ways
		chains[w] = x.Program().F(cs[i])
		for i -= ways; i >= 0; i -= ways {
			chains[w] = chains[w].FMA(step, cs[i])
		}
	}
	for power := x; len(chains) > 1; power = power.Mul(power) {
		var joined []lanes.F
		for w := 0; w < len(chains); w += 2 {
			if w+1 < len(chains) {
				joined = append(joined, chains[w+1].FMA(power, chains[w]))
			} else {
				joined = append(joined, chains[w])
			}
		}
		chains = joined
	}
	return chains[0].FMA(x, first)
}
