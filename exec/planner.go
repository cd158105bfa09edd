package exec

import (
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
	Device string
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
	temps   int // names given so far
}

// NewPlan makes the plan of computing roots: the same on every rank that passes an equal graph and setting. The errors
// are those of building the graph, and ErrMemory.
func NewPlan(roots []*array.Node, s Setting) (*Plan, error) {
	g, err := join(roots)
	if err != nil {
		return nil, err
	}
	p := &planner{fusion: fuse(g), Plan: &Plan{Ranks: s.Ranks, graph: g, setting: s}, setting: s}
	for _, g := range p.groups {
		p.Work += g.n * len(g.members)
	}
	if p.small() {
		p.Ranks, p.OnRoot = 1, true
	}
	if err := p.plan(); err != nil {
		return nil, err
	}
	p.release()
	return p.Plan, p.measure()
}

// small reports whether messages would cost more than they save.
func (p *planner) small() bool {
	limit := p.setting.SmallWork
	if limit == 0 {
		limit = smallWork
	}
	return p.setting.InProcess && !p.setting.DealOut && p.Ranks > 1 && p.Work <= limit && len(p.groups) > 0
}

func (p *planner) plan() error {
	if err := p.dealOut(); err != nil {
		return err
	}
	runs := make([]Step, len(p.groups))
	order := p.order()
	for _, k := range order {
		runs[k] = p.run(k)
	}
	p.reach(order, runs)
	p.Steps = make([]Step, 0, len(p.values)+len(p.roots))
	for _, k := range order {
		operands := slices.Clone(runs[k].operands)
		slices.SortFunc(operands, operand.compare) // x0 before x1
		for _, o := range operands {
			p.place(o, !runs[k].OnRoot)
		}
		p.add(runs[k])
		p.finish(&runs[k])
	}
	for _, r := range p.roots {
		p.result(r.value)
	}
	return nil
}

// dealOut chooses who owns which elements: one layout a length, so that nothing moves between passes.
func (p *planner) dealOut() error {
	known := make(map[int]*deal)
	var deals []*deal
	for _, v := range p.values {
		if v.deal = known[v.n]; v.deal == nil {
			v.deal = &deal{shape: v.shape}
			known[v.n] = v.deal
			deals = append(deals, v.deal)
		}
		if v.kind == array.KindReduce {
			p.values[v.args[0]].deal.reduced = true
		}
	}
	for _, d := range deals {
		if err := p.layOut(d); err != nil {
			return err
		}
	}
	return nil
}

// layOut chooses the layout of one length.
func (p *planner) layOut(d *deal) (err error) {
	n := d.shape.Len()
	switch {
	case n == 1: // never dealt out
		d.layout = partition.OnRank(1, p.Ranks, 0)
	case p.setting.Layout == nil:
		d.layout, err = partition.Rows(d.shape, p.Ranks)
		d.name = "block(" + strconv.Itoa(p.Ranks) + ")"
	default:
		d.layout = p.setting.Layout(d.shape, p.Ranks)
		if d.layout.N() != n || d.layout.Ranks() != p.Ranks {
			return fmt.Errorf("%w: Options.Layout deals %d elements to %d ranks; shape %v on %d ranks needs %d",
				array.ErrShape, d.layout.N(), d.layout.Ranks(), d.shape, p.Ranks, n)
		}
	}
	if d.reduced {
		d.layout = partition.Align(d.layout, array.LeafSize)
	}
	if d.name == "" && n != 1 {
		d.name = d.layout.String()
	}
	return err
}

// run is the step of group k, not yet placed.
func (p *planner) run(k int) Step {
	g := p.groups[k]
	for _, m := range g.members { // names in the order of the steps
		if p.values[m].stored {
			p.name(p.values[m])
		}
	}
	s := Step{Kind: Run, N: g.n, Split: g.split, Device: p.setting.Device, deal: p.dealOf(g)}
	s.Program, s.operands, s.outputs = p.build(k, p.name)
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
		s.Kind = Gather
		p.move(s)
		s.Kind = Bcast
		p.move(s)
	}
	if everywhere {
		v.part, v.placed = true, v.placed || o.whole
	}
}

// finish ends the reductions of a run.
func (p *planner) finish(run *Step) {
	s := Step{Kind: Reduce, Split: run.Split, OnRoot: true, N: run.N, deal: run.deal, run: run}
	for i, v := range run.outputs {
		if run.Program.Outputs[i].Reduce {
			s.Names = append(s.Names, run.Names[i])
			s.outputs = append(s.outputs, v)
			s.OnRoot = s.OnRoot && !p.values[v].shared
		}
	}
	if len(s.outputs) > 0 {
		s.ByReference = p.setting.InProcess
		p.add(s)
	}
}

// result brings a root's value to rank 0.
func (p *planner) result(at int) {
	v := p.values[at]
	if v.kind == array.KindFile {
		p.place(operand{at, v.whole}, !v.whole)
	}
	if v.kind == array.KindData || v.whole || v.placed || v.gathered {
		return
	}
	s := Step{Kind: Gather, DType: v.dtype, N: v.n, value: at, deal: v.deal}
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
	case v.kind == array.KindFile:
		v.name = v.source.Name
	default:
		v.name = "t" + strconv.Itoa(p.temps)
		p.temps++
	}
	return v.name
}
