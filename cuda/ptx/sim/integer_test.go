package sim_test

import (
	"fmt"
	"math/big"
	"math/bits"
	"testing"
)

var intTypes = []string{"u16", "s16", "u32", "s32", "u64", "s64"}

// number reads bits as the type says.
func number(x uint64, typ string) *big.Int {
	v := new(big.Int).SetUint64(x & maskOf(typ))
	if typ[0] == 's' && v.Bit(bitsOf(typ)-1) == 1 {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(bitsOf(typ))))
	}
	return v
}

// low returns the low bits of a number, from bit shift on.
func low(v *big.Int, shift, n int) uint64 {
	w := new(big.Int).Rsh(v, uint(shift))
	w.And(w, new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), uint(n)), big.NewInt(1)))
	return w.Uint64()
}

func TestIntegers(t *testing.T) {
	for _, typ := range intTypes {
		n := bitsOf(typ)
		two, three := []string{typ, typ}, []string{typ, typ, typ}
		num := func(x uint64) *big.Int { return number(x, typ) }
		ref := func(f func(z, x, y *big.Int) *big.Int) func(x []uint64) uint64 {
			return func(x []uint64) uint64 { return low(f(new(big.Int), num(x[0]), num(x[1])), 0, n) }
		}
		check(t, "add."+typ+" %d, %a, %b;", typ, two, ref((*big.Int).Add))
		check(t, "sub."+typ+" %d, %a, %b;", typ, two, ref((*big.Int).Sub))
		check(t, "mul.lo."+typ+" %d, %a, %b;", typ, two, ref((*big.Int).Mul))
		check(t, "mul.hi."+typ+" %d, %a, %b;", typ, two, func(x []uint64) uint64 {
			return low(new(big.Int).Mul(num(x[0]), num(x[1])), n, n)
		})
		check(t, "mad.lo."+typ+" %d, %a, %b, %c;", typ, three, func(x []uint64) uint64 {
			p := new(big.Int).Mul(num(x[0]), num(x[1]))
			return low(p.Add(p, num(x[2])), 0, n)
		})
		check(t, "mad.hi."+typ+" %d, %a, %b, %c;", typ, three, func(x []uint64) uint64 {
			p := new(big.Int).Mul(num(x[0]), num(x[1]))
			p.Rsh(p, uint(n))
			return low(p.Add(p, num(x[2])), 0, n)
		})
		check(t, "div."+typ+" %d, %a, %b;", typ, two, func(x []uint64) uint64 {
			if x[1]&maskOf(typ) == 0 {
				return maskOf(typ)
			}
			return low(new(big.Int).Quo(num(x[0]), num(x[1])), 0, n)
		})
		check(t, "rem."+typ+" %d, %a, %b;", typ, two, func(x []uint64) uint64 {
			if x[1]&maskOf(typ) == 0 {
				return x[0] & maskOf(typ)
			}
			return low(new(big.Int).Rem(num(x[0]), num(x[1])), 0, n)
		})
		extreme := func(sign int) func(x []uint64) uint64 {
			return func(x []uint64) uint64 {
				if num(x[0]).Cmp(num(x[1])) == sign {
					return x[0]
				}
				return x[1]
			}
		}
		check(t, "min."+typ+" %d, %a, %b;", typ, two, extreme(-1))
		check(t, "max."+typ+" %d, %a, %b;", typ, two, extreme(1))
		check(t, "shr."+typ+" %d, %a, %b;", typ, []string{typ, "u32"}, func(x []uint64) uint64 {
			return low(num(x[0]), int(min(x[1], 64)), n)
		})
		if typ[0] == 's' {
			check(t, "abs."+typ+" %d, %a;", typ, two[:1], func(x []uint64) uint64 { return low(new(big.Int).Abs(num(x[0])), 0, n) })
			check(t, "neg."+typ+" %d, %a;", typ, two[:1], func(x []uint64) uint64 { return low(new(big.Int).Neg(num(x[0])), 0, n) })
		}
		if n < 64 {
			wide := fmt.Sprintf("%c%d", typ[0], 2*n)
			check(t, "mul.wide."+typ+" %d, %a, %b;", wide, two, func(x []uint64) uint64 {
				return low(new(big.Int).Mul(num(x[0]), num(x[1])), 0, 2*n)
			})
			check(t, "mad.wide."+typ+" %d, %a, %b, %c;", wide, []string{typ, typ, wide}, func(x []uint64) uint64 {
				p := new(big.Int).Mul(num(x[0]), num(x[1]))
				return low(p.Add(p, number(x[2], wide)), 0, 2*n)
			})
		}
	}
}

func TestSaturation(t *testing.T) {
	clamp := func(v *big.Int) uint64 {
		if v.Cmp(big.NewInt(-1<<31)) < 0 {
			return 0x80000000
		} else if v.Cmp(big.NewInt(1<<31-1)) > 0 {
			return 0x7fffffff
		}
		return low(v, 0, 32)
	}
	two := []string{"s32", "s32"}
	num := func(x uint64) *big.Int { return number(x, "s32") }
	check(t, "add.sat.s32 %d, %a, %b;", "s32", two, func(x []uint64) uint64 { return clamp(new(big.Int).Add(num(x[0]), num(x[1]))) })
	check(t, "sub.sat.s32 %d, %a, %b;", "s32", two, func(x []uint64) uint64 { return clamp(new(big.Int).Sub(num(x[0]), num(x[1]))) })
	check(t, "mad.hi.sat.s32 %d, %a, %b, %c;", "s32", []string{"s32", "s32", "s32"}, func(x []uint64) uint64 {
		p := new(big.Int).Mul(num(x[0]), num(x[1]))
		p.Rsh(p, 32)
		return clamp(p.Add(p, num(x[2])))
	})
}

// TestCarry adds, subtracts and multiplies numbers of two words.
func TestCarry(t *testing.T) {
	for _, typ := range []string{"u32", "u64"} {
		n := bitsOf(typ)
		four := []string{typ, typ, typ, typ}
		pair := func(lo, hi uint64) *big.Int {
			v := new(big.Int).Lsh(new(big.Int).SetUint64(hi&maskOf(typ)), uint(n))
			return v.Add(v, new(big.Int).SetUint64(lo&maskOf(typ)))
		}
		check(t, "add.cc."+typ+" %d, %a, %c; addc."+typ+" %d, %b, %e;", typ, four, func(x []uint64) uint64 {
			return low(new(big.Int).Add(pair(x[0], x[1]), pair(x[2], x[3])), n, n)
		})
		check(t, "sub.cc."+typ+" %d, %a, %c; subc."+typ+" %d, %b, %e;", typ, four, func(x []uint64) uint64 {
			return low(new(big.Int).Sub(pair(x[0], x[1]), pair(x[2], x[3])), n, n)
		})
		check(t, "add.cc."+typ+" %d, %a, %c; addc.cc."+typ+" %d, %b, %e; addc."+typ+" %d, 0, 0;", typ, four, func(x []uint64) uint64 {
			return low(new(big.Int).Add(pair(x[0], x[1]), pair(x[2], x[3])), 2*n, n)
		})
		check(t, "mad.lo.cc."+typ+" %d, %a, %b, %c; madc.hi."+typ+" %d, %a, %b, %e;", typ, four, func(x []uint64) uint64 {
			p := new(big.Int).Mul(number(x[0], typ), number(x[1], typ))
			return low(p.Add(p, pair(x[2], x[3])), n, n)
		})
	}
}

func TestBits(t *testing.T) {
	for _, typ := range []string{"b16", "b32", "b64"} {
		two, m, n := []string{typ, typ}, maskOf(typ), bitsOf(typ)
		check(t, "and."+typ+" %d, %a, %b;", typ, two, func(x []uint64) uint64 { return x[0] & x[1] })
		check(t, "or."+typ+" %d, %a, %b;", typ, two, func(x []uint64) uint64 { return x[0] | x[1] })
		check(t, "xor."+typ+" %d, %a, %b;", typ, two, func(x []uint64) uint64 { return x[0] ^ x[1] })
		check(t, "not."+typ+" %d, %a;", typ, two[:1], func(x []uint64) uint64 { return ^x[0] & m })
		check(t, "cnot."+typ+" %d, %a;", typ, two[:1], func(x []uint64) uint64 {
			if x[0] == 0 {
				return 1
			}
			return 0
		})
		check(t, "shl."+typ+" %d, %a, %b;", typ, []string{typ, "u32"}, func(x []uint64) uint64 {
			if x[1] >= uint64(n) {
				return 0
			}
			return x[0] << x[1] & m
		})
		if n == 16 {
			continue
		}
		check(t, "popc."+typ+" %d, %a;", "u32", two[:1], func(x []uint64) uint64 { return uint64(bits.OnesCount64(x[0])) })
		check(t, "clz."+typ+" %d, %a;", "u32", two[:1], func(x []uint64) uint64 { return uint64(bits.LeadingZeros64(x[0]) - 64 + n) })
		check(t, "brev."+typ+" %d, %a;", typ, two[:1], func(x []uint64) uint64 { return bits.Reverse64(x[0]) >> (64 - n) })
		check(t, "bfi."+typ+" %d, %a, %b, %c, %e;", typ, []string{typ, typ, "u32", "u32"}, func(x []uint64) uint64 {
			out := x[1]
			for i := range x[3] & 255 {
				if at := x[2]&255 + i; at < uint64(n) {
					bit := uint64(0)
					if i < 64 {
						bit = x[0] >> i & 1
					}
					out = out&^(1<<at) | bit<<at
				}
			}
			return out
		})
	}
	for _, typ := range []string{"u32", "s32", "u64", "s64"} {
		n := bitsOf(typ)
		check(t, "bfe."+typ+" %d, %a, %b, %c;", typ, []string{typ, "u32", "u32"}, func(x []uint64) uint64 {
			pos, length := x[1]&255, x[2]&255
			sign := uint64(0)
			if typ[0] == 's' && length > 0 {
				sign = x[0] >> min(pos+length-1, uint64(n-1)) & 1
			}
			var out uint64
			for i := range uint64(n) {
				bit := sign
				if i < length && pos+i < uint64(n) {
					bit = x[0] >> (pos + i) & 1
				}
				out |= bit << i
			}
			return out
		})
		find := func(x uint64) int {
			v := number(x, typ)
			if v.Sign() < 0 {
				v.Not(v)
			}
			return v.BitLen() - 1
		}
		check(t, "bfind."+typ+" %d, %a;", "u32", []string{typ}, func(x []uint64) uint64 { return uint64(uint32(find(x[0]))) })
		check(t, "bfind.shiftamt."+typ+" %d, %a;", "u32", []string{typ}, func(x []uint64) uint64 {
			if at := find(x[0]); at >= 0 {
				return uint64(n - 1 - at)
			}
			return 0xffffffff
		})
	}
	three := []string{"b32", "b32", "b32"}
	funnel := func(left, wrap bool) func(x []uint64) uint64 {
		return func(x []uint64) uint64 {
			n := x[2]
			if wrap {
				n %= 32
			} else if n > 32 {
				n = 32
			}
			v := number(x[1], "u32")
			v.Add(v.Lsh(v, 32), number(x[0], "u32"))
			if left {
				return low(v.Lsh(v, uint(n)), 32, 32)
			}
			return low(v, int(n), 32)
		}
	}
	check(t, "shf.l.wrap.b32 %d, %a, %b, %c;", "b32", three, funnel(true, true))
	check(t, "shf.r.wrap.b32 %d, %a, %b, %c;", "b32", three, funnel(false, true))
	check(t, "shf.l.clamp.b32 %d, %a, %b, %c;", "b32", three, funnel(true, false))
	check(t, "shf.r.clamp.b32 %d, %a, %b, %c;", "b32", three, funnel(false, false))
	for _, lut := range []int{0, 0x80, 0xfe, 0x96, 0xe8, 0xca, 0x1b} {
		check(t, fmt.Sprintf("lop3.b32 %%d, %%a, %%b, %%c, %#x;", lut), "b32", three, func(x []uint64) uint64 {
			var out uint64
			for i := range 32 {
				at := x[0]>>i&1<<2 | x[1]>>i&1<<1 | x[2]>>i&1
				out |= uint64(lut) >> at & 1 << i
			}
			return out
		})
	}
	check(t, "prmt.b32 %d, %a, %b, %c;", "b32", three, func(x []uint64) uint64 {
		var out uint64
		for i := range 4 {
			s := x[2] >> (4 * i) & 15
			v := [8]byte{byte(x[0]), byte(x[0] >> 8), byte(x[0] >> 16), byte(x[0] >> 24), byte(x[1]), byte(x[1] >> 8), byte(x[1] >> 16), byte(x[1] >> 24)}[s&7]
			if s >= 8 {
				v = byte(int8(v) >> 7)
			}
			out |= uint64(v) << (8 * i)
		}
		return out
	})
}
