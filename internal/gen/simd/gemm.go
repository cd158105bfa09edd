package main

import (
	"fmt"
	"math/bits"
	"strings"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/darray-go/darray/array"
)

// gemmTile is a tile of C of rows by three vectors, all of it in registers: what they hold beside three vectors of B and
// one of A.
type gemmTile struct {
	isa  isa
	rows int
}

// gemmTiles give 4x12 and 8x24 for float64, 4x24 and 8x48 for float32.
var gemmTiles = []gemmTile{{avx2, 4}, {avx512, 8}}

const (
	gemmVectors = 3 // vectors in a row of the tile
	gemmUnroll  = 4 // steps of k in one turn of the loop
)

// gemmFiles are the micro-kernels of exec/cpu/blas.
func gemmFiles() ([]file, error) {
	u := newUnit("blas", "gemm")
	for _, tile := range gemmTiles {
		for _, d := range []array.DType{array.Float64, array.Float32} {
			u.gemm(tile, d)
		}
	}
	assembly, stubs, err := u.texts()
	return []file{{"exec/cpu/blas/zgemm_amd64.s", assembly}, {"exec/cpu/blas/zgemm_amd64.go", stubs}}, err
}

// gemmRoutine is a micro-kernel under construction.
type gemmRoutine struct {
	asm  *routine
	d    array.DType
	sums [][gemmVectors]vec
}

func (u *unit) gemm(tile gemmTile, d array.DType) {
	cols := gemmVectors * tile.isa.width / d.Size()
	signature := strings.ReplaceAll("func(k int, alpha T, a, b, c []T, stride int, add bool)", "T", d.String())
	r := &gemmRoutine{u.routine("gemm"+goName(d), tile.isa, signature, fmt.Sprintf(
		"is a tile of %d x %d: c[i*stride+j] = FMA(alpha, s, add ? c[i*stride+j] : 0), with s = FMA(a[p*%[1]d+i], b[p*%[2]d+j], s) from 0 for p in 0..k.",
		tile.rows, cols)), d, make([][gemmVectors]vec, tile.rows)}
	k, stride := r.asm.param("k"), r.asm.param("stride")
	a, b, c := r.asm.Load(r.asm.Param("a").Base(), r.asm.GP64()), r.asm.Load(r.asm.Param("b").Base(), r.asm.GP64()), r.asm.Load(r.asm.Param("c").Base(), r.asm.GP64())
	r.asm.SHLQ(operand.Imm(uint64(bits.TrailingZeros(uint(d.Size())))), stride)
	r.nearer(c, stride)
	for i := range r.sums {
		for j := range r.sums[i] {
			r.sums[i][j] = r.asm.zero()
		}
	}
	stepA, stepB := tile.rows*d.Size(), gemmVectors*r.asm.isa.width
	r.asm.CMPQ(k, operand.Imm(gemmUnroll))
	r.asm.JL(operand.LabelRef("rest"))
	r.asm.Label("turn")
	for u := range gemmUnroll {
		r.step(operand.Mem{Base: a, Disp: u * stepA}, operand.Mem{Base: b, Disp: u * stepB})
	}
	r.asm.ADDQ(operand.U32(uint32(gemmUnroll*stepA)), a)
	r.asm.ADDQ(operand.U32(uint32(gemmUnroll*stepB)), b)
	r.asm.SUBQ(operand.Imm(gemmUnroll), k)
	r.asm.CMPQ(k, operand.Imm(gemmUnroll))
	r.asm.JGE(operand.LabelRef("turn"))
	r.asm.Label("rest")
	r.asm.TESTQ(k, k)
	r.asm.JZ(operand.LabelRef("join"))
	r.asm.loop("one", k, 1, func() {
		r.step(operand.Mem{Base: a}, operand.Mem{Base: b})
		r.asm.ADDQ(operand.U32(uint32(stepA)), a)
		r.asm.ADDQ(operand.U32(uint32(stepB)), b)
	})
	r.asm.Label("join")
	address, err := r.asm.Param("alpha").Resolve()
	if err != nil {
		panic(err)
	}
	alpha := r.spread(address.Addr)
	add := r.asm.Load(r.asm.Param("add"), r.asm.GP8())
	r.asm.TESTB(add, add)
	r.asm.JZ(operand.LabelRef("fresh"))
	r.join(c, stride, alpha, nil)
	r.asm.end()
	r.asm.Label("fresh")
	r.join(c, stride, alpha, r.asm.zero())
	r.asm.end()
}

// nearer asks for the lines of the tile, which are read and written at the end.
func (r *gemmRoutine) nearer(c, stride reg.Register) {
	row := r.asm.GP64()
	r.asm.MOVQ(c, row)
	for i := range r.sums {
		for line := 0; line < gemmVectors*r.asm.isa.width; line += 64 {
			r.asm.PREFETCHT0(operand.Mem{Base: row, Disp: line})
		}
		r.asm.PREFETCHT0(operand.Mem{Base: row, Disp: gemmVectors*r.asm.isa.width - 1})
		if i < len(r.sums)-1 {
			r.asm.ADDQ(stride, row)
		}
	}
}

// step joins one column of the packed A and one row of the packed B to the sums.
func (r *gemmRoutine) step(a, b operand.Mem) {
	var right [gemmVectors]vec
	for j := range right {
		right[j] = r.asm.load(b.Offset(j * r.asm.isa.width))
	}
	for i := range r.sums {
		left := r.spread(a.Offset(i * r.d.Size()))
		for j, sum := range r.sums[i] {
			of(r.d, nil, nil, nil, nil, r.asm.VFMADD231PS, r.asm.VFMADD231PD)(right[j], left, sum)
		}
	}
}

// spread loads one float into every lane.
func (r *gemmRoutine) spread(from operand.Mem) vec {
	return r.asm.do(of(r.d, nil, nil, nil, nil, r.asm.VBROADCASTSS, r.asm.VBROADCASTSD), from)
}

// join is FMA(alpha, sum, term) for the whole tile; the term is what stands in C where none is given.
func (r *gemmRoutine) join(c, stride reg.Register, alpha, term reg.Register) {
	for i := range r.sums {
		for j, sum := range r.sums[i] {
			place := operand.Mem{Base: c, Disp: j * r.asm.isa.width}
			var addend operand.Op = place
			if term != nil {
				addend = term
			}
			of(r.d, nil, nil, nil, nil, r.asm.VFMADD213PS, r.asm.VFMADD213PD)(addend, alpha, sum)
			r.asm.store(sum, place)
		}
		if i < len(r.sums)-1 {
			r.asm.ADDQ(stride, c)
		}
	}
}
