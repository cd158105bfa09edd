package vmath

import "github.com/darray-go/darray/internal/lanes"

// The constants and the polynomial for lanes of float32; ln2Hi32 has 9 zeros at its end.
const (
	log2e32    = 0x1.715476p+0
	ln2Hi32    = 0x1.62e4p-1
	ln2Lo32    = 0x1.7f7d1cp-20
	ln2Float32 = 0x1.62e43p-1
	ln2Tail32  = -0x1.05c61p-29
)

// expNarrow are (e^r - 1 - r)/r^2 within 2^-28.2 of e^r for |r| <= (log 2)/2; sollya/narrow.sollya.
var expNarrow = []float64{0x1.fffffap-2, 0x1.555492p-3, 0x1.555a26p-5, 0x1.123988p-7, 0x1.694cd4p-10}

// expSum32 is e^(r.hi + r.lo) for lanes of float32: 1 + r.hi exactly, and the rest.
func (r dd) expSum32() lanes.F {
	s := fastTwoSum(r.hi.Program().F(1), r.hi)
	sum := r.hi.Add(r.lo)
	return s.hi.Add(sum.Mul(sum).FMA(sum.Estrin(expNarrow...), s.lo.Add(r.lo)))
}

func exp32(p *lanes.Program, x ...lanes.F) lanes.F {
	shifted := x[0].FMA(log2e32, lanes.Magic32)
	n := shifted.Sub(lanes.Magic32)
	r := dd{n.FNMA(ln2Hi32, x[0]), n.Mul(-ln2Lo32)} // the first is exact
	return scale(x[0], r.expSum32(), shifted, 87, -104, 89)
}

func exp232(p *lanes.Program, x ...lanes.F) lanes.F {
	shifted := x[0].Add(lanes.Magic32)
	z := x[0].Sub(shifted.Sub(lanes.Magic32)) // exact
	h := z.Mul(ln2Float32)
	return scale(x[0], dd{h, z.FMA(ln2Tail32, z.FMS(ln2Float32, h))}.expSum32(), shifted, 126, -151, 128)
}
