package exec

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/partition"
)

// dealOut chooses who owns which elements: one layout a length, so that nothing moves between passes. Where rows are reduced
// by the ranks that own them, the lengths of the operand and of the result are cut in proportion.
func (p *planner) dealOut() error {
	known := make(map[int]*deal)
	var deals []*deal
	for _, v := range p.values {
		if v.deal = known[v.n]; v.deal == nil {
			v.deal = &deal{shape: v.shape, n: v.n, exact: 1}
			v.deal.tied = v.deal
			known[v.n] = v.deal
			deals = append(deals, v.deal)
		}
	}
	for _, v := range p.values {
		switch v.kind {
		case array.KindReduce, array.KindScan:
			p.constrain(v)
		case array.KindFilter:
			of := p.values[v.args[0]].deal
			of.loose = append(of.loose, v.chosen.Step)
		}
		if v.lies != nil && v.deal.like == nil {
			v.deal.like = &v.lies.layout
		}
	}
	for _, r := range p.roots {
		if v := p.values[r.value]; p.setting.Keep && !v.whole { // so that whoever reduces all of it finds its leaves whole
			v.deal.whole = true
		}
	}
	for _, v := range p.values {
		if v.kind == array.KindMatmul {
			p.tieRows(v)
		}
	}
	for _, v := range p.values { // what is filtered is cut first, and says how the rest is
		if v.kind == array.KindFilter && !v.whole {
			if err := p.layOutFilter(v); err != nil {
				return err
			}
		}
	}
	for _, d := range deals {
		if err := p.layOut(d); err != nil {
			return err
		}
	}
	return nil
}

// constrain says where the operand of a reduction or scan may be cut.
func (p *planner) constrain(v *value) {
	of := p.values[v.args[0]].deal
	e := v.extent
	switch {
	case !p.split(v) || of.n <= 1:
	case e == array.Extent{} && v.kind == array.KindReduce:
		of.whole = true
	case e == array.Extent{}:
		of.loose = append(of.loose, array.LeafSize)
	case e.Outer == 1:
		of.loose = append(of.loose, array.RowLeaf*min(e.Inner, of.n/array.RowLeaf+1)) // never more than all of it, and no overflow
	default:
		of.exact = multiple(of.exact, e.Length*e.Inner)
		if v.kind == array.KindReduce {
			of.tie(v.deal)
		}
	}
}

// tie makes d and other cut in proportion, and with them all that they are tied to.
func (d *deal) tie(other *deal) {
	for at := d; ; at = at.tied {
		if at == other {
			return
		}
		if at.tied == d {
			break
		}
	}
	d.tied, other.tied = other.tied, d.tied // two rings become one
}

// layOut chooses the layout of a length and of those tied to it: the longest decides, its boundaries move up to where all of
// them may be cut.
func (p *planner) layOut(d *deal) error {
	if d.layout.Ranks() > 0 {
		return nil // with another that it is tied to, or as what a filter goes over
	}
	switch d.n {
	case 0:
		d.layout, d.name = partition.Balanced(0, p.Ranks), "block("+strconv.Itoa(p.Ranks)+")"
		return nil
	case 1: // never dealt out
		d.layout = partition.OnRank(1, p.Ranks, 0)
		return nil
	}
	longest, pieces := d, 0
	for at := d; ; at = at.tied {
		if at.n > longest.n {
			longest = at
		}
		pieces = divisor(pieces, at.n/at.exact) // into so many pieces each can be cut
		if at.tied == d {
			break
		}
	}
	layout, err := p.layoutOf(longest)
	if err != nil {
		return err
	}
	step := d.step(pieces, false)
	if aligned := d.step(pieces, true); !d.kept && (aligned == step || pieces == longest.n || aligned <= pieces/(coarse*p.Ranks)) {
		step = aligned
	} else { // the leaves of what is reduced whole would put it on few ranks
		for at := d; ; at = at.tied {
			if at.cut = at.whole; at.tied == d {
				break
			}
		}
	}
	counts := make([]int, p.Ranks)
	last := 0
	for r := range counts {
		end := pieces
		if r < p.Ranks-1 {
			end = min(up(up(layout.Range(r).Hi, longest.n/pieces)/(longest.n/pieces), step), pieces)
		}
		counts[r], last = end-last, end
	}
	for at := d; ; at = at.tied {
		if at.layout, err = scaled(counts, at.n/pieces); err != nil {
			return err
		}
		if at.name = nameOf(at.layout); p.setting.Layout == nil && longest.like == nil && (step == 1 || step <= pieces/p.Ranks) { // else some have none
			at.name = "block(" + strconv.Itoa(p.Ranks) + ")"
		}
		if at.tied == d {
			return nil
		}
	}
}

// nameOf is what plans call a layout: "block(4)", "[10 0 5]".
func nameOf(l partition.Layout) string {
	name, _, _ := strings.Cut(l.String(), " of ")
	return name
}

// coarse is into how many steps a rank's part must go for them to be worth not cutting leaves: parts differ by one step at most.
const coarse = 4

// step is of how many pieces parts are multiples, so that nothing is cut; with leaves, neither those of what is reduced whole.
func (d *deal) step(pieces int, leaves bool) int {
	step := 1
	for at := d; ; at = at.tied {
		piece := at.n / pieces
		for _, unit := range at.loose {
			step = min(multiple(step, unit/divisor(unit, piece)), pieces)
		}
		if leaves && at.whole {
			step = min(multiple(step, array.LeafSize/divisor(array.LeafSize, piece)), pieces)
		}
		if at.tied == d {
			return step
		}
	}
}

// layoutOf is the layout of a length that nothing else is asked of: of parts that lie already where they do.
func (p *planner) layoutOf(d *deal) (partition.Layout, error) {
	if d.like != nil {
		return *d.like, nil
	}
	if p.setting.Layout == nil {
		return partition.Rows(d.shape, p.Ranks)
	}
	l := p.setting.Layout(d.shape, p.Ranks)
	if l.N() != d.n || l.Ranks() != p.Ranks {
		return l, fmt.Errorf("%w: Options.Layout deals %d elements to %d ranks; shape %v on %d ranks needs %d",
			array.ErrShape, l.N(), l.Ranks(), d.shape, p.Ranks, d.n)
	}
	return l, nil
}

// scaled is the layout of pieces of so many elements each.
func scaled(counts []int, piece int) (partition.Layout, error) {
	elements := make([]int, len(counts))
	for r, c := range counts {
		elements[r] = c * piece
	}
	return partition.FromCounts(elements)
}

// up is the least multiple of unit that is not below n; n is far from the bounds of an int.
func up(n, unit int) int { return (n + unit - 1) / unit * unit }

// divisor is the greatest common divisor; of 0 and b it is b.
func divisor(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// multiple is the least common multiple of two positive numbers, or a number above any length of an array.
func multiple(a, b int) int {
	if a /= divisor(a, b); a > math.MaxInt/b {
		return math.MaxInt
	}
	return a * b
}
