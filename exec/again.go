package exec

import (
	"slices"

	"github.com/darray-go/darray/array"
)

// maxSpare is the values of a plan up to which its run's memory is kept for the next one.
const maxSpare = 1 << 10

// again is a run of a plan that needs no other rank, in the memory of the one before. It is over with reset.
func (e *Executor) again(p *Plan) *run {
	r := e.spare
	if r == nil {
		r = &run{Executor: e}
	}
	if e.spare = nil; len(p.graph.values) <= maxSpare {
		e.spare = r
	}
	r.begin(p)
	return r
}

// reset lets go of the run's blocks.
func (r *run) reset() {
	clear(r.blocks)
	if r.folded {
		clear(r.forests)
	}
	clear(r.call.Operands[:cap(r.call.Operands)]) // of all steps
	clear(r.call.Results[:cap(r.call.Results)])
	r.call.Progress, r.call.Fault = nil, nil
	r.faults = r.faults[:0]
	clear(r.own) // what is left of it is with the user
	r.own = r.own[:0]
	r.call.Before, r.call.Columns, r.call.Twins = nil, nil, nil
	r.before, r.edges, r.columns, r.ahead, r.pieces, r.later = nil, nil, nil, nil, nil, nil
	r.plan, r.folded, r.lent, r.crossed, r.remark = nil, false, nil, 0, ""
	if r.progress.tell != nil {
		r.progress = progress{}
	}
	if r.timed {
		r.stats = Stats{}
	}
}

// begin makes room for the values of a plan. There are none before.
func (r *run) begin(p *Plan) {
	r.trimReaders()
	n := len(p.graph.values)
	r.plan, r.at, r.rank = p, 0, 0
	if p.Ranks > 1 {
		r.rank = r.comm.Rank()
	}
	if n > cap(r.forests) {
		r.blocks, r.forests = make([]*array.Block, 2*n), make([]array.Forest, n)
	}
	r.blocks, r.forests = r.blocks[:2*n], r.forests[:n]
	r.parts, r.wholes = r.blocks[:n:n], r.blocks[n:]
}

// reduces reports whether a run gives a forest.
func (s *Step) reduces() bool {
	return slices.ContainsFunc(s.Program.Outputs, func(o array.Output) bool { return o.Tree() })
}

// makesNulls reports whether a run can give nulls of operands without any: a mean of no elements, as one of many.
func (s *Step) makesNulls() bool {
	return slices.ContainsFunc(s.Program.Outputs, func(o array.Output) bool { return o.Reduce && !o.Tree() })
}
