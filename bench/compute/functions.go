package compute

import (
	"math"
	"slices"
)

// function is an element-wise function of the math suite: its name, the array API's; what its operands lie in; and Go's
// function, which is right to far more digits than the check looks at.
type function struct {
	name  string
	spans []span
	f     func(x []float64) float64
	exact bool
}

// functions are in the order of the report, families together. The spans are what users give them: no case lives from
// operands that take a short cut, such as angles of one turn only, and none from those that nobody has.
func functions() []function {
	// Exponents of decays, likelihoods and logits; exp2 and the hyperbolic ones as far as they matter.
	exponent, rate, wide := span{-10, 10}, span{-1, 1}, span{-100, 100}
	// Four turns each way, so that each angle has to be reduced, as phases are: 25 is 8 pi.
	angle := span{-25, 25}
	positive := span{0.001, 1000} // six powers of ten around 1, in which logarithms change sign
	divisor := span{0.5, 10}      // away from 0, as whoever divides sees to
	return []function{
		{"exp", []span{exponent}, unary(math.Exp), false},
		{"exp2", []span{exponent}, unary(math.Exp2), false},
		{"expm1", []span{rate}, unary(math.Expm1), false}, // made for small ones
		{"log", []span{positive}, unary(math.Log), false},
		{"log2", []span{positive}, unary(math.Log2), false},
		{"log10", []span{positive}, unary(math.Log10), false},
		{"log1p", []span{{-0.5, 1.5}}, unary(math.Log1p), false}, // made for those around 0
		{"logaddexp", []span{exponent, exponent}, binary(logAddExp), false},
		{"pow", []span{{0.1, 10}, {-3, 3}}, binary(math.Pow), false},
		{"sqrt", []span{{0, 100}}, unary(math.Sqrt), false},
		{"cbrt", []span{wide}, unary(math.Cbrt), false},
		{"hypot", []span{wide, wide}, binary(math.Hypot), false},
		{"sin", []span{angle}, unary(math.Sin), false},
		{"cos", []span{angle}, unary(math.Cos), false},
		{"tan", []span{angle}, unary(math.Tan), false},
		{"asin", []span{rate}, unary(math.Asin), false},
		{"acos", []span{rate}, unary(math.Acos), false},
		{"atan", []span{exponent}, unary(math.Atan), false},
		{"atan2", []span{exponent, exponent}, binary(math.Atan2), false},
		{"sinh", []span{{-5, 5}}, unary(math.Sinh), false},
		{"cosh", []span{{-5, 5}}, unary(math.Cosh), false},
		{"tanh", []span{{-5, 5}}, unary(math.Tanh), false}, // most of it before it is 1
		{"asinh", []span{wide}, unary(math.Asinh), false},
		{"acosh", []span{{1, 100}}, unary(math.Acosh), false},
		{"atanh", []span{{-0.99, 0.99}}, unary(math.Atanh), false},
		{"erf", []span{{-3, 3}}, unary(math.Erf), false},
		{"erfc", []span{{-3, 6}}, unary(math.Erfc), false}, // with some of the tail that it is made for
		{"floor", []span{wide}, unary(math.Floor), true},
		{"ceil", []span{wide}, unary(math.Ceil), true},
		{"trunc", []span{wide}, unary(math.Trunc), true},
		{"round", []span{wide}, unary(math.RoundToEven), true},
		{"sign", []span{rate}, unary(sign), true},
		{"copysign", []span{rate, rate}, binary(math.Copysign), true},
		{"floor_divide", []span{wide, divisor}, binary(func(x, y float64) float64 { return math.Floor(x / y) }), true},
		{"remainder", []span{wide, divisor}, binary(remainder), false},
		{"fmod", []span{wide, divisor}, binary(math.Mod), true},
		{"nextafter", []span{rate, rate}, nil, true}, // by dtype, below
		{"reciprocal", []span{{0.1, 10}}, unary(func(x float64) float64 { return 1 / x }), false},
	}
}

func functionNames() []string {
	var names []string
	for _, f := range functions() {
		names = append(names, f.name)
	}
	return names
}

func functionKernels() []kernel {
	var ks []kernel
	for _, f := range functions() {
		k := kernel{name: f.name, title: f.name + "(a)", operands: len(f.spans), spans: f.spans, exact: f.exact}
		if len(f.spans) == 2 {
			k.title = f.name + "(a, b)"
		}
		k.check = within(f.spans, f.f)
		if f.name == "nextafter" {
			k.check = func(dtype string, n int) reference { return within(f.spans, nextAfter(dtype))(dtype, n) }
		}
		ks = append(ks, k)
	}
	return ks
}

func unary(f func(x float64) float64) func(x []float64) float64 {
	return func(x []float64) float64 { return f(x[0]) }
}

func binary(f func(x, y float64) float64) func(x []float64) float64 {
	return func(x []float64) float64 { return f(x[0], x[1]) }
}

func logAddExp(x, y float64) float64 { return max(x, y) + math.Log1p(math.Exp(-math.Abs(x-y))) }

func sign(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return x
}

// remainder has the sign of y.
func remainder(x, y float64) float64 {
	r := math.Mod(x, y)
	if r != 0 && math.Signbit(r) != math.Signbit(y) {
		r += y
	}
	return r
}

func nextAfter(dtype string) func(x []float64) float64 {
	if dtype == float32s {
		return binary(func(x, y float64) float64 { return float64(math.Nextafter32(float32(x), float32(y))) })
	}
	return binary(math.Nextafter)
}

// What the options of the Black-Scholes case have in common: the interest of a year, and how much the price moves in one.
const (
	interest   = 0.02
	volatility = 0.3
)

// expressionKernels are what programs make of the functions.
func expressionKernels() []kernel {
	bell := []span{{-3, 3}, {-25, 25}} // a wave in a bell: where the bell is above 1e-4, and four turns each way
	// Prices of the share and strikes around 100, so that half of the options are worth something, and a month to two years.
	options := []span{{50, 150}, {50, 150}, {1.0 / 12, 2}}
	return []kernel{
		{name: "expsin", title: "exp(-a*a)*sin(b)", operands: 2, spans: bell, check: within(bell, func(x []float64) float64 {
			return math.Exp(-x[0]*x[0]) * math.Sin(x[1])
		})},
		{name: "blackscholes", title: "Black-Scholes call", operands: 3, temporaries: 5, spans: options, check: within(options, callPrice)},
		{name: "logsumexp", title: "log(sum(exp(a)))", operands: 1, spans: []span{{-10, 10}}, reduces: true, check: logSumExp},
	}
}

// callPrice is that of the right to buy a share at x[0] for x[1] in x[2] years.
func callPrice(x []float64) float64 {
	normal := func(d float64) float64 { return 0.5 * (1 + math.Erf(d*math.Sqrt(0.5))) }
	deviation := volatility * math.Sqrt(x[2])
	d1 := (math.Log(x[0]/x[1]) + (interest+volatility*volatility/2)*x[2]) / deviation
	return x[0]*normal(d1) - x[1]*math.Exp(-interest*x[2])*normal(d1-deviation)
}

// logSumExp takes the greatest element out, so that exp does not overflow.
func logSumExp(dtype string, n int) reference {
	k, _ := findKernel("logsumexp")
	at := func(i int) float64 { return rounded(dtype, k.span(0).element(0, i)) }
	greatest := at(0)
	for i := range min(n, period) {
		greatest = max(greatest, at(i))
	}
	return plain(summary([]float64{greatest + math.Log(total(n, func(i int) float64 { return math.Exp(at(i) - greatest) }))}))
}

// manyCases reports whether a suite has tables instead of a block of lines a case.
func manyCases(suite string) bool {
	return slices.ContainsFunc(Suites(), func(s Suite) bool { return s.Name == suite && s.many })
}
