package exec

import (
	"context"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/partition"
)

// pieces is what each rank gets of another value: of a left operand the rows that its part of the product lies in, which two
// ranks share where a part ends within a row; or its part under another layout.
type pieces struct {
	of    int
	spans []partition.Range
	name  string // "rows(4)", or the layout's
}

// rowsFor is the spans of a left operand that ranks need for their parts of a product.
func rowsFor(e array.Extents, result partition.Layout) []partition.Range {
	spans := make([]partition.Range, result.Ranks())
	for r := range spans {
		part := result.Range(r)
		first, end := e.RowsOf(part.Lo, part.Hi)
		spans[r] = partition.Range{Lo: first * e.Inner, Hi: end * e.Inner}
	}
	return spans
}

// hold reports whether the parts of a layout hold these spans, rank by rank.
func hold(l partition.Layout, spans []partition.Range) bool {
	for r, need := range spans {
		if part := l.Range(r); !need.Empty() && (need.Lo < part.Lo || need.Hi > part.Hi) {
			return false
		}
	}
	return true
}

// matmul fills in the value of a product: constants and ranges are no operands of it until they are stored.
func (g *graph) matmul(v *value, args []*array.Node, views map[*array.Node]view) (text string) {
	v.args = make([]int, len(args))
	for i, a := range args {
		at := views[a].value
		if kind := g.values[at].kind; kind == array.KindFull || kind == array.KindArange {
			at = g.store(at, i == 1 || g.values[at].n == 1)
		}
		v.args[i] = at
	}
	v.extents, _, _ = array.MatmulShape(args[0].Shape(), args[1].Shape()) // which were checked when the node was made
	return fmt.Sprint(v.extents)
}

// work is the elements that a group computes; a product counts its multiplications.
func (p *planner) work(g *group) int {
	v := p.values[g.members[0]]
	switch v.kind {
	case array.KindMatmul:
	case array.KindFilter:
		return p.values[v.args[0]].n
	default:
		return g.n * len(g.members)
	}
	high, n := bits.Mul64(uint64(g.n), uint64(v.extents.Inner))
	if high > 0 || n > addressable {
		return addressable
	}
	return int(n)
}

// tieRows lets the layouts of a product and of its left operand cut no row and be cut in proportion, so that what was computed in
// parts is multiplied where it is. The first product of a length has its way.
func (p *planner) tieRows(v *value) {
	e, left, result := v.extents, p.values[v.args[0]].deal, v.deal
	fits := func(d *deal, columns int) bool { return d.n > 1 && (d.rows == 0 || d.rows == columns) }
	if v.whole || !fits(left, e.Inner) || !fits(result, e.Columns) || left == result && e.Inner != e.Columns {
		return
	}
	left.claim(e.Rows, e.Inner)
	result.claim(e.Rows, e.Columns)
	left.tie(result)
}

// claim makes a length be cut between rows.
func (d *deal) claim(rows, columns int) {
	d.shape, d.rows, d.exact = array.Shape{rows, columns}, columns, multiple(d.exact, columns)
}

// multiply is the step of a product, not yet placed.
func (p *planner) multiply(k int) Step {
	at := p.groups[k].members[0]
	v := p.values[at]
	name := p.name(v)
	s := Step{
		Kind: Multiply, N: v.n, Split: p.groups[k].split, Device: p.setting.Device, deal: v.deal, extents: v.extents,
		outputs: []int{at}, DTypes: []array.DType{v.dtype}, Names: []string{name},
	}
	if len(p.roots) == 1 && p.roots[0].value == at { // the only result needs no name
		s.Names[0] = ""
	}
	s.of = []string{p.name(p.values[v.args[0]]), p.name(p.values[v.args[1]])}
	s.operands = []operand{p.left(v), {v.args[1], true}}
	return s
}

// left is the left operand of a product as its ranks read it: their parts where these hold the rows that they need, all of it
// where they have that anyway, else those rows, which are a value of their own.
func (p *planner) left(v *value) operand {
	at := v.args[0]
	x := p.values[at]
	if v.whole || x.whole || at == v.args[1] {
		return operand{at, true}
	}
	spans := rowsFor(v.extents, v.deal.layout)
	if hold(x.parted().layout, spans) {
		return operand{at, false}
	}
	return p.spread(at, &pieces{at, spans, "rows(" + strconv.Itoa(p.Ranks) + ")"})
}

// spansOf is the parts of a layout.
func spansOf(l partition.Layout) []partition.Range {
	spans := make([]partition.Range, l.Ranks())
	for r := range spans {
		spans[r] = l.Range(r)
	}
	return spans
}

// spread is the operand of each rank's piece of a value.
func (p *planner) spread(at int, of *pieces) operand {
	for _, known := range p.cut[at] {
		if slices.Equal(p.values[known].pieces.spans, of.spans) {
			return operand{known, false}
		}
	}
	x := p.values[at]
	p.values = append(p.values, &value{
		kind: array.KindReshape, dtype: x.dtype, n: x.n, shape: x.shape, group: x.group, deal: x.deal, name: p.name(x), pieces: of,
	})
	if p.cut == nil {
		p.cut = make(map[int][]int)
	}
	p.cut[at] = append(p.cut[at], len(p.values)-1)
	return operand{len(p.values) - 1, false}
}

// placeRows gives each rank the rows that it needs of a left operand.
func (p *planner) placeRows(at int) {
	v := p.values[at]
	if v.part {
		return
	}
	v.part = true
	s := Step{
		Kind: Scatter, Names: []string{v.name}, DType: v.dtype, N: v.n, Split: true, value: at, pieces: v.pieces,
		deal: &deal{layout: v.deal.layout, name: v.pieces.name},
	}
	switch of := p.values[v.pieces.of]; of.kind {
	case array.KindFile:
		s.Kind, s.source = Read, of.source
		s.Access = p.setting.Access[sourceKey(of.source)]
		p.add(s)
	case array.KindData:
		p.move(s)
	default: // computed in parts
		if p.atHand(of) {
			p.collect(v.pieces.of)
		} else {
			s.Kind, s.deal = Alltoall, of.parted()
		}
		p.move(s)
	}
}

// collect makes what was computed in parts whole on the root.
func (p *planner) collect(at int) {
	if v := p.values[at]; !v.gathered {
		p.move(Step{Kind: Gather, Names: []string{p.name(v)}, DType: v.dtype, N: v.n, value: at, deal: v.parted()})
	}
}

// product is a product as plans print it: "t0 = x0 @ x1 float64".
func (s *Step) product() string {
	text := strings.Join(s.of, " @ ") + " " + s.DTypes[0].String()
	if s.Names[0] != "" {
		text = s.Names[0] + " = " + text
	}
	return text
}

// dealt is the block that a step deals out from the root; of pieces the root keeps its own.
func (r *run) dealt(s *Step) *array.Block {
	if s.pieces == nil {
		return r.wholes[s.value]
	}
	b := r.wholes[s.pieces.of]
	if b != nil {
		own := s.span(r.rank)
		r.parts[s.value] = b.Slice(own.Lo, own.Hi)
		r.disown(s.pieces.of) // which is let go before its pieces are
	}
	return b
}

// multiply computes this rank's part of a product.
func (r *run) multiply(ctx context.Context, s *Step) error {
	part, at := s.span(r.rank), s.outputs[0]
	x, y := r.rowsOf(s, part), r.onDevice(s, s.operands[1])
	if x == nil || y == nil {
		return fmt.Errorf("an operand is not on this rank; this is a fault of the planner")
	}
	var out *array.Block
	if !s.stays(0) || part.Empty() {
		var err error
		if out, _, err = r.room(at, s.DTypes[0], part, x.HasNulls() || y.HasNulls()); err != nil {
			return err
		}
	}
	if !part.Empty() {
		p := &array.Product{Extents: s.extents, Lo: part.Lo, Hi: part.Hi, X: x, Y: y, Result: out, Stay: s.stay != nil && s.stay[0], Note: r.noted(s)}
		p.Progress = r.progress.within(s.work(), part.Len())
		copy(p.Again[:], s.again)
		p.Again[0] = p.Again[0] && x.Len() == r.block(s.operands[0]).Len() // not of rows of it
		err := r.device(s).Multiply(ctx, p)
		out = p.Result
		r.holdFar(s, []*array.Block{p.X, p.Y}, []*array.Block{out}, []*array.Block{p.Twin})
		if err != nil {
			return err
		}
	}
	if s.Split {
		r.parts[at] = out
	} else {
		r.wholes[at] = out
	}
	return nil
}

// rowsOf is the rows of the left operand that a part of the result lies in; nil where they are not here.
func (r *run) rowsOf(s *Step, part partition.Range) *array.Block {
	o := s.operands[0]
	b := r.onDevice(s, o)
	if b == nil {
		return nil
	}
	v := r.plan.graph.values[o.value]
	first, end := s.extents.RowsOf(part.Lo, part.Hi)
	lo, hi := first*s.extents.Inner, end*s.extents.Inner
	switch {
	case lo >= hi:
		lo, hi = 0, 0
	case v.pieces != nil:
		lo, hi = 0, hi-lo
	case !o.whole:
		begin := v.parted().layout.Range(r.rank).Lo
		lo, hi = lo-begin, hi-begin
	}
	if lo < 0 || hi > b.Len() {
		return nil
	}
	return b.Slice(lo, hi)
}
