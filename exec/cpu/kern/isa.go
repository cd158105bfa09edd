package kern

import (
	"fmt"

	"golang.org/x/sys/cpu"
)

// isaNames are the names of the instruction sets, as in DARRAY_CPU.
var isaNames = [...]string{Go: "go", AVX2: "avx2", AVX512: "avx512"}

// String is the instruction set's name: go, avx2 or avx512.
func (i ISA) String() string {
	if int(i) >= len(isaNames) {
		return fmt.Sprintf("isa(%d)", uint8(i))
	}
	return isaNames[i]
}

// Best is the greatest instruction set that this machine has.
func Best() ISA {
	x := &cpu.X86
	switch {
	case !x.HasAVX2 || !x.HasFMA: // so on other processors
		return Go
	case !x.HasAVX512F || !x.HasAVX512BW || !x.HasAVX512DQ || !x.HasAVX512VL:
		return AVX2
	}
	return AVX512
}

// Parse reads the name of an instruction set. It fails where the name is none, and where this machine does not have it.
func Parse(name string) (ISA, error) {
	for i, s := range isaNames {
		switch isa := ISA(i); {
		case s != name:
		case isa > Best():
			return Go, fmt.Errorf("instruction set %s: this processor has %s at best; take that or leave the choice to the program", name, Best())
		default:
			return isa, nil
		}
	}
	return Go, fmt.Errorf("no instruction set %q; there are go, avx2 and avx512", name)
}
