package vmath_test

import (
	"math"
	"slices"
	"testing"

	"github.com/darray-go/darray/internal/ref/judge"
	"github.com/darray-go/darray/internal/ref/real"
)

// What the standards say of zeros, infinities, NaN and the ends of domains, typed from them: the Python array API standard
// 2025.12 (the list of special cases of each function), IEEE 754-2019 section 9.2.1 (table 9.1 and the lists after it), C23
// F.10 for what neither has. No library computed them.

var (
	inf   = math.Inf(1)
	nan   = math.NaN()
	minus = math.Copysign(0, -1)
)

// The constants as rounded to either type.
const (
	pi        = 0x1.921fb54442d18p+1
	halfPi    = 0x1.921fb54442d18p+0
	quarterPi = 0x1.921fb54442d18p-1
	threePi4  = 0x1.2d97c7f3321d2p+1
)

type unaryCase struct{ x, want float64 }

type binaryCase struct{ x, y, want float64 }

// odd are the cases of every odd function that keeps infinities.
var odd = []unaryCase{{nan, nan}, {0, 0}, {minus, minus}, {inf, inf}, {-inf, -inf}}

// logarithm are those of log, log2, log10.
var logarithm = []unaryCase{
	{nan, nan}, {-1, nan}, {-inf, nan}, {-0x1p-149, nan}, {-3e38, nan}, {0, -inf}, {minus, -inf}, {1, 0}, {inf, inf},
}

var unarySpecial = map[string][]unaryCase{
	"exp":   {{nan, nan}, {0, 1}, {minus, 1}, {inf, inf}, {-inf, 0}},
	"exp2":  {{nan, nan}, {0, 1}, {minus, 1}, {inf, inf}, {-inf, 0}, {1, 2}, {-1, 0.5}, {10, 1024}, {-126, 0x1p-126}, {-149, 0x1p-149}, {127, 0x1p127}},
	"expm1": {{nan, nan}, {0, 0}, {minus, minus}, {inf, inf}, {-inf, -1}},
	"log":   logarithm,
	"log2":  slices.Concat(logarithm, []unaryCase{{2, 1}, {0.5, -1}, {1024, 10}, {0x1p-126, -126}, {0x1p-149, -149}, {0x1p127, 127}}),
	"log10": slices.Concat(logarithm, []unaryCase{{10, 1}, {100, 2}, {1000, 3}, {1e10, 10}}),
	"log1p": {{nan, nan}, {-2, nan}, {-inf, nan}, {-1, -inf}, {minus, minus}, {0, 0}, {inf, inf}},
	"cbrt":  slices.Concat(odd, []unaryCase{{8, 2}, {-27, -3}, {1, 1}, {-1, -1}, {0.125, 0.5}}),
	"sin":   {{nan, nan}, {0, 0}, {minus, minus}, {inf, nan}, {-inf, nan}},
	"cos":   {{nan, nan}, {0, 1}, {minus, 1}, {inf, nan}, {-inf, nan}},
	"tan":   {{nan, nan}, {0, 0}, {minus, minus}, {inf, nan}, {-inf, nan}},
	"asin":  {{nan, nan}, {0, 0}, {minus, minus}, {1.0000001192092896, nan}, {-1.0000001192092896, nan}, {inf, nan}, {-inf, nan}, {1, halfPi}, {-1, -halfPi}},
	"acos":  {{nan, nan}, {1.0000001192092896, nan}, {-1.0000001192092896, nan}, {inf, nan}, {-inf, nan}, {1, 0}, {-1, pi}, {0, halfPi}, {minus, halfPi}},
	"atan":  {{nan, nan}, {0, 0}, {minus, minus}, {inf, halfPi}, {-inf, -halfPi}, {1, quarterPi}, {-1, -quarterPi}},
	"sinh":  odd,
	"cosh":  {{nan, nan}, {0, 1}, {minus, 1}, {inf, inf}, {-inf, inf}},
	"tanh":  {{nan, nan}, {0, 0}, {minus, minus}, {inf, 1}, {-inf, -1}, {1e30, 1}, {-1e30, -1}},
	"asinh": odd,
	"acosh": {{nan, nan}, {0.99999994, nan}, {0, nan}, {minus, nan}, {-1, nan}, {-inf, nan}, {1, 0}, {inf, inf}},
	"atanh": {{nan, nan}, {1.0000001192092896, nan}, {-1.0000001192092896, nan}, {inf, nan}, {-inf, nan}, {1, inf}, {-1, -inf}, {0, 0}, {minus, minus}},
	"erf":   {{nan, nan}, {0, 0}, {minus, minus}, {inf, 1}, {-inf, -1}},
	"erfc":  {{nan, nan}, {0, 1}, {minus, 1}, {inf, 0}, {-inf, 2}},
}

// TestSpecial holds every function to the standards, by each way of computing it.
func TestSpecial(t *testing.T) {
	for _, f := range functions(t) {
		var cases []binaryCase
		for _, c := range unarySpecial[f.Name] {
			cases = append(cases, binaryCase{c.x, 0, c.want})
		}
		if cases = append(cases, binarySpecial[f.Name]...); len(cases) == 0 {
			t.Errorf("no special cases of %s", f.Name)
		}
		special[float64](t, f, cases)
		special[float32](t, f, cases)
	}
	if *only == "" { // else emulated, which makes no difference to exact arithmetic
		reference(t)
	}
	for name := range unarySpecial {
		if s := judge.Find(name); s == nil || s.Arity != 1 {
			t.Errorf("%s is no function of one operand", name)
		}
	}
	for name := range binarySpecial {
		if s := judge.Find(name); s == nil || s.Arity != 2 {
			t.Errorf("%s is no function of two operands", name)
		}
	}
}

// reference holds the reference to the same tables: it is no source of them.
func reference(t *testing.T) {
	for name, cases := range unarySpecial {
		for _, c := range cases {
			f := real.Find(name)
			if got, single := f.Round64(c.x), f.Round32(float32(c.x)); !same(got, c.want) || !same(single, float32(c.want)) {
				t.Errorf("the reference's %s(%g) is %g and %g, must be %g", name, c.x, got, single, c.want)
			}
		}
	}
	for name, cases := range binarySpecial {
		for _, c := range cases {
			f := real.Find(name)
			if got, single := f.Round64(c.x, c.y), f.Round32(float32(c.x), float32(c.y)); !same(got, c.want) || !same(single, float32(c.want)) {
				t.Errorf("the reference's %s(%g, %g) is %g and %g, must be %g", name, c.x, c.y, got, single, c.want)
			}
		}
	}
}

func special[T judge.Float](t *testing.T, f function, cases []binaryCase) {
	x, y, want, got := make([]T, len(cases)), make([]T, len(cases)), make([]T, len(cases)), make([]T, len(cases))
	for i, c := range cases {
		x[i], y[i], want[i] = T(c.x), T(c.y), T(c.want)
	}
	for _, w := range ways[T](t, f) {
		w.apply(got, x, y)
		for i := range got {
			if !same(got[i], want[i]) {
				t.Errorf("%s(%g, %g) is %g in %s, must be %g (%T)", f.Name, x[i], y[i], got[i], w.name, want[i], got[i])
			}
		}
	}
}

// TestUnderflowSign: a result that is lost below the least float keeps the sign of the exact value. e^-745 is 0.57 of the least
// float.
func TestUnderflowSign(t *testing.T) {
	const least = math.SmallestNonzeroFloat64
	all := functions(t)
	f := all[slices.IndexFunc(all, func(f function) bool { return f.Name == "logaddexp" })]
	x := []float64{-least, -745, -least, -least, -2 * least, -2 * least, -least}
	y := []float64{-745, -least, -744.45, -744.43, -743.75, -743.74, -744}
	want := []float64{minus, minus, minus, 0, minus, 0, least}
	got := make([]float64, len(x))
	for _, w := range ways[float64](t, f) {
		w.apply(got, x, y)
		for i := range got {
			if !same(got[i], want[i]) {
				t.Errorf("logaddexp(%g, %g) is %g in %s, must be %g", x[i], y[i], got[i], w.name, want[i])
			}
		}
	}
	if r := real.Find("logaddexp"); *only == "" {
		for i := range x {
			if got := r.Round64(x[i], y[i]); !same(got, want[i]) {
				t.Errorf("the reference's logaddexp(%g, %g) is %g, must be %g", x[i], y[i], got, want[i])
			}
		}
	}
}
