package cpu

import (
	"sync"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
)

// maxCodes bounds the programs whose code is kept.
const maxCodes = 256

// codes keeps the code of programs, by the program's address: whoever runs a program again has the same one. It holds the
// programs as well, so that no other one can come to an address that is known.
type codes struct {
	mu    sync.Mutex
	known map[*array.Program][]*code // one for each choice of operands that can hold nulls
}

// find gives the code for a launch; an error where its program is malformed.
func (s *codes) find(l *array.Launch, kernels *kern.Set) (*code, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.known[l.Program] {
		if c.serves(l) {
			return c, nil
		}
	}
	if err := l.Program.Check(); err != nil {
		return nil, err
	}
	nullable := make([]bool, len(l.Program.Inputs))
	for i := range nullable {
		nullable[i] = canBeNull(&l.Program.Inputs[i], l.Operands)
	}
	c := compile(l.Program, nullable, kernels)
	if s.known == nil {
		s.known = make(map[*array.Program][]*code)
	}
	if len(s.known) >= maxCodes {
		for p := range s.known { // any
			delete(s.known, p)
			break
		}
	}
	s.known[l.Program] = append(s.known[l.Program], c)
	return c, nil
}

// serves reports whether c was made for operands that can hold nulls as those of l can.
func (c *code) serves(l *array.Launch) bool {
	for i := range c.nullable {
		if c.nullable[i] != canBeNull(&c.program.Inputs[i], l.Operands) {
			return false
		}
	}
	return true
}

// canBeNull reports whether an element of an input can be null.
func canBeNull(in *array.Input, operands []*array.Block) bool {
	if in.Kind != array.InputBlock && in.Kind != array.InputBroadcast {
		return false
	}
	return in.Slot < len(operands) && operands[in.Slot] != nil && operands[in.Slot].HasNulls()
}
