package exec

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/net/comm"
)

// Integers divided by 0 have no result. What computes them goes on; each rank notes the first such element of each op, the
// root hears of those when all have done all steps, and only then the task fails: so the error is that of the first op and
// of its first element, whoever has it and whatever the ranks came to first.

// fault is an op without a result for an element.
type fault struct {
	value   int // of the graph
	element int // flat
}

// ops are the values that a run's instructions compute, in order.
func (f *fusion) ops(members []int) []int {
	var ops []int
	for _, m := range members {
		if f.values[m].kind == array.KindOp {
			ops = append(ops, m)
		}
	}
	return ops
}

// canFail reports whether some instruction of a run has no result for some operands.
func (s *Step) canFail() bool {
	for i := range s.Program.Code {
		if code := &s.Program.Code[i]; code.Op.Fault(code.In) != nil {
			return true
		}
	}
	return false
}

// noting is the Fault of a step's launches; nil where there can be none.
func (r *run) noting(s *Step) func(instr, element int) {
	if !s.faulty {
		return nil
	}
	return func(instr, element int) { r.note(fault{s.ops[instr], element}) }
}

// note keeps the least element of each value.
func (r *run) note(f fault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.faults {
		if r.faults[i].value == f.value {
			r.faults[i].element = min(r.faults[i].element, f.element)
			return
		}
	}
	r.faults = append(r.faults, f)
}

// failing is the error of the first op that has no result for an element; nil where none is.
func (r *run) failing(ctx context.Context, roots []*array.Node) error {
	if len(r.faults) == 0 {
		return nil
	}
	first := r.faults[0]
	for _, f := range r.faults {
		if f.value < first.value {
			first = f
		}
	}
	_, _, views, err := joined(ctx, roots)
	if err != nil {
		return err
	}
	var of *array.Node
	array.Walk(roots, func(n *array.Node) {
		if v, ok := views[n]; ok && of == nil && v.value == first.value && n.Kind() == array.KindOp {
			of = n
		}
	})
	if of == nil {
		return fmt.Errorf("value %d has no result for element %d, and no node; this is a fault of the planner", first.value, first.element)
	}
	return array.FaultAt(of, first.element)
}

// faultBytes is a fault on the wire: two words.
const faultBytes = 16

// encodeFaults is what a rank tells the root at the end.
func (r *run) encodeFaults() [][]byte {
	if len(r.faults) == 0 {
		return nil
	}
	var raw []byte
	for _, f := range r.faults {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(f.value))
		raw = binary.LittleEndian.AppendUint64(raw, uint64(f.element))
	}
	return [][]byte{raw}
}

// hear takes the faults of another rank, and lets go of the parcel.
func (r *run) hear(ctx context.Context, in *comm.Incoming) error {
	defer in.Discard()
	if in.Size == 0 {
		return nil
	}
	if in.Size > faultBytes*uint64(len(r.plan.graph.values)) {
		return fmt.Errorf("rank %d sent %d bytes of faults of %d values", in.Source, in.Size, len(r.plan.graph.values))
	}
	raw := make([]byte, in.Size)
	if err := in.ReadInto(ctx, raw); err != nil {
		return err
	}
	list, err := decodeFaults(raw, r.plan.graph)
	if err != nil {
		return fmt.Errorf("rank %d: %w", in.Source, err)
	}
	for _, f := range list {
		r.note(f)
	}
	return nil
}

// decodeFaults reads what encodeFaults wrote, about values of g.
func decodeFaults(raw []byte, g *graph) ([]fault, error) {
	var list []fault
	for ; len(raw) >= faultBytes; raw = raw[faultBytes:] {
		value, element := binary.LittleEndian.Uint64(raw), binary.LittleEndian.Uint64(raw[8:])
		if value >= uint64(len(g.values)) {
			return nil, fmt.Errorf("a fault of value %d of %d", value, len(g.values))
		}
		v := g.values[value]
		if v.kind != array.KindOp || v.op.Fault(v.dtype) == nil || element >= uint64(v.n) {
			return nil, fmt.Errorf("a fault of element %d of %d of value %d, which has none", element, v.n, value)
		}
		list = append(list, fault{int(value), int(element)})
	}
	if len(raw) > 0 {
		return nil, fmt.Errorf("%d bytes after the last fault", len(raw))
	}
	return list, nil
}
