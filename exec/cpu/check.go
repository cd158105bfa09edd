package cpu

import (
	"fmt"
	"math"
	"slices"

	"github.com/darray-go/darray/array"
)

// check reports what is wrong with the operands and results that a program is launched over.
func (c *code) check(l *array.Launch) error {
	p := c.program
	n, size := l.Hi-l.Lo, p.Domain.Len()
	if l.Lo < 0 || l.Hi < l.Lo || l.Hi > size {
		return fmt.Errorf("%w: part [%d, %d) of %d elements", array.ErrShape, l.Lo, l.Hi, size)
	}
	for i := range p.Inputs {
		if err := checkOperand(p, &p.Inputs[i], l.Operands, n); err != nil {
			return fmt.Errorf("input %d: %w", i, err)
		}
	}
	if len(l.Results) != len(p.Outputs) {
		return fmt.Errorf("%w: %d results for %d outputs", array.ErrShape, len(l.Results), len(p.Outputs))
	}
	for i, o := range p.Outputs {
		if o.Reduce {
			if n > 0 && (l.Lo%leaf != 0 || l.Hi%leaf != 0 && l.Hi != size) {
				return fmt.Errorf("%w: part [%d, %d) cuts a leaf of a reduction", array.ErrShape, l.Lo, l.Hi)
			}
			continue
		}
		r := l.Results[i]
		switch {
		case r == nil || r.Len() != n || r.DType() != o.DType:
			return fmt.Errorf("%w: result %d is not a block of %d %s", array.ErrShape, i, n, o.DType)
		case !slices.Contains(c.valid, i) && !r.HasNulls():
			return fmt.Errorf("%w: result %d can hold nulls and has no validity", array.ErrNull, i)
		}
	}
	return nil
}

func checkOperand(p *array.Program, in *array.Input, operands []*array.Block, n int) error {
	if in.Kind != array.InputBlock && in.Kind != array.InputBroadcast {
		return nil
	}
	if in.Slot >= len(operands) || operands[in.Slot] == nil {
		return fmt.Errorf("%w: no operand %d", array.ErrShape, in.Slot)
	}
	b := operands[in.Slot]
	if b.DType() != in.DType {
		return fmt.Errorf("%w: operand %d is %s, not %s", array.ErrDType, in.Slot, b.DType(), in.DType)
	}
	if in.Kind == array.InputBlock {
		if b.Len() != n {
			return fmt.Errorf("%w: operand %d has %d elements, not %d", array.ErrShape, in.Slot, b.Len(), n)
		}
		return nil
	}
	reach := 0 // the furthest element that the strides come to
	for i, extent := range p.Domain {
		stride := in.Strides[i]
		switch {
		case extent == 0:
			return nil // nothing is read
		case stride < 0 || extent > 1 && stride > (math.MaxInt-reach)/(extent-1):
			return fmt.Errorf("%w: stride %d along axis %d", array.ErrShape, stride, i)
		}
		reach += (extent - 1) * stride
	}
	if reach >= b.Len() {
		return fmt.Errorf("%w: operand %d has %d elements, its strides reach the %d-th", array.ErrShape, in.Slot, b.Len(), reach)
	}
	return nil
}
