package exec

import (
	"context"
	"fmt"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/partition"
)

// A filter is computed by each rank over its part of the operand and the mask, which lie alike. How many elements each rank keeps is known
// to all from the selection, so that the result has a layout of its own, as parts have.

// filter fills in the value of a filter: constants and ranges are stored first.
func (g *graph) filter(v *value, n *array.Node, views map[*array.Node]view) (text string) {
	v.args = make([]int, len(n.Args()))
	for i, a := range n.Args() {
		at := views[a].value
		if kind := g.values[at].kind; kind == array.KindFull || kind == array.KindArange {
			at = g.store(at, g.values[at].n == 1)
		}
		v.args[i] = at
	}
	v.chosen = n.Selection()
	v.whole = g.values[v.args[0]].whole && g.values[v.args[1]].whole
	return fmt.Sprint(v.whole) // the selection follows from the mask
}

// layOutFilter lays out what a filter goes over, and with that what it keeps.
func (p *planner) layOutFilter(v *value) error {
	of := p.values[v.args[0]].deal
	if err := p.layOut(of); err != nil {
		return err
	}
	counts := make([]int, p.Ranks)
	for r := range counts {
		part := of.layout.Range(r)
		if part.Lo%v.chosen.Step != 0 && part.Lo != of.n {
			return fmt.Errorf("%w: a filter cut at element %d, and it counts by %d; this is a fault of the planner", array.ErrShape, part.Lo, v.chosen.Step)
		}
		counts[r] = v.chosen.Before(part.Hi) - v.chosen.Before(part.Lo)
	}
	layout, err := partition.FromCounts(counts)
	if err != nil {
		return err
	}
	v.lies = &deal{shape: v.shape, n: v.n, layout: layout, name: nameOf(layout)}
	if v.deal.like == nil && v.deal.layout.Ranks() == 0 {
		v.deal.like, v.deal.kept = &v.lies.layout, true
	}
	return nil
}

// filter is the step of a filter, not yet placed.
func (p *planner) filter(k int) Step {
	at := p.groups[k].members[0]
	v := p.values[at]
	s := Step{
		Kind: Filter, Split: p.groups[k].split, deal: p.values[v.args[0]].deal,
		outputs: []int{at}, DTypes: []array.DType{v.dtype}, Names: []string{p.name(v)},
	}
	s.N = s.n
	for _, a := range v.args {
		x := p.values[a]
		s.of = append(s.of, p.name(x))
		o := operand{a, !s.Split || x.whole}
		if !o.whole && x.lies != nil && !x.lies.layout.Equal(s.layout) { // its parts lie otherwise
			o = p.spread(a, &pieces{of: a, spans: spansOf(s.layout), name: s.name})
		}
		s.operands = append(s.operands, o)
	}
	return s
}

// filtering is a filter as plans print it: "t0 = x0 where t1 int16".
func (s *Step) filtering() string {
	return fmt.Sprintf("%s = %s where %s %s", s.Names[0], s.of[0], s.of[1], s.DTypes[0])
}

// filterPiece is the elements that are filtered between two looks at the context: a multiple of 64.
const filterPiece = 1 << 20

// filter keeps the elements of this rank's part for which the mask holds.
func (r *run) filter(ctx context.Context, s *Step) error {
	span, at := s.span(r.rank), s.outputs[0]
	var in [2]*array.Block
	for i, o := range s.operands {
		b := r.onDevice(s, o)
		if b == nil {
			return fmt.Errorf("operand %d is not on this rank; this is a fault of the planner", i)
		}
		if s.Split && o.whole && r.plan.graph.values[o.value].n == s.N && b.Len() == s.N {
			b = b.Slice(span.Lo, span.Hi)
		}
		in[i] = b
	}
	src, mask := in[0], array.Truth(in[1])
	v := r.plan.graph.values[at]
	result := partition.Range{Lo: 0, Hi: v.n}
	if s.Split {
		result = v.lies.layout.Range(r.rank)
	}
	out, _, err := r.room(at, s.DTypes[0], result, src.HasNulls())
	if err != nil {
		return err
	}
	done := 0
	for lo := 0; lo < src.Len(); lo += filterPiece {
		if err := ctx.Err(); err != nil {
			return err
		}
		hi := min(lo+filterPiece, src.Len())
		part := mask.Slice(lo, hi)
		kept := array.Select(part).Len()
		if done+kept > out.Len() {
			return fmt.Errorf("%w: the mask keeps more elements than it said", array.ErrShape)
		}
		if err := array.Compress(out.Slice(done, done+kept), src.Slice(lo, hi), part); err != nil {
			return err
		}
		done += kept
	}
	if done != out.Len() {
		return fmt.Errorf("%w: the mask keeps %d elements, it said %d", array.ErrShape, done, out.Len())
	}
	if s.Split {
		r.parts[at] = out
	} else {
		r.wholes[at] = out
	}
	return nil
}
