package kern_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
)

// linkTests say what each link makes of the accumulator and its operands.
var linkTests = []struct {
	op   kern.LinkOp
	name string
	m, n operandOf
	f    linkResult
}{
	{kern.LinkLoad, "load", inMemory, unused, one(func(_, m float64) float64 { return m })},
	{kern.LinkLoadCell, "load cell", inCell, unused, one(func(_, m float64) float64 { return m })},
	{kern.LinkSquare, "square", unused, unused, one(func(a, _ float64) float64 { return a * a })},
	{kern.LinkSqrt, "sqrt", unused, unused, one(func(a, _ float64) float64 { return math.Sqrt(a) })},
	{kern.LinkAdd, "add", inMemory, unused, one(func(a, m float64) float64 { return a + m })},
	{kern.LinkAddCell, "add cell", inCell, unused, one(func(a, m float64) float64 { return a + m })},
	{kern.LinkAddOther, "add other", inOther, unused, one(func(a, m float64) float64 { return a + m })},
	{kern.LinkSubtract, "subtract", inMemory, unused, one(func(a, m float64) float64 { return a - m })},
	{kern.LinkSubtractCell, "subtract cell", inCell, unused, one(func(a, m float64) float64 { return a - m })},
	{kern.LinkSubtractOther, "subtract other", inOther, unused, one(func(a, m float64) float64 { return a - m })},
	{kern.LinkMultiply, "multiply", inMemory, unused, one(func(a, m float64) float64 { return a * m })},
	{kern.LinkMultiplyCell, "multiply cell", inCell, unused, one(func(a, m float64) float64 { return a * m })},
	{kern.LinkMultiplyOther, "multiply other", inOther, unused, one(func(a, m float64) float64 { return a * m })},
	{kern.LinkDivide, "divide", inMemory, unused, one(func(a, m float64) float64 { return a / m })},
	{kern.LinkDivideCell, "divide cell", inCell, unused, one(func(a, m float64) float64 { return a / m })},
	{kern.LinkDivideOther, "divide other", inOther, unused, one(func(a, m float64) float64 { return a / m })},
	{kern.LinkMultiplyAdd, "multiply add", inMemory, inMemory, sum(1)},
	{kern.LinkMultiplyAddCell, "multiply add cell", inMemory, inCell, sum(1)},
	{kern.LinkMultiplyCellAdd, "multiply cell add", inCell, inMemory, sum(1)},
	{kern.LinkMultiplyCellAddCell, "multiply cell add cell", inCell, inCell, sum(1)},
	{kern.LinkMultiplyOtherAdd, "multiply other add", inOther, inMemory, sum(1)},
	{kern.LinkMultiplyOtherAddCell, "multiply other add cell", inOther, inCell, sum(1)},
	{kern.LinkMultiplyOtherSubtract, "multiply other subtract", inOther, inMemory, sum(-1)},
	{kern.LinkMultiplyOtherSubtractCell, "multiply other subtract cell", inOther, inCell, sum(-1)},
	{kern.LinkMultiplySubtract, "multiply subtract", inMemory, inMemory, sum(-1)},
	{kern.LinkMultiplySubtractCell, "multiply subtract cell", inMemory, inCell, sum(-1)},
	{kern.LinkMultiplyCellSubtract, "multiply cell subtract", inCell, inMemory, sum(-1)},
	{kern.LinkMultiplyCellSubtractCell, "multiply cell subtract cell", inCell, inCell, sum(-1)},
}

// operandOf is where a link's operand is.
type operandOf int

const (
	unused operandOf = iota
	inMemory
	inCell
	inOther
)

// linkResult is what a link gives for an element, each operation rounded to the element's type.
type linkResult func(a, m, n float64, round func(float64) float64) float64

func one(f func(a, m float64) float64) linkResult {
	return func(a, m, _ float64, round func(float64) float64) float64 { return round(f(a, m)) }
}

func sum(sign float64) linkResult {
	return func(a, m, n float64, round func(float64) float64) float64 { return round(round(a*m) + sign*n) }
}

// TestLinks runs each link on both accumulators over several blocks, stored in both ways, beside Go's own arithmetic. One
// operation on float32 in float64, rounded once more, is right (Figueroa, "When is double rounding innocuous?", 1995).
func TestLinks(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 1))
	for _, isa := range isas(t) {
		set := kern.New(isa)
		for _, d := range []array.DType{array.Float32, array.Float64} {
			block := set.ChainBlock(d)
			if block == 0 {
				continue
			}
			for _, tt := range linkTests {
				for accumulator := range 2 {
					for blocks := 1; blocks <= 3; blocks++ {
						for _, store := range []kern.LinkOp{kern.LinkStore, kern.LinkStream} {
							n := blocks * block
							x, y, z := randomVector(rng, d, n, 0), randomVector(rng, d, n, 8), randomVector(rng, d, n, 16)
							skew := 0
							if blocks == 2 {
								skew = 8 // which no store past the caches takes
							}
							out := newVector(d, n, skew)
							links := []kern.Link{set.Link(kern.LinkLoad, accumulator, d, &x.bytes(n)[0], nil)}
							if tt.m == inOther {
								links = append(links, set.Link(kern.LinkLoad, 1-accumulator, d, &y.bytes(n)[0], nil))
							}
							links = append(links, set.Link(tt.op, accumulator, d, tt.m.at(y), tt.n.at(z)), set.Link(store, accumulator, d, &out.bytes(n)[0], nil), set.LinkEnd())
							set.Chain(links, d, n)
							set.Fence()
							round := func(v float64) float64 { return v }
							if d == array.Float32 {
								round = func(v float64) float64 { return float64(float32(v)) }
							}
							for i := range n {
								want := tt.f(floatAt(x, i), tt.m.element(y, i), tt.n.element(z, i), round)
								if got := floatAt(out, i); math.Float64bits(got) != math.Float64bits(want) && (got == got || want == want) {
									t.Fatalf("%s %s %s, accumulator %d: element %d of %d is %v, want %v", isa, d, tt.name, accumulator, i, n, got, want)
								}
							}
							if err := marginOf(out); err != "" {
								t.Fatalf("%s %s %s: %s", isa, d, tt.name, err)
							}
						}
					}
				}
			}
		}
	}
}

// at is a link's operand: a vector, its first element spread, or none.
func (o operandOf) at(v vector) *byte {
	switch o {
	case inMemory:
		return &v.bytes(v.n)[0]
	case inCell:
		cell := make([]byte, kern.CellBytes)
		for at := 0; at < len(cell); at += v.dtype.Size() {
			copy(cell[at:], v.bytes(1))
		}
		return &cell[0]
	}
	return nil
}

// element is what the operand has for element i.
func (o operandOf) element(v vector, i int) float64 {
	if o == inCell {
		i = 0
	}
	return floatAt(v, i)
}

// floatAt is an element of a vector of floats.
func floatAt(v vector, i int) float64 {
	if v.dtype == array.Float32 {
		return float64(array.View[float32](v.bytes(v.n))[i])
	}
	return array.View[float64](v.bytes(v.n))[i]
}

// marginOf says which byte around a vector has been written.
func marginOf(v vector) string {
	for i, b := range v.whole {
		if (i < v.at || i >= v.at+storage(v.dtype, v.n)) && i < len(poison) && b != poison[i] {
			return fmt.Sprintf("byte %d before the vector or behind it is written", i-v.at)
		}
	}
	return ""
}
