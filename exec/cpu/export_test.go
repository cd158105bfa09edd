package cpu

import (
	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
)

// Dump is the code of a program as text.
func Dump(p *array.Program, nullable []bool, isa kern.ISA) string {
	kernels := kern.New(isa)
	if err := validate(p, kernels); err != nil {
		return err.Error()
	}
	return compile(p, nullable, kernels).String()
}
