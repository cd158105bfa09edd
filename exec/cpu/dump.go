package cpu

import (
	"fmt"
	"strings"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
)

// fusedNames are the fused ops in dumps.
var fusedNames = [...]string{kern.MulAdd: "muladd", kern.MulSub: "mulsub", kern.NegMulAdd: "negmuladd"}

// name is the op that computes v, in dumps.
func (v *value) name() string {
	switch v.kind {
	case fusedOp:
		return fusedNames[v.fused]
	case counted:
		return "arange"
	case gathered, gatheredValid:
		return "gather"
	}
	return v.op.String()
}

// String is the code as text, a step a line: what is done once a launch, once a goroutine and for each tile. x0 is operand
// 0, y0 result 0, v their validity, r and m are registers of numbers and bools, c and s cells that a launch fills in.
func (c *code) String() string {
	var out strings.Builder
	span := fmt.Sprint("tile ", c.tile)
	if c.single {
		span = "whole morsels"
	}
	fmt.Fprintf(&out, "%s, %d registers, %d masks\n", span, c.registers, c.masks)
	for _, part := range []struct {
		name  string
		steps []step
	}{{"launch: ", c.setup}, {"goroutine: ", c.fills}, {"", c.steps}} {
		for i := range part.steps {
			out.WriteString(part.name + c.line(&part.steps[i]) + "\n")
		}
	}
	return out.String()
}

// linkTexts are the links in dumps: A is the accumulator, B the other one, m and n the operands.
var linkTexts = [...]string{
	kern.LinkLoad: "A = m", kern.LinkLoadCell: "A = m", kern.LinkStore: "m = A", kern.LinkStream: "m = A",
	kern.LinkSquare: "A *= A", kern.LinkSqrt: "A = sqrt A",
	kern.LinkAdd: "A += m", kern.LinkAddCell: "A += m", kern.LinkAddOther: "A += B",
	kern.LinkSubtract: "A -= m", kern.LinkSubtractCell: "A -= m", kern.LinkSubtractOther: "A -= B",
	kern.LinkMultiply: "A *= m", kern.LinkMultiplyCell: "A *= m", kern.LinkMultiplyOther: "A *= B",
	kern.LinkDivide: "A /= m", kern.LinkDivideCell: "A /= m", kern.LinkDivideOther: "A /= B",
	kern.LinkMultiplyAdd: "A = A*m + n", kern.LinkMultiplyAddCell: "A = A*m + n",
	kern.LinkMultiplyCellAdd: "A = A*m + n", kern.LinkMultiplyCellAddCell: "A = A*m + n",
	kern.LinkMultiplyOtherAdd: "A = A*B + n", kern.LinkMultiplyOtherAddCell: "A = A*B + n",
	kern.LinkMultiplySubtract: "A = A*m - n", kern.LinkMultiplySubtractCell: "A = A*m - n",
	kern.LinkMultiplyCellSubtract: "A = A*m - n", kern.LinkMultiplyCellSubtractCell: "A = A*m - n",
	kern.LinkMultiplyOtherSubtract: "A = A*B - n", kern.LinkMultiplyOtherSubtractCell: "A = A*B - n",
}

// text is a chain: "chain float64: A = x0; A += x1; y0 = A".
func (c *chain) text(of *code) string {
	var links []string
	for i := range c.links {
		l := &c.links[i]
		a, b := "A", "B"
		if l.accumulator == 1 {
			a, b = b, a
		}
		links = append(links, strings.NewReplacer("A", a, "B", b, "m", of.fromName(l.m), "n", of.fromName(l.n)).Replace(linkTexts[l.op]))
	}
	return fmt.Sprintf("chain %s: %s", c.dtype, strings.Join(links, "; "))
}

// fromName is a link's operand as text.
func (c *code) fromName(f from) string {
	if f.cell > 0 {
		return c.placeName(c.spread[f.cell-1])
	}
	return c.placeName(f.place)
}

// line is one step as text.
func (c *code) line(s *step) string {
	if s.chain != nil {
		return s.chain.text(c)
	}
	var out strings.Builder
	if s.check {
		return fmt.Sprintf("check instruction %d where %s", s.instr, c.placeName(s.x))
	}
	if s.dst > 0 {
		fmt.Fprintf(&out, "%s %s = ", c.placeName(s.dst), s.dtype)
	} else {
		f := &c.folds[s.fold]
		fmt.Fprintf(&out, "y%d += ", f.output)
		if f.ones {
			out.WriteString("ones of ")
		}
	}
	out.WriteString(s.name)
	if s.input != nil && s.input.Kind == array.InputIota {
		fmt.Fprintf(&out, " %s, %s", s.input.Value, s.input.Step)
	} else if s.input != nil {
		fmt.Fprintf(&out, " x%d %v", s.input.Slot, s.axes)
	}
	for k, p := range []int{s.x, s.y, s.z} {
		if p > 0 && (s.dst > 0 || k < 2) {
			fmt.Fprintf(&out, "%s %s", comma(&out, s.name), c.placeName(p))
		}
	}
	if s.dst == 0 && s.z > 0 {
		fmt.Fprintf(&out, " where %s", c.placeName(s.z))
	}
	return out.String()
}

// comma separates operands but for the first.
func comma(out *strings.Builder, name string) string {
	if strings.HasSuffix(out.String(), name) {
		return ""
	}
	return ","
}

// placeName is a place as text.
func (c *code) placeName(at int) string {
	p := c.places[at]
	switch p.kind {
	case nowhere:
		return ""
	case inRegister:
		return fmt.Sprint("r", p.index)
	case inMask:
		return fmt.Sprint("m", p.index)
	case inOperand:
		return fmt.Sprint("x", p.index)
	case inOperandValidity:
		return fmt.Sprint("x", p.index, "v")
	case inResult:
		return fmt.Sprint("y", p.index)
	case inResultValidity:
		return fmt.Sprint("y", p.index, "v")
	}
	for _, s := range c.scalars {
		if s.cell == p.index && s.validity {
			return fmt.Sprint("s", s.slot, "v")
		} else if s.cell == p.index {
			return fmt.Sprint("s", s.slot)
		}
	}
	for i := range c.setup {
		if c.setup[i].dst == at {
			return fmt.Sprint("c", p.index)
		}
	}
	return fromElement(p.dtype, c.cells[p.index]).String()
}
