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
// lie in two.

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

// inPieces reports whether a step can go over its operands piece by piece, and some come so.
func (r *run) inPieces(s *Step) bool {
	if len(r.pieces) == 0 || s.there || s.cutting != nil {
		return false
	}
	for i := range s.Program.Outputs {
		if o := &s.Program.Outputs[i]; !o.Reduce || !o.Whole() {
			return false
		}
	}
	some := false
	for _, o := range s.operands {
		pieces := r.pieces[o.value]
		if pieces == nil {
			continue
		}
		if o.whole || len(pieces)*minPiece*array.LeafSize > s.span(r.rank).Len() {
			return false
		}
		some = true
	}
	return some
}

// launchPieces runs a program that only reduces over runs of leaves, each of which lies in one piece of every operand or is copied.
func (r *run) launchPieces(ctx context.Context, s *Step, l *array.Launch) ([]array.Forest, error) {
	span := s.span(r.rank)
	var ends []int // of pieces, as elements of the domain
	operands := make([][]*array.Block, len(s.operands))
	for i, o := range s.operands {
		if operands[i] = r.pieces[o.value]; operands[i] == nil {
			b := r.onDevice(s, o)
			if b == nil {
				return nil, fmt.Errorf("operand %d is not on this rank; this is a fault of the planner", i)
			}
			operands[i] = []*array.Block{b}
			continue
		}
		at := span.Lo
		for _, b := range operands[i] {
			at += b.Len()
			ends = append(ends, at)
		}
	}
	slices.Sort(ends)
	forests := make([]array.Forest, len(s.outputs))
	run := func(part partition.Range) error {
		if part.Empty() {
			return nil
		}
		one := &array.Launch{Program: s.Program, Lo: part.Lo, Hi: part.Hi, Fault: l.Fault, Progress: l.Progress, Note: l.Note, Results: make([]*array.Block, len(s.outputs))}
		for i, o := range s.operands {
			b := operands[i][0]
			if !o.whole {
				var err error
				if b, err = cutOut(operands[i], part.Lo-span.Lo, part.Hi-span.Lo); err != nil {
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
	lo := span.Lo
	for _, end := range ends {
		before := max(lo, end/array.LeafSize*array.LeafSize)
		if err := run(partition.Range{Lo: lo, Hi: before}); err != nil {
			return nil, err
		}
		lo = before
		if after := min(up(end, array.LeafSize), span.Hi); after > lo && end > lo { // a leaf that lies in two pieces
			if err := run(partition.Range{Lo: lo, Hi: after}); err != nil {
				return nil, err
			}
			lo = after
		}
	}
	return forests, run(partition.Range{Lo: lo, Hi: span.Hi})
}

// cutOut is elements [lo, hi) of blocks that lie one after another: a view where they are in one.
func cutOut(blocks []*array.Block, lo, hi int) (*array.Block, error) {
	var parts []*array.Block
	at := 0
	for _, b := range blocks {
		if from, to := max(lo-at, 0), min(hi-at, b.Len()); from < to {
			parts = append(parts, b.Slice(from, to))
		}
		at += b.Len()
	}
	return array.Concat(parts)
}
