package sim_test

import (
	"fmt"
	"math"
	"math/big"
	"testing"
)

// inRange brings a number into the range of an integer type.
func inRange(v *big.Int, typ string) uint64 {
	n := uint(bitsOf(typ))
	lo, hi := new(big.Int), new(big.Int).Lsh(big.NewInt(1), n)
	if typ[0] == 's' {
		hi.Rsh(hi, 1)
		lo.Neg(hi)
	}
	hi.Sub(hi, big.NewInt(1))
	if v.Cmp(lo) < 0 {
		v = lo
	} else if v.Cmp(hi) > 0 {
		v = hi
	}
	return low(v, 0, int(n))
}

var allInts = []string{"u8", "s8", "u16", "s16", "u32", "s32", "u64", "s64"}

func TestConvertIntegers(t *testing.T) {
	for _, from := range allInts {
		for _, to := range allInts {
			op := "." + to + "." + from + " %d, %a;"
			// A register has 16 bits at least; a signed result is extended to them.
			store := func(v uint64) uint64 {
				if to == "s8" {
					return low(number(v, "s8"), 0, 16)
				}
				return v
			}
			check(t, "cvt"+op, to, []string{from}, func(x []uint64) uint64 { return store(low(number(x[0], from), 0, bitsOf(to))) })
			if bitsOf(to) > bitsOf(from) && (to[0] == 's' || from[0] == 'u') || to == from {
				continue // the language has no .sat where all values fit
			}
			check(t, "cvt.sat"+op, to, []string{from}, func(x []uint64) uint64 { return store(inRange(number(x[0], from), to)) })
		}
		for _, to := range []string{"f32", "f64"} {
			for mode := range modes {
				check(t, "cvt."+mode+"."+to+"."+from+" %d, %a;", to, []string{from}, func(x []uint64) uint64 {
					return rounded(new(big.Float).SetInt(number(x[0], from)), to, mode)
				})
			}
		}
	}
}

func TestConvertFloats(t *testing.T) {
	whole := map[string]func(float64) float64{"rni": math.RoundToEven, "rzi": math.Trunc, "rmi": math.Floor, "rpi": math.Ceil}
	for _, from := range []string{"f32", "f64"} {
		one, v := []string{from}, func(x uint64) float64 { return val(x, from) }
		for mode, f := range whole {
			check(t, "cvt."+mode+"."+from+"."+from+" %d, %a;", from, one, func(x []uint64) uint64 { return toBits(f(v(x[0])), from) })
			for _, to := range allInts {
				check(t, "cvt."+mode+"."+to+"."+from+" %d, %a;", to, one, func(x []uint64) uint64 {
					y := f(v(x[0]))
					var out uint64
					switch {
					case y != y && (from == "f64" || bitsOf(to) == 64):
						out = 1 << (bitsOf(to) - 1)
					case y != y:
					case math.IsInf(y, 0):
						out = inRange(new(big.Int).Mul(big.NewInt(int64(math.Copysign(1, y))), new(big.Int).Lsh(big.NewInt(1), 100)), to)
					default:
						i, _ := big64(y).Int(nil)
						out = inRange(i, to)
					}
					if to == "s8" {
						return low(number(out, "s8"), 0, 16)
					}
					return out
				})
			}
		}
		check(t, "cvt."+from+"."+from+" %d, %a;", from, one, func(x []uint64) uint64 { return toBits(v(x[0]), from) })
		check(t, "cvt.sat."+from+"."+from+" %d, %a;", from, one, func(x []uint64) uint64 {
			y := v(x[0])
			if y != y || y <= 0 {
				return 0
			}
			return toBits(min(y, 1), from)
		})
	}
	check(t, "cvt.f64.f32 %d, %a;", "f64", []string{"f32"}, func(x []uint64) uint64 { return toBits(val(x[0], "f32"), "f64") })
	for mode := range modes {
		check(t, "cvt."+mode+".f32.f64 %d, %a;", "f32", []string{"f64"}, func(x []uint64) uint64 {
			if y := val(x[0], "f64"); !finite(y) || y == 0 {
				return toBits(y, "f32")
			}
			return rounded(big64(val(x[0], "f64")), "f32", mode)
		})
	}
	check(t, "cvt.rn.ftz.f32.f64 %d, %a;", "f32", []string{"f64"}, func(x []uint64) uint64 {
		return flush(toBits(float64(float32(val(x[0], "f64"))), "f32"))
	})
	check(t, "cvt.rni.ftz.s32.f32 %d, %a;", "s32", []string{"f32"}, func(x []uint64) uint64 {
		y := math.RoundToEven(val(flush(x[0]), "f32"))
		if y != y {
			return 0
		}
		return uint64(uint32(int32(min(max(y, -1<<31), 1<<31-1))))
	})
}

// TestConvertWider writes results to registers larger than the type, and reads operands from such.
func TestConvertWider(t *testing.T) {
	check(t, ".reg .b32 %w32; cvt.u32.u64 %w32, %a; cvt.s8.s32 %d, %w32;", "b64", []string{"b64"}, func(x []uint64) uint64 {
		return low(number(x[0], "s8"), 0, 64)
	})
	check(t, ".reg .b32 %w32; cvt.u32.u64 %w32, %a; cvt.u8.u32 %d, %w32;", "b64", []string{"b64"}, func(x []uint64) uint64 { return x[0] & 0xff })
	check(t, "cvt.s64.s8 %d, %a;", "b64", []string{"b64"}, func(x []uint64) uint64 { return low(number(x[0], "s8"), 0, 64) })
	check(t, "cvt.u16.u64 %d, %a;", "b64", []string{"b64"}, func(x []uint64) uint64 { return x[0] & 0xffff })
}

var relations = map[string]func(c int) bool{
	"eq": func(c int) bool { return c == 0 }, "ne": func(c int) bool { return c != 0 },
	"lt": func(c int) bool { return c < 0 }, "le": func(c int) bool { return c <= 0 },
	"gt": func(c int) bool { return c > 0 }, "ge": func(c int) bool { return c >= 0 },
}

func TestCompare(t *testing.T) {
	for _, typ := range intTypes {
		for name, f := range relations {
			holds := func(x []uint64) bool { return f(number(x[0], typ).Cmp(number(x[1], typ))) }
			check(t, "setp."+name+"."+typ+" %d, %a, %b;", "pred", []string{typ, typ}, func(x []uint64) uint64 { return truth(holds(x)) })
			check(t, "set."+name+".u32."+typ+" %d, %a, %b;", "u32", []string{typ, typ}, func(x []uint64) uint64 { return truth(holds(x)) * 0xffffffff })
			check(t, "setp."+name+".and."+typ+" %d, %a, %b, !%c;", "pred", []string{typ, typ, "pred"}, func(x []uint64) uint64 {
				return truth(holds(x) && x[2] == 0)
			})
			check(t, ".reg .pred %other; setp."+name+".xor."+typ+" %other|%d, %a, %b, %c;", "pred", []string{typ, typ, "pred"}, func(x []uint64) uint64 {
				return truth(!holds(x) != (x[2] == 1))
			})
		}
		if typ[0] == 'u' {
			for name, same := range map[string]string{"lo": "lt", "ls": "le", "hi": "gt", "hs": "ge"} {
				check(t, "setp."+name+"."+typ+" %d, %a, %b;", "pred", []string{typ, typ}, func(x []uint64) uint64 {
					return truth(relations[same](number(x[0], typ).Cmp(number(x[1], typ))))
				})
			}
		}
	}
}

func TestCompareFloats(t *testing.T) {
	for _, typ := range []string{"f32", "f64"} {
		two := []string{typ, typ}
		order := func(x []uint64) (c int, unordered bool) {
			a, b := val(x[0], typ), val(x[1], typ)
			switch {
			case a != a || b != b:
				return 0, true
			case a < b:
				return -1, false
			case a > b:
				return 1, false
			}
			return 0, false
		}
		for name, f := range relations {
			for _, u := range []string{"", "u"} {
				holds := func(x []uint64) bool {
					c, unordered := order(x)
					return unordered && u != "" || !unordered && f(c)
				}
				check(t, fmt.Sprintf("setp.%s%s.%s %%d, %%a, %%b;", name, u, typ), "pred", two, func(x []uint64) uint64 { return truth(holds(x)) })
				check(t, fmt.Sprintf("set.%s%s.f32.%s %%d, %%a, %%b;", name, u, typ), "f32", two, func(x []uint64) uint64 { return truth(holds(x)) * 0x3f800000 })
			}
		}
		check(t, "setp.num."+typ+" %d, %a, %b;", "pred", two, func(x []uint64) uint64 { _, u := order(x); return truth(!u) })
		check(t, "setp.nan.or."+typ+" %d, %a, %b, %c;", "pred", []string{typ, typ, "pred"}, func(x []uint64) uint64 {
			_, u := order(x)
			return truth(u || x[2] == 1)
		})
	}
	check(t, "setp.lt.ftz.f32 %d, %a, %b;", "pred", []string{"f32", "f32"}, func(x []uint64) uint64 {
		return truth(val(flush(x[0]), "f32") < val(flush(x[1]), "f32"))
	})
}

func TestSelect(t *testing.T) {
	for _, typ := range []string{"b16", "u32", "f32", "f64", "s64"} {
		check(t, "selp."+typ+" %d, %a, %b, %c;", typ, []string{typ, typ, "pred"}, func(x []uint64) uint64 { return x[1-x[2]] })
		check(t, "slct."+typ+".s32 %d, %a, %b, %c;", typ, []string{typ, typ, "s32"}, func(x []uint64) uint64 { return x[truth(int32(x[2]) < 0)] })
		check(t, "slct."+typ+".f32 %d, %a, %b, %c;", typ, []string{typ, typ, "f32"}, func(x []uint64) uint64 {
			return x[truth(!(val(x[2], "f32") >= 0))]
		})
	}
	check(t, ".reg .b32 %h, %low; mov.b64 {%low, %h}, %a; mov.b64 %d, {%h, %b};", "b64", []string{"b64", "b32"}, func(x []uint64) uint64 { return x[0]>>32 | x[1]<<32 })
	check(t, ".reg .b16 %h<4>; mov.b64 {%h0, %h1, %h2, %h3}, %a; mov.b64 %d, {%h3, %h2, %h1, %h0};", "b64", []string{"b64"}, func(x []uint64) uint64 {
		return x[0]>>48 | x[0]>>16&0xffff0000 | x[0]<<16&0xffff00000000 | x[0]<<48
	})
	check(t, "and.pred %d, %a, %b; not.pred %d, %d; xor.pred %d, %d, %c;", "pred", []string{"pred", "pred", "pred"}, func(x []uint64) uint64 {
		return x[0]&x[1] ^ 1 ^ x[2]
	})
}
