package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"

	"github.com/darray-go/darray/array"
)

// fusedOps are kern's fused ops. The product is rounded before the sum: no instruction does both, as the result would
// have other bits than the two ops alone.
var fusedOps = []struct {
	name, text string
	sum        func(r *routine, d array.DType, product, z vec) vec
}{
	{"MulAdd", "x*y + z", func(r *routine, d array.DType, product, z vec) vec { return r.add(d, product, z) }},
	{"MulSub", "x*y - z", func(r *routine, d array.DType, product, z vec) vec { return r.subtract(d, product, z) }},
	{"NegMulAdd", "z - x*y", func(r *routine, d array.DType, product, z vec) vec { return r.subtract(d, z, product) }},
}

func fusedKernels(k *kernUnit) {
	for _, op := range fusedOps {
		for _, isa := range isas {
			for _, group := range floats {
				d := group[0]
				for _, f := range []form{vv, vsv, vvs, vss} {
					for _, stream := range []bool{false, true} {
						name, table, how := lower(op.name)+goName(d)+f.suffix(), "fused", ""
						if stream {
							name, table, how = name+"Stream", "streamFused", streamed
						}
						r := k.unit.routine(name, isa, loopSignature, fmt.Sprintf("is dst[i] = %s of %s, the product rounded%s.", op.text, operandWords(3, f), how))
						block := r.elements(d, 3, f, stream, func(x []vec) vec {
							return op.sum(r, d, r.multiply(d, x[0], x[1], nil), x[2])
						})
						k.add(isa, table, name, block, op.name, "array."+goName(d), f.name)
					}
				}
			}
		}
	}
}

// streamed is what the comments of such routines add.
const streamed = ", stored past the caches; dst is a multiple of the vector's size"

// moveRoutines are those that are no Loop: they move memory or say what is to be in the caches.
func moveRoutines(k *kernUnit) {
	for _, isa := range isas {
		r := k.unit.routine("copyStream", isa, "func(dst, x *byte, n int)",
			"copies n bytes, a multiple of 256 and not 0, past the caches; dst is a multiple of the vector's size.")
		dst, x, n := r.param("dst"), r.param("x"), r.param("n")
		const block = 256
		r.loop("loop", n, block, func() {
			var vs []vec
			for at := 0; at < block; at += isa.width {
				vs = append(vs, r.load(operand.Mem{Base: x, Disp: at}))
			}
			for i, v := range vs {
				r.stream(v, operand.Mem{Base: dst, Disp: i * isa.width})
			}
			r.ADDQ(operand.U32(block), x)
			r.ADDQ(operand.U32(block), dst)
		})
		r.end()
	}
	r := k.unit.routine("prefetch", isa{}, "func(x *byte, lines int)", "asks for lines of 64 bytes, one at least.")
	x, n := r.param("x"), r.param("lines")
	r.loop("loop", n, 1, func() {
		r.PREFETCHT0(operand.Mem{Base: x})
		r.ADDQ(operand.U32(64), x)
	})
	r.RET()
	r = k.unit.routine("fence", isa{}, "func()", "orders stores past the caches before those that follow.")
	r.SFENCE()
	r.RET()
}
