package exec

import (
	"context"
	"fmt"
	"slices"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/partition"
)

// A column can come in pieces, each of which lies in a mapped batch. To join them is to read and write all of it once more, which takes as long as a sum
// over it several times. So a program that only reduces runs piece by piece: over what of each is whole leaves, and over a copy of the few leaves that
// lie in two. What has to be decoded is read step by step meanwhile, so that no more than a step of it takes memory.

// putPieces stores a column that a step brought in pieces.
func (r *run) putPieces(s *Step, pieces []*array.Block) {
	if r.pieces == nil {
		r.pieces = make(map[int][]*array.Block)
	}
	r.pieces[s.value] = pieces
}

// join makes one block of a column in pieces.
func (r *run) join(value int) {
	b, err := array.Concat(r.pieces[value])
	if delete(r.pieces, value); err == nil { // they are of one type: it was looked at
		r.parts[value] = b
	}
}

// minPiece is the leaves that pieces have on average where they are worth a launch of their own.
const minPiece = 16

// reducesOnly reports whether a run gives trees over all elements and nothing else.
func (s *Step) reducesOnly() bool {
	if s.Kind != Run || s.there || s.cutting != nil || !s.Split {
		return false
	}
	for i := range s.Program.Outputs {
		if o := &s.Program.Outputs[i]; !o.Reduce || !o.Whole() {
			return false
		}
	}
	return true
}

// streams marks the columns that one such run alone needs, and those that take no memory: views of files that nobody joins.
func (p *planner) streams() {
	uses, lean := make(map[int]int), make(map[int]int)
	for i := range p.Steps {
		s := &p.Steps[i]
		switch s.Kind {
		case Run, Multiply, Filter:
			reduces := s.reducesOnly()
			for _, o := range s.operands {
				uses[o.value]++
				if reduces && !o.whole { // as its part
					lean[o.value]++
				}
			}
		case Scatter, Bcast, Gather, Allgather, Alltoall:
			uses[s.moved()]++
		}
	}
	for _, r := range p.roots {
		uses[r.value]++
	}
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.Kind != Read || s.pieces != nil {
			continue
		}
		reduced := s.Split && uses[s.value] == lean[s.value]
		s.stream = reduced && uses[s.value] == 1
		if v := s.source.Views; v > 0 {
			s.viewed = v == 1 && s.source.Rows == nil || reduced && v <= s.N/(minPiece*array.LeafSize)
		}
	}
}

// defers reports whether a column is read by the run that needs it.
func (r *run) defers(ctx context.Context, s *Step) (bool, error) {
	if !s.stream {
		return false, nil
	}
	reader, err := r.reader(ctx, s)
	if err != nil {
		return false, err
	}
	steps, ok := reader.(Stepwise)
	if !ok {
		return false, nil
	}
	span := s.span(r.rank)
	later := false
	for _, part := range s.source.Spans(span.Lo, span.Hi) {
		later = later || len(steps.Steps(part.Lo, part.Hi)) > 1
	}
	if later && r.later == nil {
		r.later = make(map[int]*Step)
	}
	return later, nil
}

// readLater reads what a run needs and cannot take step by step after all.
func (r *run) readLater(ctx context.Context, s *Step) error {
	for _, o := range s.operands {
		read := r.later[o.value]
		if read == nil {
			continue
		}
		delete(r.later, o.value)
		pieces, err := r.readSpan(ctx, read, r.rank)
		if err != nil {
			return err
		}
		r.putPieces(read, pieces)
	}
	return nil
}

// inPieces reports whether a step goes over its operands piece by piece: some come so.
func (r *run) inPieces(s *Step) bool {
	if len(r.pieces)+len(r.later) == 0 || !s.reducesOnly() {
		return false
	}
	some := false
	for _, o := range s.operands {
		pieces := r.pieces[o.value]
		if o.whole && (pieces != nil || r.later[o.value] != nil) || len(pieces)*minPiece*array.LeafSize > s.span(r.rank).Len() {
			return false
		}
		some = some || pieces != nil || r.later[o.value] != nil
	}
	return some
}

// feed is what is there of an operand: blocks one after another from an element on.
type feed struct {
	at     int
	blocks []*array.Block
	read   *Step // that brings more; nil: all is there
	reader Reader
	whole  bool // it is no part of the domain, but all of a value
}

// end is behind the last element that is there.
func (f *feed) end() int {
	n := f.at
	for _, b := range f.blocks {
		n += b.Len()
	}
	return n
}

// drop lets go of the elements before one.
func (f *feed) drop(at int) {
	for len(f.blocks) > 0 && f.at+f.blocks[0].Len() <= at {
		f.at += f.blocks[0].Len()
		f.blocks = f.blocks[1:]
	}
	if len(f.blocks) > 0 && f.at < at {
		f.blocks[0] = f.blocks[0].Slice(at-f.at, f.blocks[0].Len())
		f.at = at
	}
}

// cut is elements [lo, hi): a view where they lie in one block.
func (f *feed) cut(lo, hi int) (*array.Block, error) {
	var parts []*array.Block
	at := f.at
	for _, b := range f.blocks {
		if from, to := max(lo-at, 0), min(hi-at, b.Len()); from < to {
			parts = append(parts, b.Slice(from, to))
		}
		at += b.Len()
	}
	return array.Concat(parts)
}

// launchPieces runs a program that only reduces over runs of leaves, each of which lies in one piece of every operand or is copied, while columns are
// read step by step.
func (r *run) launchPieces(ctx context.Context, s *Step, l *array.Launch) ([]array.Forest, error) {
	span := s.span(r.rank)
	feeds := make([]*feed, len(s.operands))
	for i, o := range s.operands {
		f := &feed{at: span.Lo, blocks: r.pieces[o.value], read: r.later[o.value], whole: o.whole}
		if feeds[i] = f; f.read != nil {
			var err error
			if f.reader, err = r.reader(ctx, f.read); err != nil {
				return nil, err
			}
		} else if f.blocks == nil {
			b := r.onDevice(s, o)
			if b == nil {
				return nil, fmt.Errorf("operand %d is not on this rank; this is a fault of the planner", i)
			}
			f.blocks = []*array.Block{b}
		}
	}
	forests := make([]array.Forest, len(s.outputs))
	for done := span.Lo; done < span.Hi; {
		end, err := r.advance(ctx, feeds, done, span)
		if err != nil {
			return nil, err
		}
		if err := r.launchRuns(ctx, s, l, feeds, partition.Range{Lo: done, Hi: end}, forests); err != nil {
			return nil, err
		}
		for _, f := range feeds {
			if !f.whole {
				f.drop(end)
			}
		}
		done = end
	}
	return forests, nil
}

// advance reads steps of the columns that are not there yet until all operands are there beyond done, by a leaf, and gives how far they are.
func (r *run) advance(ctx context.Context, feeds []*feed, done int, span partition.Range) (int, error) {
	for {
		var last *feed // the one that is there least far
		for _, f := range feeds {
			if !f.whole && (last == nil || f.end() < last.end()) {
				last = f
			}
		}
		if last == nil || last.end() >= span.Hi {
			return span.Hi, nil
		}
		if end := last.end() / array.LeafSize * array.LeafSize; end > done {
			return end, nil
		}
		if last.read == nil {
			return 0, fmt.Errorf("an operand has %d elements of %d; this is a fault of the planner", last.end()-span.Lo, span.Len())
		}
		if err := r.moreOf(ctx, last, feeds, span); err != nil {
			return 0, err
		}
	}
}

// moreOf reads the next step of a column, and of the others that join it and are as far.
func (r *run) moreOf(ctx context.Context, first *feed, feeds []*feed, span partition.Range) error {
	from := first.end()
	to := r.nextStep(first, partition.Range{Lo: from, Hi: span.Hi})
	with, readers := []*feed{first}, []Reader{first.reader}
	for _, f := range feeds {
		if f != first && f.read != nil && f.end() == from && joins(first.read, first.reader, f.read, f.reader) {
			with, readers = append(with, f), append(readers, f.reader)
		}
	}
	blocks, err := readAll(ctx, readers, first.read.source, partition.Range{Lo: from, Hi: to})
	if err != nil {
		return fmt.Errorf("read %s [%d,%d): %w", first.read.source.Name, from, to, err)
	}
	for i, f := range with {
		f.blocks = append(f.blocks, blocks[i]...)
		for _, b := range blocks[i] {
			if b.DType() != f.read.DType {
				return fmt.Errorf("%w: %s gave %s, the plan was made for %s", array.ErrDType, f.read.source.Name, b.DType(), f.read.DType)
			}
		}
		if n := f.end(); n != to {
			return fmt.Errorf("%w: %s [%d,%d) gave %d elements", array.ErrShape, f.read.source.Name, from, to, n-from)
		}
	}
	return nil
}

// nextStep is the end of the first step through elements of a column.
func (r *run) nextStep(f *feed, span partition.Range) int {
	at := span.Lo
	for _, part := range f.read.source.Spans(span.Lo, span.Hi) { // in the files, one after another in the column
		if ends := f.reader.(Stepwise).Steps(part.Lo, part.Hi); len(ends) > 1 {
			return at + ends[0] - part.Lo
		}
		if at += part.Len(); at-span.Lo >= minPiece*array.LeafSize {
			return at
		}
	}
	return span.Hi
}

// launchRuns runs a program over a part whose elements are all there: over views of what is whole leaves of one block of each operand, and over
// copies of leaves that lie in two.
func (r *run) launchRuns(ctx context.Context, s *Step, l *array.Launch, feeds []*feed, part partition.Range, forests []array.Forest) error {
	var ends []int // of blocks
	for _, f := range feeds {
		at := f.at
		for _, b := range f.blocks {
			if at += b.Len(); !f.whole && at > part.Lo && at < part.Hi {
				ends = append(ends, at)
			}
		}
	}
	slices.Sort(ends)
	lo := part.Lo
	for _, end := range ends {
		before := max(lo, end/array.LeafSize*array.LeafSize)
		if err := r.launchRun(ctx, s, l, feeds, partition.Range{Lo: lo, Hi: before}, forests); err != nil {
			return err
		}
		lo = before
		if after := min(up(end, array.LeafSize), part.Hi); after > lo && end > lo { // a leaf that lies in two blocks
			if err := r.launchRun(ctx, s, l, feeds, partition.Range{Lo: lo, Hi: after}, forests); err != nil {
				return err
			}
			lo = after
		}
	}
	return r.launchRun(ctx, s, l, feeds, partition.Range{Lo: lo, Hi: part.Hi}, forests)
}

// launchRun runs a program over one run of leaves and adds their trees.
func (r *run) launchRun(ctx context.Context, s *Step, l *array.Launch, feeds []*feed, part partition.Range, forests []array.Forest) error {
	if part.Empty() {
		return nil
	}
	one := &array.Launch{Program: s.Program, Lo: part.Lo, Hi: part.Hi, Fault: l.Fault, Progress: l.Progress, Note: l.Note, Results: make([]*array.Block, len(s.outputs))}
	for _, f := range feeds {
		b := f.blocks[0]
		if !f.whole {
			var err error
			if b, err = f.cut(part.Lo, part.Hi); err != nil {
				return err
			}
		}
		one.Operands = append(one.Operands, b)
	}
	some, err := r.device(s).Run(ctx, one)
	if err != nil {
		return err
	}
	for i := range some {
		o := &s.Program.Outputs[i]
		for _, p := range some[i] {
			forests[i] = forests[i].Push(o.Op, array.AccumulatorType(o.Op, o.DType), p)
		}
	}
	return nil
}
