package exec

import (
	"context"
	"fmt"
	"slices"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/partition"
)

// Where the rows of a table are reduced as well as all of it, ranks own whole rows, and a leaf of the tree over all can lie
// on two ranks or more. Each of those then sends the few elements that it has of such a leaf to the root, which folds them.

// cutting is a run whose parts cut leaves, as three programs.
type cutting struct {
	rest   *array.Program // the outputs that mind no leaves; nil where there are none
	restAt []int          // their numbers
	trees  *array.Program // the reductions of everything, for whole leaves
	treeAt []int
	edges  *array.Program   // their registers as blocks, for the elements of cut leaves
	leaves []*array.Program // each of them over such elements
}

// cuts gives the programs of a run that reduces everything in parts that cut leaves; nil where it does not.
func (p *planner) cuts(s *Step) *cutting {
	if !s.Split || s.deal == nil || !s.deal.cut || p.Ranks == 1 {
		return nil
	}
	c := &cutting{}
	rest, trees, edges := *s.Program, *s.Program, *s.Program
	rest.Outputs, trees.Outputs, edges.Outputs = nil, nil, nil
	for i, o := range s.Program.Outputs {
		if !o.Reduce || !o.Whole() {
			rest.Outputs, c.restAt = append(rest.Outputs, o), append(c.restAt, i)
			continue
		}
		trees.Outputs, c.treeAt = append(trees.Outputs, o), append(c.treeAt, i)
		edges.Outputs = append(edges.Outputs, array.Output{Reg: o.Reg, DType: o.DType})
		c.leaves = append(c.leaves, &array.Program{
			Domain: array.Shape{s.N}, Inputs: []array.Input{{DType: o.DType, Name: "x"}},
			Outputs: []array.Output{{DType: o.DType, Reduce: true, Op: o.Op}},
		})
	}
	if len(c.treeAt) == 0 {
		return nil
	}
	if len(c.restAt) > 0 {
		c.rest = &rest
	}
	c.trees, c.edges = &trees, &edges
	return c
}

// leavesOf is a part of n elements in three: what it has of a leaf that begins before it, whole leaves, what it has of one
// that ends behind it. A part inside one leaf is all in front.
func leavesOf(span partition.Range, n int) (front, middle, back partition.Range) {
	lo := min(up(span.Lo, array.LeafSize), n)
	hi := span.Hi / array.LeafSize * array.LeafSize
	if span.Hi == n {
		hi = n
	}
	if lo > span.Hi || lo == span.Hi && hi < n || span.Empty() {
		return span, partition.Range{Lo: lo, Hi: lo}, partition.Range{Lo: span.Hi, Hi: span.Hi}
	}
	return partition.Range{Lo: span.Lo, Hi: lo}, partition.Range{Lo: lo, Hi: hi}, partition.Range{Lo: hi, Hi: span.Hi}
}

// launchCut runs a program whose part cuts leaves.
func (r *run) launchCut(ctx context.Context, s *Step, l *array.Launch) ([]array.Forest, error) {
	c := s.cutting
	span := partition.Range{Lo: l.Lo, Hi: l.Hi}
	forests := make([]array.Forest, len(s.outputs))
	if span.Empty() {
		return forests, nil
	}
	if c.rest != nil {
		rest := *l
		rest.Program, rest.Results, rest.Columns, rest.Resident, rest.Before = c.rest, nil, nil, nil, nil
		rest.Stay, rest.Again, rest.Twins = nil, nil, nil
		if l.Columns != nil {
			rest.Columns = make([]array.ColumnForest, len(c.restAt))
		}
		for _, i := range c.restAt {
			rest.Results, rest.Resident = append(rest.Results, l.Results[i]), append(rest.Resident, l.Resident[i])
			if l.Before != nil {
				rest.Before = append(rest.Before, l.Before[i])
			}
		}
		if _, err := r.device(s).Run(ctx, &rest); err != nil {
			return nil, err
		}
		for k, i := range c.restAt {
			if l.Columns != nil {
				l.Columns[i] = rest.Columns[k]
			}
		}
	}
	front, middle, back := leavesOf(span, s.N)
	if !middle.Empty() {
		some, err := r.device(s).Run(ctx, r.within(s, l, c.trees, middle))
		if err != nil {
			return nil, err
		}
		for k, i := range c.treeAt {
			forests[i] = some[k]
		}
	}
	if r.edges == nil {
		r.edges = make([][2]*array.Block, len(r.parts))
	}
	for at, part := range [2]partition.Range{front, back} {
		if part.Empty() {
			continue
		}
		edge := r.within(s, l, c.edges, part)
		if _, err := r.device(s).Run(ctx, edge); err != nil {
			return nil, err
		}
		for k, i := range c.treeAt {
			r.edges[s.outputs[i]][at] = edge.Results[k]
		}
	}
	return forests, nil
}

// within is the launch of a program over a part of l's; its blocks are new.
func (r *run) within(s *Step, l *array.Launch, p *array.Program, part partition.Range) *array.Launch {
	out := &array.Launch{Program: p, Lo: part.Lo, Hi: part.Hi, Fault: l.Fault, Results: make([]*array.Block, len(p.Outputs))}
	for i, o := range s.operands {
		b := l.Operands[i]
		if !o.whole {
			b = b.Slice(part.Lo-l.Lo, part.Hi-l.Lo)
		}
		out.Operands = append(out.Operands, b)
	}
	for i, null := range p.Nullable(out.Operands) {
		if o := &p.Outputs[i]; !o.Tree() {
			out.Results[i] = array.NewBlock(o.DType, array.Shape{part.Hi - part.Lo}, null)
		}
	}
	return out
}

// sendEdges sends the elements of cut leaves to the root: for each reduction those in front, then those behind.
func (r *run) sendEdges(ctx context.Context, s *Step, list []reduction) error {
	for _, red := range list {
		for _, b := range r.edges[red.value] {
			if b == nil {
				continue
			}
			if err := r.send(ctx, 0, b); err != nil {
				return err
			}
		}
	}
	return nil
}

// receiveEdges takes a peer's elements of cut leaves, by reduction.
func (r *run) receiveEdges(ctx context.Context, peer int, s *Step, list []reduction) ([][2]*array.Block, error) {
	front, _, back := leavesOf(s.span(peer), s.N)
	out := make([][2]*array.Block, len(list))
	for i, red := range list {
		for at, part := range [2]partition.Range{front, back} {
			if part.Empty() {
				continue
			}
			b, err := r.receiveBlock(ctx, peer, &Step{DType: red.in, value: red.value}, part)
			if err != nil {
				return nil, err
			}
			out[i][at] = b
		}
	}
	return out, nil
}

// joinCut is the tree over everything from what each rank has: whole leaves and elements of cut ones.
func (r *run) joinCut(ctx context.Context, s *Step, red *reduction, whole []array.Forest, edges [][2]*array.Block) (array.Forest, error) {
	at := slices.IndexFunc(s.cutting.treeAt, func(i int) bool { return s.run.outputs[i] == red.value })
	program := s.cutting.leaves[at]
	var all array.Forest
	var pending []*array.Block
	done, start := 0, 0 // what has come so far, and where the pending leaf begins
	add := func(b *array.Block) error {
		if b == nil {
			return nil
		}
		pending = append(pending, b)
		if done += b.Len(); done%array.LeafSize != 0 && done != s.N {
			return nil
		}
		elements, err := array.Concat(pending)
		if err != nil {
			return err
		}
		l := &array.Launch{Program: program, Lo: start, Hi: done, Operands: []*array.Block{elements}, Results: make([]*array.Block, 1)}
		forests, err := r.config.Device.Run(ctx, l)
		if err != nil {
			return err
		}
		all, pending, start = red.push(all, forests[0]), nil, done
		return nil
	}
	for rank := range whole {
		if err := add(edges[rank][0]); err != nil {
			return nil, err
		}
		if _, middle, _ := leavesOf(s.span(rank), s.N); !middle.Empty() {
			all = red.push(all, whole[rank])
			done, start = middle.Hi, middle.Hi
		}
		if err := add(edges[rank][1]); err != nil {
			return nil, err
		}
	}
	if err := covers(all, 0, s.N); err != nil {
		return nil, fmt.Errorf("the ranks' parts do not fit: %w", err)
	}
	return all, nil
}
