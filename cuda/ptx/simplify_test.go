package ptx_test

import (
	"math/rand/v2"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/cuda/ptx"
	"github.com/darray-go/darray/cuda/ptx/ptxtest"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/internal/ref"
)

// TestSimplified runs programs of which less is left than they say.
func TestSimplified(t *testing.T) {
	leak.Check(t)
	cpu := ptxtest.NewProcessor(t)
	rng := rand.New(rand.NewPCG(6, 9))
	for name, make := range map[string]func(m *maker, b, x, y array.Reg){
		"where not": func(m *maker, b, x, y array.Reg) { m.out(m.op(array.Where, m.op(array.LogicalNot, b), x, y)) },
		"where same": func(m *maker, b, x, y array.Reg) {
			m.out(m.op(array.Where, b, x, x))
			m.out(m.op(array.Where, b, m.op(array.FillNull, x, y), y))
		},
		"where of what is never null": func(m *maker, b, x, y array.Reg) {
			sure := m.op(array.IsNull, x)
			m.out(m.op(array.Where, b, sure, m.op(array.Less, x, y)))
			m.out(m.op(array.Where, b, m.op(array.Less, x, y), sure))
			m.out(m.op(array.IsNull, sure))
			m.out(m.op(array.Where, m.op(array.IsNull, sure), x, y))
		},
		"of itself": func(m *maker, b, x, y array.Reg) {
			m.out(m.op(array.Multiply, x, x))
			m.out(m.op(array.Maximum, x, x))
			m.out(m.op(array.LogicalXor, b, b))
			m.out(m.op(array.LogicalAnd, b, b))
			m.out(m.op(array.LogicalOr, b, b))
		},
		"twice": func(m *maker, b, x, y array.Reg) {
			m.out(m.op(array.LogicalNot, m.op(array.LogicalNot, b)))
			m.out(m.op(array.Positive, m.op(array.Positive, x)))
			m.out(m.op(array.Add, m.op(array.Add, x, y), m.op(array.Add, y, x)))
		},
	} {
		for _, nulls := range []float64{0, 0.4} {
			t.Run(name, func(t *testing.T) {
				const n = 300
				m := &maker{p: array.Program{Domain: array.Shape{n}}}
				b, x, y := m.x(array.Bool), m.x(array.Int32), m.x(array.Int32)
				make(m, b, x, y)
				if !ptx.Plain(&m.p) {
					t.Error("it is not plain")
				}
				l := &array.Launch{Program: &m.p, Hi: n}
				for _, d := range []array.DType{array.Bool, array.Int32, array.Int32} {
					l.Operands = append(l.Operands, ref.Random(rng, d, array.Shape{n}, nulls))
				}
				cpu.Compare(t, l, randomOptions(rng, l))
			})
		}
	}
}
