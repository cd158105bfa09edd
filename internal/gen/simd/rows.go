package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/darray-go/darray/array"
)

// rowsSignature is that of kern's rowsKernel.
const rowsSignature = "func(acc, x, y *byte, n, rows, stride int)"

// rowKernels join rows of elements, one after another, to a row of accumulators.
func rowKernels(k *kernUnit) {
	for _, isa := range isas {
		for _, f := range foldings {
			for _, group := range f.dtypes {
				k.rows(f, ofX.name, isa, group)
				if f.op == array.Sum && group[0].Float() {
					k.rows(f, "OfDeviation", isa, group)
				}
			}
		}
	}
}

// rowsWide is the vectors of accumulators that stay in registers while the rows go by; half as many where the means do too.
const rowsWide = 8

// rows writes one routine: some vectors of columns at a time, then one, from the first row to the last.
func (k *kernUnit) rows(f folding, of string, isa isa, group []array.DType) {
	d := group[0]
	acc := array.AccumulatorType(f.op, d)
	name, value, wide := "rows"+f.op.Info().Func+goName(d), "x[r*stride+i]", rowsWide
	if of != ofX.name {
		name, value, wide = name+of, "the square of x[r*stride+i]-y[i]", rowsWide/2
	}
	r := k.unit.routine(name, isa, rowsSignature, fmt.Sprintf("joins %s to acc[i] by %s, for r = 0, 1, ..., rows-1; stride in bytes.", value, f.op))
	t := &rowsRoutine{
		asm: r, folding: f, d: d, acc: acc, to: r.param("acc"), x: r.param("x"),
		n: r.param("n"), rows: r.param("rows"), stride: r.param("stride"),
	}
	if of != ofX.name {
		t.y = r.param("y")
	}
	if f.constants != nil {
		t.constants = f.constants(r, acc)
	}
	t.columns("wide", wide)
	t.columns("narrow", 1)
	r.end()
	for _, s := range group {
		k.add(isa, "rows", name, isa.width/acc.Size(), "array."+f.op.Info().Func, "array."+goName(s), of)
	}
}

// rowsRoutine is one under construction.
type rowsRoutine struct {
	asm *routine
	folding
	d, acc          array.DType
	to, x, y        reg.GPVirtual // y: where the means are; nil where there are none
	n, rows, stride reg.GPVirtual
	constants       []vec
}

// columns joins all rows of so many vectors of columns, while there are so many.
func (t *rowsRoutine) columns(label string, vectors int) {
	lanes := t.asm.isa.width / t.acc.Size()
	step := lanes * t.d.Size()
	t.asm.Label(label)
	t.asm.CMPQ(t.n, operand.U32(uint32(vectors*lanes)))
	t.asm.JLT(operand.LabelRef(label + "Done"))
	accs, means := make([]vec, vectors), make([]vec, vectors)
	for i := range accs {
		accs[i] = t.asm.load(operand.Mem{Base: t.to, Disp: i * t.asm.isa.width})
		if t.y != nil {
			means[i] = t.asm.load(operand.Mem{Base: t.y, Disp: i * t.asm.isa.width})
		}
	}
	row, left := t.asm.GP64(), t.asm.GP64()
	t.asm.MOVQ(t.x, row)
	t.asm.MOVQ(t.rows, left)
	t.asm.loop(label+"Row", left, 1, func() {
		for i, lane := range accs {
			v := t.asm.loadBytes(operand.Mem{Base: row, Disp: i * step}, step)
			if t.d != t.acc {
				out := t.asm.vec()
				t.asm.VCVTPS2PD(v, out)
				v = out
			}
			if t.y != nil {
				difference := t.asm.subtract(t.acc, v, means[i])
				v = t.asm.times(t.acc, difference, difference)
			}
			t.asm.VMOVAPS(t.join(t.asm, t.acc, lane, v, t.constants), lane)
		}
		t.asm.ADDQ(t.stride, row)
	})
	for i, lane := range accs {
		t.asm.store(lane, operand.Mem{Base: t.to, Disp: i * t.asm.isa.width})
	}
	t.asm.ADDQ(operand.U32(uint32(vectors*t.asm.isa.width)), t.to)
	t.asm.ADDQ(operand.U32(uint32(vectors*step)), t.x)
	if t.y != nil {
		t.asm.ADDQ(operand.U32(uint32(vectors*t.asm.isa.width)), t.y)
	}
	t.asm.SUBQ(operand.U32(uint32(vectors*lanes)), t.n)
	t.asm.JMP(operand.LabelRef(label))
	t.asm.Label(label + "Done")
}
