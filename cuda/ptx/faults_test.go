package ptx_test

import (
	"maps"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/cuda/ptx/ptxtest"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/internal/ref"
)

// TestFaults holds which elements without a result are told of: the first, by its index in the domain; not those that are
// null, that lie behind the part, or that no output needs; but those that where does not pick.
func TestFaults(t *testing.T) {
	leak.Check(t)
	cpu := ptxtest.NewProcessor(t)
	const n = 700
	ints := func(zeros ...int) *array.Block {
		b := array.NewBlock(array.Int32, array.Shape{n}, true)
		for i := range n {
			b.SetScalar(i, array.ScalarOf(int32(i+1)), i%10 != 3)
		}
		for _, i := range zeros {
			b.SetScalar(i, array.ScalarOf(int32(0)), i%10 != 3)
		}
		return b
	}
	for _, c := range []struct {
		name  string
		zeros []int
		lo    int
		make  func(m *maker, x, y array.Reg)
		want  map[int]uint64
	}{
		{"none", nil, 0, func(m *maker, x, y array.Reg) { m.out(m.op(array.FloorDivide, x, y)) }, map[int]uint64{}},
		{"first of several", []int{650, 120, 300}, 0, func(m *maker, x, y array.Reg) { m.out(m.op(array.Remainder, x, y)) }, map[int]uint64{0: 120}},
		{"of the part", []int{20, 300}, 200, func(m *maker, x, y array.Reg) { m.out(m.op(array.Fmod, x, y)) }, map[int]uint64{0: 300}},
		{"null", []int{123, 256}, 0, func(m *maker, x, y array.Reg) { m.out(m.op(array.Fmod, x, y)) }, map[int]uint64{0: 256}},
		{"not needed", []int{5}, 0, func(m *maker, x, y array.Reg) {
			m.op(array.FloorDivide, x, y)
			m.out(x)
		}, map[int]uint64{}},
		{"not picked", []int{5}, 0, func(m *maker, x, y array.Reg) {
			q := m.op(array.FloorDivide, x, y)
			m.out(m.op(array.Where, m.op(array.Equal, y, y), x, q))
		}, map[int]uint64{0: 5}},
		{"counted alone", []int{5}, 0, func(m *maker, x, y array.Reg) { m.reduce(array.Count, m.op(array.FloorDivide, x, y)) }, map[int]uint64{0: 5}},
		{"power", []int{5}, 0, func(m *maker, x, y array.Reg) {
			m.out(m.op(array.Pow, x, m.op(array.Subtract, y, x)))
		}, map[int]uint64{1: 5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := &maker{p: array.Program{Domain: array.Shape{n}}}
			x, y := m.x(array.Int32), m.x(array.Int32)
			c.make(m, x, y)
			l := ref.Part(&array.Launch{Program: &m.p, Hi: n, Operands: []*array.Block{ints(), ints(c.zeros...)}}, c.lo, n)
			if m.p.Outputs[0].Reduce && c.lo > 0 {
				t.Fatal("a part of a reduction begins at a leaf")
			}
			if got := cpu.Compare(t, l, ptxtest.Options{Grid: 2}).Faults; !maps.Equal(got, c.want) {
				t.Errorf("faults %v, want %v", got, c.want)
			}
		})
	}
}
