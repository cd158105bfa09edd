package lanes

import (
	"fmt"
	"math"
)

// float is an operand as a lane of floats.
func (p *Program) float(x any) int {
	switch x := x.(type) {
	case F:
		return x.id
	case float64:
		return p.F(x).id
	case int:
		return p.F(float64(x)).id
	}
	panic(fmt.Sprintf("lanes: %T is no float", x))
}

// bits is an operand as a lane of bits.
func (p *Program) bits(x any) int {
	switch x := x.(type) {
	case I:
		return x.id
	case uint64:
		return p.I(x).id
	case int:
		return p.I(uint64(x)).id
	}
	panic(fmt.Sprintf("lanes: %T is no word of bits", x))
}

func (x F) do(op Op, ys ...any) F {
	args := []int{x.id}
	for _, y := range ys {
		args = append(args, x.p.float(y))
	}
	return F{x.p, x.p.add(Node{Op: op, Type: Float, Args: args})}
}

func (x F) is(op Op, y any) M {
	return M{x.p, x.p.add(Node{Op: op, Type: Mask, Args: []int{x.id, x.p.float(y)}})}
}

// Add is x + y, rounded.
func (x F) Add(y any) F { return x.do(Add, y) }

// Sub is x - y, rounded.
func (x F) Sub(y any) F { return x.do(Sub, y) }

// Mul is x * y, rounded.
func (x F) Mul(y any) F { return x.do(Mul, y) }

// Div is x / y, rounded.
func (x F) Div(y any) F { return x.do(Div, y) }

// Sqrt is the square root of x, rounded.
func (x F) Sqrt() F { return x.do(Sqrt) }

// FMA is x*y + z, rounded once.
func (x F) FMA(y, z any) F { return x.do(FMA, y, z) }

// FMS is x*y - z, rounded once.
func (x F) FMS(y, z any) F { return x.do(FMS, y, z) }

// FNMA is z - x*y, rounded once.
func (x F) FNMA(y, z any) F { return x.do(FNMA, y, z) }

// Min is x if x < y, else y.
func (x F) Min(y any) F { return x.do(Min, y) }

// Max is x if x > y, else y.
func (x F) Max(y any) F { return x.do(Max, y) }

// Round is the nearest integer, ties to even.
func (x F) Round() F { return x.do(Round) }

// Floor is the greatest integer not above x.
func (x F) Floor() F { return x.do(Floor) }

// Ceil is the least integer not below x.
func (x F) Ceil() F { return x.do(Ceil) }

// Trunc is the integer toward zero.
func (x F) Trunc() F { return x.do(Trunc) }

// Abs is x without its sign bit, of NaN too.
func (x F) Abs() F { return x.Bits().And(^x.p.signBit()).Float() }

// Neg is x with its sign bit turned, of NaN too.
func (x F) Neg() F { return x.Bits().Xor(x.p.signBit()).Float() }

// CopySign is x with y's sign bit.
func (x F) CopySign(y F) F {
	return x.Bits().AndNot(x.p.signBit()).Or(y.Bits().And(x.p.signBit())).Float()
}

// XorSign is x with its sign turned where y's bit is set.
func (x F) XorSign(y F) F { return x.Bits().Xor(y.Bits().And(x.p.signBit())).Float() }

// signBit is a lane's; the complement has ones above lanes of 32 bits.
func (p *Program) signBit() uint64 { return 1 << (p.Width - 1) }

// Program is the one x is a step of.
func (x F) Program() *Program { return x.p }

// Bits is the same lane as bits.
func (x F) Bits() I { return I{x.p, x.p.retype(Int, x.id)} }

// Float is the same lane as a float.
func (x I) Float() F { return F{x.p, x.p.retype(Float, x.id)} }

func (p *Program) retype(t Type, id int) int {
	switch n := &p.Nodes[id]; {
	case n.Op == Retype:
		return n.Args[0]
	case n.Op == Const:
		return p.add(Node{Op: Const, Type: t, Bits: n.Bits})
	}
	return p.add(Node{Op: Retype, Type: t, Args: []int{id}})
}

// Lt holds where x < y; not for NaN.
func (x F) Lt(y any) M { return x.is(Less, y) }

// Le holds where x <= y; not for NaN.
func (x F) Le(y any) M { return x.is(LessEqual, y) }

// Gt holds where x > y; not for NaN.
func (x F) Gt(y any) M { return x.like(y).Lt(x) }

// Ge holds where x >= y; not for NaN.
func (x F) Ge(y any) M { return x.like(y).Le(x) }

// Eq holds where x == y; not for NaN.
func (x F) Eq(y any) M { return x.is(Equal, y) }

// Ne holds where x != y, and for NaN.
func (x F) Ne(y any) M { return x.is(NotEqual, y) }

// like is y as a lane.
func (x F) like(y any) F { return F{x.p, x.p.float(y)} }

// Unordered holds where x or y is NaN.
func (x F) Unordered(y any) M { return x.is(Unordered, y) }

// IsNaN holds where x is NaN.
func (x F) IsNaN() M { return x.is(Unordered, x) }

func (x I) do(op Op, ys ...any) I {
	args := []int{x.id}
	for _, y := range ys {
		args = append(args, x.p.bits(y))
	}
	return I{x.p, x.p.add(Node{Op: op, Type: Int, Args: args})}
}

// Add is x + y modulo 2^64 or 2^32.
func (x I) Add(y any) I { return x.do(IAdd, y) }

// Sub is x - y modulo 2^64 or 2^32.
func (x I) Sub(y any) I { return x.do(ISub, y) }

// And is x & y.
func (x I) And(y any) I { return x.do(And, y) }

// AndNot is x &^ y.
func (x I) AndNot(y any) I { return x.do(AndNot, y) }

// Or is x | y.
func (x I) Or(y any) I { return x.do(Or, y) }

// Xor is x ^ y.
func (x I) Xor(y any) I { return x.do(Xor, y) }

// Mul32 is the product of the low 32 bits of x and y, in lanes of 64.
func (x I) Mul32(y any) I {
	x.p.wide("a product")
	return x.do(Mul32, y)
}

// wide panics in lanes of 32 bits.
func (p *Program) wide(what string) {
	if p.Width != 64 {
		panic("lanes: " + what + " needs lanes of 64 bits")
	}
}

// Shl moves bits up by a number.
func (x I) Shl(by int) I {
	return I{x.p, x.p.add(Node{Op: Shl, Type: Int, Args: []int{x.id}, By: by})}
}

// Shr moves bits down by a number; zeros come in.
func (x I) Shr(by int) I {
	return I{x.p, x.p.add(Node{Op: Shr, Type: Int, Args: []int{x.id}, By: by})}
}

// ShlBy moves bits up by y, each lane by its own; 0 from the lane's width on.
func (x I) ShlBy(y I) I { return x.do(ShlBy, y) }

// ShrBy moves bits down by y, each lane by its own; 0 from the lane's width on.
func (x I) ShrBy(y I) I { return x.do(ShrBy, y) }

// Gt holds where x > y as signed numbers.
func (x I) Gt(y any) M {
	return M{x.p, x.p.add(Node{Op: IGreater, Type: Mask, Args: []int{x.id, x.p.bits(y)}})}
}

// Eq holds where all bits are equal.
func (x I) Eq(y any) M {
	return M{x.p, x.p.add(Node{Op: IEqual, Type: Mask, Args: []int{x.id, x.p.bits(y)}})}
}

func (m M) do(op Op, ms ...M) M {
	args := []int{m.id}
	for _, o := range ms {
		args = append(args, o.id)
	}
	return M{m.p, m.p.add(Node{Op: op, Type: Mask, Args: args})}
}

// And holds where both do.
func (m M) And(o M) M { return m.do(MAnd, o) }

// Or holds where one does.
func (m M) Or(o M) M { return m.do(MOr, o) }

// Not holds where m does not.
func (m M) Not() M { return m.do(MNot) }

// AndNot holds where m does and o does not.
func (m M) AndNot(o M) M { return m.do(MAndNot, o) }

// Select is x where m holds, else y.
func (m M) Select(x, y any) F {
	return F{m.p, m.p.add(Node{Op: Select, Type: Float, Args: []int{m.id, m.p.float(x), m.p.float(y)}})}
}

// SelectI is x where m holds, else y.
func (m M) SelectI(x, y any) I {
	return I{m.p, m.p.add(Node{Op: Select, Type: Int, Args: []int{m.id, m.p.bits(x), m.p.bits(y)}})}
}

// Magic is what brings a float in (-2^51, 2^51) to an integer when added: the low bits of the sum are the integer (in two's
// complement, 51 bits of it), and subtracted again it leaves the integer as a float, ties to even.
const Magic = 0x1.8p52

// Magic32 is it for lanes of 32 bits: floats in (-2^22, 2^22), and 22 bits of the integer.
const Magic32 = 0x1.8p23

// Horner is the polynomial cs[0] + cs[1]*x + ... by Horner's rule.
func (x F) Horner(cs ...float64) F {
	y := x.p.F(cs[len(cs)-1])
	for i := len(cs) - 2; i >= 0; i-- {
		y = y.FMA(x, cs[i])
	}
	return y
}

// Estrin is the polynomial cs[0] + cs[1]*x + ... by Estrin's scheme: pairs, then pairs of pairs, which wait less for each
// other.
func (x F) Estrin(cs ...float64) F {
	terms := make([]F, 0, (len(cs)+1)/2)
	for i := 0; i < len(cs); i += 2 {
		if i+1 == len(cs) {
			terms = append(terms, x.p.F(cs[i]))
		} else {
			terms = append(terms, x.p.F(cs[i+1]).FMA(x, cs[i]))
		}
	}
	for power := x; len(terms) > 1; {
		power = power.Mul(power)
		var next []F
		for i := 0; i < len(terms); i += 2 {
			if i+1 == len(terms) {
				next = append(next, terms[i])
			} else {
				next = append(next, terms[i+1].FMA(power, terms[i]))
			}
		}
		terms = next
	}
	return terms[0]
}

// Inf is a constant.
func (p *Program) Inf() F { return p.F(math.Inf(1)) }

// NaN is a constant.
func (p *Program) NaN() F { return p.F(math.NaN()) }
