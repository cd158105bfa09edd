package sim_test

import (
	"math"
	"math/big"
	"testing"
)

var modes = map[string]big.RoundingMode{"rn": big.ToNearestEven, "rz": big.ToZero, "rm": big.ToNegativeInf, "rp": big.ToPositiveInf}

const wide = 4400 // bits that hold sums and products of any two floats exactly

func val(x uint64, typ string) float64 {
	if typ == "f32" {
		return float64(math.Float32frombits(uint32(x)))
	}
	return math.Float64frombits(x)
}

func nan(typ string) uint64 {
	if typ == "f32" {
		return 0x7fffffff
	}
	return 0xfff8000000000000
}

func toBits(v float64, typ string) uint64 {
	switch {
	case v != v:
		return nan(typ)
	case typ == "f32":
		return uint64(math.Float32bits(float32(v)))
	}
	return math.Float64bits(v)
}

// rounded is the float nearest to a number as the mode says: the number of bits that its exponent leaves, then the range.
func rounded(v *big.Float, typ, mode string) uint64 {
	prec, least, most := 53, -1074, 1024
	if typ == "f32" {
		prec, least, most = 24, -149, 128
	}
	if v.Sign() == 0 {
		return toBits(0, typ)
	}
	exp := v.MantExp(nil) // v = m * 2^exp, m in [0.5, 1)
	keep := min(prec, exp-least)
	negative := v.Signbit()
	var out *big.Float
	if keep < 1 { // below the least number: to it or to zero
		tiny := new(big.Float).SetMantExp(big.NewFloat(1), least)
		half := new(big.Float).SetMantExp(big.NewFloat(1), least-1)
		up := mode == "rn" && new(big.Float).Abs(v).Cmp(half) > 0 || mode == "rp" && !negative || mode == "rm" && negative
		if !up {
			return toBits(math.Copysign(0, map[bool]float64{true: -1, false: 1}[negative]), typ)
		}
		if out = tiny; negative {
			out.Neg(out)
		}
	} else {
		out = new(big.Float).SetMode(modes[mode]).SetPrec(uint(keep)).Set(v)
	}
	if out.MantExp(nil) > most {
		toward := mode == "rz" || mode == "rm" && !negative || mode == "rp" && negative
		f := math.Inf(1)
		if toward {
			f = math.MaxFloat64
			if typ == "f32" {
				f = math.MaxFloat32
			}
		}
		if negative {
			f = -f
		}
		return toBits(f, typ)
	}
	f, _ := out.Float64()
	return toBits(f, typ)
}

func big64(x float64) *big.Float { return new(big.Float).SetPrec(wide).SetFloat64(x) }

func finite(xs ...float64) bool {
	for _, x := range xs {
		if math.IsInf(x, 0) || x != x {
			return false
		}
	}
	return true
}

// fused is x*y+z; without a product y is 1.
func fused(x, y, z float64, typ, mode string) uint64 {
	if !finite(x, y, z) {
		return toBits(math.FMA(x, y, z), typ)
	}
	p := new(big.Float).SetPrec(wide).Mul(big64(x), big64(y))
	s := new(big.Float).SetPrec(wide).Add(p, big64(z))
	if s.Sign() != 0 {
		return rounded(s, typ, mode)
	}
	minus := math.Signbit(x) != math.Signbit(y)
	zero := math.Copysign(0, 1)
	if minus == math.Signbit(z) && minus || minus != math.Signbit(z) && mode == "rm" {
		zero = math.Copysign(0, -1)
	}
	return toBits(zero, typ)
}

func quotient(x, y float64, typ, mode string) uint64 {
	if !finite(x, y) || x == 0 || y == 0 {
		return toBits(x/y, typ)
	}
	return rounded(new(big.Float).SetPrec(wide).Quo(big64(x), big64(y)), typ, mode)
}

func root(x float64, typ, mode string) uint64 {
	if !finite(x) || x <= 0 {
		return toBits(math.Sqrt(x), typ)
	}
	return rounded(new(big.Float).SetPrec(300).Sqrt(big64(x)), typ, mode)
}

func flush(x uint64) uint64 {
	if x>>23&0xff == 0 {
		return x & 0x80000000
	}
	return x
}

func TestFloats(t *testing.T) {
	for _, typ := range []string{"f32", "f64"} {
		one, two, three := []string{typ}, []string{typ, typ}, []string{typ, typ, typ}
		v := func(x uint64) float64 { return val(x, typ) }
		for mode := range modes {
			suffix := "." + mode + "." + typ
			check(t, "add"+suffix+" %d, %a, %b;", typ, two, func(x []uint64) uint64 { return fused(v(x[0]), 1, v(x[1]), typ, mode) })
			check(t, "sub"+suffix+" %d, %a, %b;", typ, two, func(x []uint64) uint64 { return fused(v(x[0]), 1, -v(x[1]), typ, mode) })
			check(t, "mul"+suffix+" %d, %a, %b;", typ, two, func(x []uint64) uint64 {
				a, b := v(x[0]), v(x[1])
				if !finite(a, b) || a == 0 || b == 0 {
					return toBits(a*b, typ)
				}
				return rounded(new(big.Float).SetPrec(wide).Mul(big64(a), big64(b)), typ, mode)
			})
			check(t, "fma"+suffix+" %d, %a, %b, %c;", typ, three, func(x []uint64) uint64 { return fused(v(x[0]), v(x[1]), v(x[2]), typ, mode) })
			check(t, "mad"+suffix+" %d, %a, %b, %c;", typ, three, func(x []uint64) uint64 { return fused(v(x[0]), v(x[1]), v(x[2]), typ, mode) })
			check(t, "div"+suffix+" %d, %a, %b;", typ, two, func(x []uint64) uint64 { return quotient(v(x[0]), v(x[1]), typ, mode) })
			check(t, "rcp"+suffix+" %d, %a;", typ, one, func(x []uint64) uint64 { return quotient(1, v(x[0]), typ, mode) })
			check(t, "sqrt"+suffix+" %d, %a;", typ, one, func(x []uint64) uint64 { return root(v(x[0]), typ, mode) })
		}
	}
}

// TestFused takes sums that cancel a product to its last bits, where rounding twice shows.
func TestFused(t *testing.T) {
	rows := operands(7, []string{"f32", "f32", "f32"}, 20000)
	for i, r := range rows {
		p := val(r[0], "f32") * val(r[1], "f32")
		switch i % 3 {
		case 0:
			r[2] = uint64(math.Float32bits(float32(-p))) ^ uint64(i>>2&3)
		case 1: // a third that lies just at half a step of the product
			r[2] = uint64(math.Float32bits(float32(p * math.Ldexp(1, -24-i%5))))
		}
	}
	got := evaluate(t, "fma.rn.f32 %d, %a, %b, %c;", "f32", []string{"f32", "f32", "f32"}, rows)
	twice := 0
	for i, r := range rows {
		x, y, z := val(r[0], "f32"), val(r[1], "f32"), val(r[2], "f32")
		want := fused(x, y, z, "f32", "rn")
		if got[i] != want {
			t.Fatalf("fma.rn.f32 of %#x: %#x, want %#x", r, got[i], want)
		}
		if toBits(float64(float32(math.FMA(x, y, z))), "f32") != want {
			twice++
		}
	}
	if twice == 0 {
		t.Error("no operands for which rounding twice is wrong: the test shows nothing")
	}
}

func TestFlushAndSaturate(t *testing.T) {
	two, v := []string{"f32", "f32"}, func(x uint64) float64 { return val(x, "f32") }
	sum := func(x []uint64) uint64 { return fused(v(x[0]), 1, v(x[1]), "f32", "rn") }
	check(t, "add.ftz.f32 %d, %a, %b;", "f32", two, func(x []uint64) uint64 { return flush(sum([]uint64{flush(x[0]), flush(x[1])})) })
	check(t, "mul.rn.ftz.f32 %d, %a, %b;", "f32", two, func(x []uint64) uint64 {
		return flush(toBits(float64(float32(v(flush(x[0])))*float32(v(flush(x[1])))), "f32"))
	})
	check(t, "div.rn.ftz.f32 %d, %a, %b;", "f32", two, func(x []uint64) uint64 {
		return flush(quotient(v(flush(x[0])), v(flush(x[1])), "f32", "rn"))
	})
	check(t, "add.sat.f32 %d, %a, %b;", "f32", two, func(x []uint64) uint64 {
		s := v(sum(x))
		switch {
		case s != s || s <= 0:
			return 0
		case s > 1:
			return 0x3f800000
		}
		return sum(x)
	})
}

func TestExtremes(t *testing.T) {
	for _, typ := range []string{"f32", "f64"} {
		two, v := []string{typ, typ}, func(x uint64) float64 { return val(x, typ) }
		pick := func(f func(x, y float64) float64) func(x []uint64) uint64 {
			return func(x []uint64) uint64 {
				a, b := v(x[0]), v(x[1])
				switch {
				case a != a && b != b:
					return nan(typ)
				case a != a:
					return x[1]
				case b != b:
					return x[0]
				}
				return toBits(f(a, b), typ) // Go's order zeros as the language does
			}
		}
		check(t, "min."+typ+" %d, %a, %b;", typ, two, pick(math.Min))
		check(t, "max."+typ+" %d, %a, %b;", typ, two, pick(math.Max))
		check(t, "abs."+typ+" %d, %a;", typ, two[:1], func(x []uint64) uint64 { return x[0] &^ (1 << (bitsOf(typ) - 1)) })
		check(t, "neg."+typ+" %d, %a;", typ, two[:1], func(x []uint64) uint64 { return x[0] ^ (1 << (bitsOf(typ) - 1)) })
		check(t, "copysign."+typ+" %d, %a, %b;", typ, two, func(x []uint64) uint64 {
			sign := uint64(1) << (bitsOf(typ) - 1)
			return x[0]&sign | x[1]&^sign
		})
		least := 0x1p-126
		if typ == "f64" {
			least = 0x1p-1022
		}
		for op, f := range map[string]func(x float64) bool{
			"finite":     func(x float64) bool { return finite(x) },
			"infinite":   func(x float64) bool { return math.IsInf(x, 0) },
			"number":     func(x float64) bool { return x == x },
			"notanumber": func(x float64) bool { return x != x },
			"normal":     func(x float64) bool { return x == 0 || finite(x) && math.Abs(x) >= least },
			"subnormal":  func(x float64) bool { return x != 0 && math.Abs(x) < least },
		} {
			check(t, "testp."+op+"."+typ+" %d, %a;", "pred", two[:1], func(x []uint64) uint64 { return truth(f(v(x[0]))) })
		}
	}
}

func truth(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
