package compute

import (
	"slices"

	"github.com/darray-go/darray/bench/talk"
)

// prepare is the question for a kernel's operands.
func (k kernel) prepare(dtype string, n int) talk.Question {
	q := talk.Question{Do: "prepare", Kernel: k.name, DType: dtype, N: n}
	for i := range k.operands {
		s := k.span(i)
		q.Spans = append(q.Spans, [2]float64{s.lo, s.hi})
	}
	return q
}

// side is whom a contender plays for.
type side int

const (
	ours side = iota
	rival
	limit  // the machine
	beside // shown, and compared with nobody
)

// contender is a process that takes turns.
type contender struct {
	name    string
	about   string
	side    side
	threads int
	argv    []string
	kernels []string      // that it takes part in; nil: all
	modes   []string      // likewise
	process *talk.Process // of a contender that has joined
}

// takesPart reports whether c is measured at a kernel in a mode.
func (c *contender) takesPart(kernel, mode string) bool {
	return (c.kernels == nil || slices.Contains(c.kernels, kernel)) && (c.modes == nil || slices.Contains(c.modes, mode))
}
