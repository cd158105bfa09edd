package cuda

import (
	"context"
	"errors"
	"fmt"

	"github.com/darray-go/darray/array"
)

// runShort runs a program that is taken apart, for which the device's memory may be short: then the part is done in halves, and these
// in halves, as long as outputs may be cut there.
func (r *Runner) runShort(ctx context.Context, l *array.Launch, p *parts) ([]array.Forest, error) {
	stays := append([]*array.Block(nil), l.Results...)
	forests, err := r.runParts(ctx, l, p)
	if !errors.Is(err, ErrOutOfMemory) {
		return forests, err
	}
	mid, ok := middle(l)
	if !ok {
		return nil, err
	}
	for i, b := range l.Twins {
		if far, _ := farOf(b); far != nil {
			far.Release()
			l.Twins[i] = nil
		}
	}
	clear(l.Columns)
	for i, b := range l.Results { // what was left behind half done
		if far, _ := farOf(b); far != nil && stays[i] == nil {
			far.Release()
			l.Results[i] = nil
		}
	}
	if l.Note != nil {
		l.Note("in halves, or less: the device's memory is short")
	}
	whole := *l
	whole.Stay, whole.Again, whole.Twins = nil, nil, nil
	whole.Results = append([]*array.Block(nil), l.Results...)
	nullable := l.Program.Nullable(l.Operands)
	for i := range whole.Results {
		o := &l.Program.Outputs[i]
		if whole.Results[i] != nil || o.Tree() {
			continue
		}
		n := o.Results(l.Hi) - o.Results(l.Lo)
		b := array.NewBlock(o.Result(), array.Shape{n}, nullable[i])
		whole.Results[i] = b
		l.Results[i] = array.FarBlock(o.Result(), n, nullable[i], &remote{r: r, dtype: o.Result(), spilled: b})
	}
	forests = make([]array.Forest, len(l.Program.Outputs))
	for _, span := range [2][2]int{{l.Lo, mid}, {mid, l.Hi}} {
		half := within(&whole, span[0], span[1])
		some, err := r.runShort(ctx, half, p)
		if err != nil {
			return nil, fmt.Errorf("elements [%d, %d): %w", span[0], span[1], err)
		}
		for i := range forests {
			o := &l.Program.Outputs[i]
			acc := array.AccumulatorType(o.Op, o.DType)
			for _, node := range some[i] {
				forests[i] = forests[i].Push(o.Op, acc, node)
			}
			if o.Partial {
				for _, c := range half.Columns[i] {
					l.Columns[i] = l.Columns[i].Push(o.Op, acc, c)
				}
			}
		}
	}
	return forests, nil
}

// middle is where a part may be cut in two; false where it may not: a running sum of everything goes on.
func middle(l *array.Launch) (int, bool) {
	unit := 1
	for i := range l.Program.Outputs {
		o := &l.Program.Outputs[i]
		if o.Scan && o.Whole() {
			return 0, false
		}
		unit = multiple(unit, o.Unit())
	}
	mid := l.Lo + (l.Hi-l.Lo)/2
	mid = mid / unit * unit
	return mid, mid > l.Lo
}

// multiple is the least common multiple of two positive numbers, or the greatest int.
func multiple(a, b int) int {
	x, y := a, b
	for y != 0 {
		x, y = y, x%y
	}
	if a /= x; b > (1<<62)/a {
		return 1 << 62
	}
	return a * b
}

// within is the launch over elements [lo, hi) of l's part.
func within(l *array.Launch, lo, hi int) *array.Launch {
	out := *l
	out.Lo, out.Hi = lo, hi
	out.Operands = append([]*array.Block(nil), l.Operands...)
	for _, in := range l.Program.Inputs {
		if in.Kind == array.InputBlock {
			out.Operands[in.Slot] = l.Operands[in.Slot].Slice(lo-l.Lo, hi-l.Lo)
		}
	}
	out.Results = make([]*array.Block, len(l.Results))
	for i, b := range l.Results {
		if o := &l.Program.Outputs[i]; b != nil {
			first := o.Results(l.Lo)
			out.Results[i] = b.Slice(o.Results(lo)-first, o.Results(hi)-first)
		}
	}
	if l.Columns != nil {
		out.Columns = make([]array.ColumnForest, len(l.Columns))
	}
	return &out
}
