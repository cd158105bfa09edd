package compute

import (
	"math"

	"github.com/darray-go/darray"
)

// recipe computes one result, or several.
type recipe func(x []darray.Array) []darray.Array

// functionRecipes are the cases of the math suite by name.
func functionRecipes() map[string]recipe {
	type array = darray.Array
	one := func(f func(a array) array) recipe {
		return func(x []array) []array { return []array{f(x[0])} }
	}
	two := func(f func(a, b array) array) recipe {
		return func(x []array) []array { return []array{f(x[0], x[1])} }
	}
	return map[string]recipe{
		"exp":          one(darray.Exp),
		"exp2":         one(darray.Exp2),
		"expm1":        one(darray.Expm1),
		"log":          one(darray.Log),
		"log2":         one(darray.Log2),
		"log10":        one(darray.Log10),
		"log1p":        one(darray.Log1p),
		"logaddexp":    two(darray.LogAddExp),
		"pow":          two(darray.Pow),
		"sqrt":         one(darray.Sqrt),
		"cbrt":         one(darray.Cbrt),
		"hypot":        two(darray.Hypot),
		"sin":          one(darray.Sin),
		"cos":          one(darray.Cos),
		"tan":          one(darray.Tan),
		"asin":         one(darray.Asin),
		"acos":         one(darray.Acos),
		"atan":         one(darray.Atan),
		"atan2":        two(darray.Atan2),
		"sinh":         one(darray.Sinh),
		"cosh":         one(darray.Cosh),
		"tanh":         one(darray.Tanh),
		"asinh":        one(darray.Asinh),
		"acosh":        one(darray.Acosh),
		"atanh":        one(darray.Atanh),
		"erf":          one(darray.Erf),
		"erfc":         one(darray.Erfc),
		"floor":        one(darray.Floor),
		"ceil":         one(darray.Ceil),
		"trunc":        one(darray.Trunc),
		"round":        one(darray.Round),
		"sign":         one(darray.Sign),
		"copysign":     two(darray.CopySign),
		"floor_divide": two(darray.FloorDivide),
		"remainder":    two(darray.Remainder),
		"fmod":         two(darray.Fmod),
		"nextafter":    two(darray.NextAfter),
		"reciprocal":   one(darray.Reciprocal),

		"expsin": func(x []array) []array {
			return []array{darray.Multiply(darray.Exp(darray.Multiply(darray.Negative(x[0]), x[0])), darray.Sin(x[1]))}
		},
		"blackscholes": func(x []array) []array { return []array{callOption(x[0], x[1], x[2])} },
		"logsumexp": func(x []array) []array {
			m := darray.Max(x[0])
			return []array{darray.Add(m, darray.Log(darray.Sum(darray.Exp(darray.Subtract(x[0], m)))))}
		},
	}
}

// callOption is the price by Black and Scholes, in the words of callPrice.
func callOption(spot, strike, time darray.Array) darray.Array {
	normal := func(d darray.Array) darray.Array {
		return darray.Multiply(0.5, darray.Add(1, darray.Erf(darray.Multiply(d, math.Sqrt(0.5)))))
	}
	deviation := darray.Multiply(volatility, darray.Sqrt(time))
	growth := darray.Multiply(interest+volatility*volatility/2, time)
	d1 := darray.Divide(darray.Add(darray.Log(darray.Divide(spot, strike)), growth), deviation)
	now := darray.Multiply(strike, darray.Exp(darray.Multiply(-interest, time)))
	return darray.Subtract(darray.Multiply(spot, normal(d1)), darray.Multiply(now, normal(darray.Subtract(d1, deviation))))
}
