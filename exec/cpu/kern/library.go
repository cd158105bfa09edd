package kern

import (
	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/vmath"
)

// takeLibrary puts the routines of package vmath, with vectors of width bytes, in the place of the loops in Go over its
// functions. They have the form VV alone: what is read of a scalar repeated is little beside what they compute.
func (s *Set) takeLibrary(isa ISA, width int) {
	for op := range elements {
		info := array.Op(op).Info()
		if info.Go.Float != array.Library {
			continue
		}
		for d := array.Float32; d <= array.Float64; d++ {
			f := vmath.Find(info.Func, d == array.Float32, isa == AVX512)
			if f == nil {
				continue
			}
			run := kernel{func(dst, x, y, _ *byte, n int) { f(dst, x, y, n, false) }, 1}
			past := kernel{func(dst, x, y, _ *byte, n int) { f(dst, x, y, n, true) }, 1}
			put(&s.element[op][d][VV], &s.stream[op][d][VV], run, past, elementSpans(array.Op(op), d, VV), width, elements[op][d][VV])
		}
	}
}
