package exec

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/partition"
)

// Options change how plans are made. The zero value works; all ranks must have the same.
type Options struct {
	// Layout deals out the flattened elements of arrays of a shape over p ranks. Nil: whole rows, balanced. Where arrays
	// of that length are reduced, its boundaries move up to the next leaf of the reduction tree.
	Layout func(shape array.Shape, p int) partition.Layout
	// MemoryLimit is the bytes that a plan may need on one rank at once; 0: no limit.
	MemoryLimit int
	// SmallWork is the elements to compute up to which ranks of one process leave a plan to the root; 0: 65536,
	// negative: never.
	SmallWork int
	// OneDevice says that the ranks of a process share a device, which has all their threads. Where they are all in one
	// process the root then leaves nothing to the others but what they read, unless SmallWork is negative.
	OneDevice bool
}

// smallWork is where dealing out begins to pay: waking another goroutine costs about what computing this many
// elements does (10 us).
const smallWork = 64 << 10

// Setting is what a plan depends on beside the graph. All ranks of a task plan with an equal one.
type Setting struct {
	Ranks     int
	InProcess bool // all ranks share this process: blocks move by reference
	DealOut   bool // even small work; what several processes always do
	// Access says who reads which source; where there is no entry, every rank does.
	Access map[string]Access
	Device string // the processor
	Choice Choice
	// Keep leaves results where they were computed, in the accelerators' memory too.
	Keep bool
	Options
}

// Access says which ranks can read a source for themselves, and why not the others.
type Access struct {
	Ranks []bool `json:"ranks"`
	Why   string `json:"why,omitempty"` // of the first that cannot
}

// planner collects the steps of a plan.
type planner struct {
	*fusion
	*Plan
	setting Setting
	temps   int           // names given so far
	cut     map[int][]int // by value: those that are pieces of it
}

// NewPlan makes the plan of computing roots: the same on every rank that passes an equal graph and setting. The errors
// are those of building the graph, and ErrMemory.
func NewPlan(roots []*array.Node, s Setting) (*Plan, error) {
	p, _, err := newPlan(context.Background(), roots, s)
	return p, err
}

// newPlan is NewPlan until ctx ends, with what the graph is given, which is no part of the plan.
func newPlan(ctx context.Context, roots []*array.Node, s Setting) (*Plan, given, error) {
	g, of, err := join(ctx, roots)
	if err != nil {
		return nil, of, err
	}
	for i, p := range of.parts {
		if p.Layout.Ranks() != s.Ranks {
			return nil, of, fmt.Errorf("%w: array %d in parts is of %d ranks, not %d: of another cluster; collect it there", array.ErrGraph, i, p.Layout.Ranks(), s.Ranks)
		}
	}
	g.distant(of.blocks, s.Ranks == 1 || s.InProcess)
	if s.Keep {
		g.keep()
	}
	p := &planner{fusion: fuse(g), Plan: &Plan{Ranks: s.Ranks, graph: g, setting: s}, setting: s}
	for _, g := range p.groups {
		if len(g.members) > 0 {
			p.Work += p.work(g)
		}
	}
	if p.onRoot() {
		p.Ranks, p.OnRoot = 1, true
	}
	if err := p.plan(ctx); err != nil {
		return nil, of, err
	}
	for i := range p.Steps {
		if s := &p.Steps[i]; s.run != nil {
			s.reductions = g.reductionsOf(s)
		}
	}
	p.choose()
	p.streams()
	p.release()
	return p.Plan, of, p.measure()
}

// onRoot reports whether messages would cost more than they save.
func (p *planner) onRoot() bool {
	limit := p.setting.SmallWork
	switch {
	case limit < 0 || !p.setting.InProcess || p.setting.DealOut || p.Ranks == 1 || len(p.groups) == 0 || len(p.parts) > 0:
		return false
	case limit == 0:
		limit = smallWork
	}
	return p.Work <= limit || p.setting.OneDevice && !slices.ContainsFunc(p.values, func(v *value) bool { return v.kind == array.KindFile })
}

func (p *planner) plan(ctx context.Context) error {
	if err := p.dealOut(); err != nil {
		return err
	}
	p.want()
	runs := make([]Step, len(p.groups))
	order := p.order()
	for _, k := range order {
		if err := ctx.Err(); err != nil {
			return err
		}
		runs[k] = p.run(k)
	}
	p.reach(order, runs)
	p.Steps = make([]Step, 0, len(p.values)+len(p.roots))
	for _, k := range order {
		if err := ctx.Err(); err != nil {
			return err
		}
		operands := slices.Clone(runs[k].operands)
		slices.SortFunc(operands, operand.compare) // x0 before x1
		for _, o := range operands {
			p.place(o, !runs[k].OnRoot)
		}
		p.add(runs[k])
		if runs[k].Kind == Run {
			p.offsets(&runs[k])
			p.finish(&runs[k])
		}
	}
	for _, r := range p.roots {
		p.result(r.value)
	}
	return nil
}

// run is the step of group k, not yet placed.
func (p *planner) run(k int) Step {
	g := p.groups[k]
	switch p.values[g.members[0]].kind {
	case array.KindMatmul:
		return p.multiply(k)
	case array.KindFilter:
		return p.filter(k)
	}
	for _, m := range g.members { // names in the order of the steps
		if p.values[m].stored {
			p.name(p.values[m])
		}
	}
	s := Step{Kind: Run, N: g.n, Split: g.split, Device: p.setting.Device, deal: p.dealOf(g)}
	s.Program, s.operands, s.outputs = p.build(k, p.name)
	for i, o := range s.operands {
		if v := p.values[o.value]; !o.whole && v.lies != nil && !v.lies.layout.Equal(s.layout) { // its parts lie otherwise
			s.operands[i] = p.spread(o.value, &pieces{of: o.value, spans: spansOf(s.layout), name: s.name})
		}
	}
	if s.faulty = s.canFail(); s.faulty {
		s.ops = p.ops(g.members)
	}
	for i := range s.Program.Outputs {
		o := &s.Program.Outputs[i]
		o.Partial = o.Reduce && !o.Whole() && o.Extent.Outer == 1 && s.Split && p.Ranks > 1
	}
	s.cutting = p.cuts(&s)
	s.Names, s.DTypes = make([]string, len(s.outputs)), make([]array.DType, len(s.outputs))
	for i, v := range s.outputs {
		s.Names[i], s.DTypes[i] = p.name(p.values[v]), p.values[v].dtype
		if len(p.roots) == 1 && p.roots[0].value == v { // the only result needs no name
			s.Names[i] = ""
		}
	}
	return s
}

// dealOf is the layout of a group's domain.
func (p *planner) dealOf(g *group) *deal {
	v := p.values[g.members[0]]
	if v.kind == array.KindReduce {
		v = p.values[v.args[0]]
	}
	return v.deal
}

// reach finds what the root alone needs: one-element programs that lead only to results, and reductions they read.
func (p *planner) reach(order []int, runs []Step) {
	everywhere := make([]bool, len(runs))
	for i := len(order) - 1; i >= 0; i-- {
		k := order[i]
		everywhere[k] = everywhere[k] || p.groups[k].split
		runs[k].OnRoot = !everywhere[k]
		if !everywhere[k] {
			continue
		}
		for _, o := range runs[k].operands {
			v := p.values[o.value]
			v.shared = true
			if v.group >= 0 {
				everywhere[v.group] = true
			}
		}
	}
}

// place makes an operand be where a program reads it.
func (p *planner) place(o operand, everywhere bool) {
	v := p.values[o.value]
	if v.pieces != nil {
		p.placeRows(o.value)
		return
	}
	if v.placed || v.part && !o.whole {
		return
	}
	s := Step{Names: []string{p.name(v)}, DType: v.dtype, N: v.n, Split: !o.whole, OnRoot: !everywhere, value: o.value, deal: v.deal}
	switch {
	case v.kind == array.KindFile:
		s.Kind, s.source = Read, v.source
		s.Access = p.setting.Access[sourceKey(v.source)]
		p.add(s)
	case v.kind == array.KindData && everywhere:
		s.Kind = Bcast
		if !o.whole {
			s.Kind = Scatter
		}
		p.move(s)
	case v.kind != array.KindData && o.whole && !v.whole: // computed in parts, needed whole
		if s.Kind, s.deal = Allgather, v.parted(); !everywhere || p.atHand(v) {
			p.collect(o.value)
			s.Kind = Bcast
		}
		if everywhere {
			p.move(s)
		}
	}
	if everywhere {
		v.part, v.placed = true, v.placed || o.whole
	}
}

// result brings a root's value to rank 0, unless it stays with the ranks.
func (p *planner) result(at int) {
	v := p.values[at]
	if p.keeps(v) {
		v.kept = true
		return
	}
	if v.kind == array.KindFile {
		p.place(operand{at, v.whole}, !v.whole)
	}
	if v.kind == array.KindData || v.whole || v.placed || v.gathered {
		return
	}
	s := Step{Kind: Gather, DType: v.dtype, N: v.n, value: at, deal: v.parted()}
	if len(p.roots) > 1 {
		s.Names = []string{p.name(v)}
	}
	p.move(s)
}

// move adds a step that exists for other ranks only.
func (p *planner) move(s Step) {
	if p.Ranks == 1 {
		return
	}
	p.values[s.value].gathered = p.values[s.value].gathered || s.Kind == Gather
	s.ByReference = p.setting.InProcess
	p.add(s)
}

func (p *planner) add(s Step) { p.Steps = append(p.Steps, s) }

// name is what plans call a value: data x0, x1 in the order of the graph, files by their own, stored results t0, t1.
func (p *planner) name(v *value) string {
	switch {
	case v.name != "":
	case v.kind == array.KindData:
		v.name = "x" + strconv.Itoa(v.data)
	case v.kind == array.KindParts:
		v.name = "p" + strconv.Itoa(v.data)
	case v.kind == array.KindFile:
		v.name = v.source.Name
	default:
		v.name = "t" + strconv.Itoa(p.temps)
		p.temps++
	}
	return v.name
}
