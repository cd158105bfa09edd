package kern_test

import (
	"flag"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
)

// only restricts the tests to one instruction set: an emulated processor that has it is slow (test/emulate).
var only = flag.String("kern.isa", "", "test the loops of this instruction set alone: go, avx2 or avx512")

// bochs27 leaves out what the emulator Bochs 2.7 computes wrong (test/emulate says how that is known).
var bochs27 = flag.Bool("kern.bochs27", false, "leave out of the tests the values that the emulator Bochs 2.7 casts wrong")

// misemulated reports whether v is a value that Bochs 2.7 casts wrong by the bare instruction: its VCVTUDQ2PS and VCVTUQQ2PD
// lose the lowest bit of numbers whose highest is set, which matters where that bit decides the rounding; its VCVTTPD2UQQ
// gives all ones from 2^63 on.
func misemulated(v array.Scalar, to array.DType) bool {
	switch from := v.DType(); {
	case !*bochs27:
		return false
	case from == array.Uint32 && to == array.Float32 || from == array.Uint64 && to == array.Float64:
		without := array.ScalarFromBits(from, v.Bits()&^1)
		return v.Bits()>>(8*from.Size()-1) == 1 && v.Cast(to) != without.Cast(to)
	case from == array.Float64 && to == array.Uint64:
		return v.Float() >= 0x1p63 && v.Float() < 0x1p64
	}
	return false
}

// wanted reports whether to test an instruction set.
func wanted(isa kern.ISA) bool { return *only == "" || *only == isa.String() }

// skipped reports whether a length is left out by -short: those stay at which the loops over a vector, over four of them
// or over bits begin and end, and some between. The
// longest loop takes four vectors of 64 bytes.
func skipped(n int) bool {
	if !testing.Short() || n <= 9 {
		return false
	}
	return n > 300 || (n+1)%64 > 2 && n%41 != 0 && n != 31 && n != 32 && n != 33
}
