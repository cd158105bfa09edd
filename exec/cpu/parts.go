package cpu

import (
	"slices"
	"sync"

	"github.com/darray-go/darray/array"
)

// parts is what runAxes makes of a program: one without the outputs over axes, and for each of those one that computes its
// register.
type parts struct {
	plain     []int // the other outputs
	program   *array.Program
	registers []*array.Program // by output; nil where the register is an operand
	from      []int            // by output: the variance whose trees hold this sum or mean too, else none
}

// partsOf keeps the parts of programs, by the program's address, so that their code is kept too.
type partsOf struct {
	mu    sync.Mutex
	known map[*array.Program]*parts
}

// find gives the parts of a program whose outputs have been checked.
func (s *partsOf) find(p *array.Program) *parts {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.known[p]; found != nil {
		return found
	}
	made := &parts{registers: make([]*array.Program, len(p.Outputs)), from: make([]int, len(p.Outputs))}
	program := *p
	made.program, program.Outputs = &program, nil
	for i, o := range p.Outputs {
		if made.from[i] = varianceOf(p, i); made.from[i] != none {
			continue
		}
		if !overAxes(&o) {
			program.Outputs, made.plain = append(program.Outputs, o), append(made.plain, i)
			continue
		}
		if int(o.Reg) < len(p.Inputs) && p.Inputs[o.Reg].Kind == array.InputBlock {
			continue
		}
		register := *p
		register.Outputs = []array.Output{{Reg: o.Reg, DType: o.DType}}
		made.registers[i] = &register
	}
	if s.known == nil {
		s.known = make(map[*array.Program]*parts)
	}
	if len(s.known) >= maxCodes {
		for old := range s.known { // any
			delete(s.known, old)
			break
		}
	}
	s.known[p] = made
	return made
}

// varianceOf finds the variance of everything that output i is the sum or mean of; none where there is none.
func varianceOf(p *array.Program, i int) int {
	o := &p.Outputs[i]
	if !o.Reduce || !o.Whole() || o.Op != array.Sum && o.Op != array.Mean {
		return none
	}
	return slices.IndexFunc(p.Outputs, func(v array.Output) bool {
		return v.Reduce && v.Whole() && v.Op == array.Var && v.Reg == o.Reg
	})
}
