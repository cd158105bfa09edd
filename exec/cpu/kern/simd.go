package kern

import "github.com/darray-go/darray/array"

// simd is a Loop in assembly, over the elements from its pointers on; n is a multiple of its kernel's block and not 0. It
// reads and writes what the loop of n elements reads and writes, and not a byte more.
type simd func(dst, x, y, z *byte, n int)

// kernel is a routine in assembly.
type kernel struct {
	run   simd
	block int // a power of two, 64 at most
}

// Tables of kernels as those of the loops in Go, by op, the type that it computes in and form.
type (
	elementTable [][array.Float64 + 1][SV + 1]kernel
	fusedTable   [NegMulAdd + 1][array.Float64 + 1][VSS + 1]kernel
	whereTable   [array.Float64 + 1][VSS + 1]kernel
	castTable    [array.Float64 + 1][array.Float64 + 1]kernel // from, to
)

// kernels are the routines of an instruction set; the streamed ones store past the caches, to a dst that starts at a
// multiple of the vector's size.
type kernels struct {
	element, stream    elementTable
	fused, streamFused fusedTable
	where, streamWhere whereTable
	cast               castTable
	fold               foldTable
	leaves             leavesTable
	join               joinTable
	rows               rowsTable
}

// spans are the bits that an element of dst, x, y and z takes in memory; 0 for a single element or none.
type spans [4]int

// spansOf are the spans of a loop of this form whose result is of type out and whose operands are of types in.
func spansOf(f Form, out array.DType, in ...array.DType) spans {
	s := spans{bitsOf(out)}
	for i, d := range in {
		if !scalarOperands[f][i] {
			s[i+1] = bitsOf(d)
		}
	}
	return s
}

// elementSpans are those of an element-wise op that computes in d.
func elementSpans(op array.Op, d array.DType, f Form) spans {
	out := d
	if op.Info().Rule.GivesBool() {
		out = array.Bool
	}
	return spansOf(f, out, []array.DType{d, d, d}[:op.Info().Arity]...)
}

// scalarOperands are the forms in words.
var scalarOperands = [...][3]bool{VV: {}, VS: {1: true}, SV: {0: true}, VSV: {1: true}, VVS: {2: true}, VSS: {1: true, 2: true}}

// bitsOf is what an element takes in memory.
func bitsOf(d array.DType) int {
	if d == array.Bool {
		return 1
	}
	return 8 * d.Size()
}

// loop is the kernel over the whole blocks of a run and the loop in Go over the rest; rest alone where there is no kernel.
// Were it inlined, the compiler would not inline what its result calls, which costs a call some 5 ns.
//
//go:noinline
func (k kernel) loop(s spans, rest Loop) Loop {
	if k.run == nil || rest == nil {
		return rest
	}
	j := &joint{k, s, rest}
	return func(dst, x, y, z []byte, n int) {
		if n&(j.block-1) != 0 || n == 0 {
			j.ragged(dst, x, y, z, n)
			return
		}
		if len(dst) < n*j.spans[0]>>3 || len(x) < n*j.spans[1]>>3 || len(y) < n*j.spans[2]>>3 || len(z) < n*j.spans[3]>>3 {
			tooShort()
		}
		j.run(first(dst), first(x), first(y), first(z), n)
	}
}

// joint is a kernel and the loop that does what its blocks leave.
type joint struct {
	kernel
	spans
	rest Loop
}

// ragged is the loop over any number of elements.
func (j *joint) ragged(dst, x, y, z []byte, n int) {
	m := n &^ (j.block - 1)
	ds, xs, ys, zs := m*j.spans[0]>>3, m*j.spans[1]>>3, m*j.spans[2]>>3, m*j.spans[3]>>3
	if len(dst) < ds || len(x) < xs || len(y) < ys || len(z) < zs {
		tooShort()
	}
	if m > 0 {
		j.run(first(dst), first(x), first(y), first(z), m)
	}
	if m < n {
		j.rest(dst[ds:], x[xs:], y[ys:], z[zs:], n-m)
	}
}

// tooShort is what happens where a slice does not hold the elements of a loop over it, as in the loops in Go.
func tooShort() { panic("kern: a slice is shorter than the elements of the loop over it") }

// streamed is loop for a kernel that stores to multiples of align bytes: what comes before the first of them is done by
// the loop that is not streamed.
func (k kernel) streamed(s spans, align int, rest Loop) Loop {
	if k.run == nil {
		return nil
	}
	body := k.loop(s, rest)
	return func(dst, x, y, z []byte, n int) {
		before := min(missing(dst, align)*8/s[0], n)
		if before == 0 {
			body(dst, x, y, z, n)
			return
		}
		for _, bits := range s {
			if before*bits%8 != 0 { // a bitmap would begin within a byte
				rest(dst, x, y, z, n)
				return
			}
		}
		rest(dst, x, y, z, before)
		body(dst[before*s[0]/8:], x[before*s[1]/8:], y[before*s[2]/8:], z[before*s[3]/8:], n-before)
	}
}
