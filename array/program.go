package array

import (
	"fmt"
	"strings"
)

// Reg is a virtual register of a Program: the value of one instruction or input, assigned once.
type Reg int

// Input feeds one register for each element of the program's domain.
type Input struct {
	Kind  InputKind
	DType DType
	Name  string // for plans: "flights.delay", "x0"
	Slot  int    // InputBlock, InputBroadcast: number among the operands that the executor binds
	Value Scalar // InputConst: the value; InputIota: the start
	Step  Scalar // InputIota
	// Strides, for InputBroadcast, are the steps through the operand's elements along each axis of the domain; 0 repeats.
	Strides []int
}

// InputKind says how an input is found for the domain's element i (flat, row-major, global).
type InputKind uint8

// The kinds of inputs.
const (
	InputBlock     InputKind = iota // element i of an operand partitioned like the domain
	InputBroadcast                  // the element that NumPy's broadcasting picks of an operand that every rank holds whole
	InputConst                      // one value
	InputIota                       // start + i*step
)

// Instr is one element-wise operation on registers: Dst[i] = Op(Args[0][i], ...). In is the type that it computes in, Out
// the type of Dst; cast converts In to Out.
type Instr struct {
	Op      Op
	In, Out DType
	Dst     Reg
	Args    []Reg
}

// Output is a register that leaves the program: as a block, reduced (Reduce) or as the running value of a reduction (Scan).
type Output struct {
	Reg    Reg
	DType  DType // type of the register
	Reduce bool
	Scan   bool
	Op     Op // the reduction or scan
	// Extent is the runs that are reduced or scanned, for the whole domain; the zero Extent is one run of all elements.
	Extent     Extent
	Partial    bool    // Reduce over rows of one block: the device gives nodes of the tree and not yet the values
	Out        DType   // Reduce over an Extent: type of the values
	Correction float64 // Var over an Extent
	Axes       []int   // as the user gave them, for plans
}

// Whole reports whether the output is one run of all elements, so that a reduction leaves as a Forest.
func (o *Output) Whole() bool { return o.Extent == Extent{} }

// Unit is the multiple of elements at which a part of the domain may be cut, the end aside; 1: anywhere.
func (o *Output) Unit() int {
	switch {
	case !o.Reduce && !o.Scan:
		return 1
	case o.Whole():
		return LeafSize
	case o.Partial:
		return RowLeaf * o.Extent.Inner
	}
	return o.Extent.Length * o.Extent.Inner
}

// Tree reports whether the output leaves as a tree and not as a block.
func (o *Output) Tree() bool { return o.Reduce && (o.Whole() || o.Partial) }

// Results is how many elements the first n of the domain give as a block.
func (o *Output) Results(n int) int {
	if o.Reduce && !o.Whole() {
		return n / o.Extent.Length
	}
	return n
}

// Result is the type of the block that the output leaves as.
func (o *Output) Result() DType {
	if o.Reduce && !o.Whole() {
		return o.Out
	}
	return o.DType
}

// Program is a fused run of element-wise operations over one domain, in one pass over its elements: what a device
// executes. Registers 0..len(Inputs)-1 are the inputs; the instructions follow in order.
type Program struct {
	Domain  Shape
	Inputs  []Input
	Code    []Instr
	Outputs []Output
}

// Regs is the number of registers.
func (p *Program) Regs() int { return len(p.Inputs) + len(p.Code) }

// RegType is the element type of a register.
func (p *Program) RegType(r Reg) DType {
	if int(r) < len(p.Inputs) {
		return p.Inputs[r].DType
	}
	return p.Code[int(r)-len(p.Inputs)].Out
}

// String is the program as one expression an output: "sum(x0 + x1)", for plans. It is cut after a thousand bytes.
func (p *Program) String() string {
	var out strings.Builder
	for i, o := range p.Outputs {
		if i > 0 {
			out.WriteString("; ")
		}
		if !o.Reduce && !o.Scan {
			p.write(&out, o.Reg, false)
			continue
		}
		out.WriteString(o.Op.String() + "(")
		p.write(&out, o.Reg, false)
		for _, axis := range o.Axes {
			fmt.Fprintf(&out, ", %d", axis)
		}
		out.WriteString(")")
	}
	return cut(out.String())
}

// write writes the expression of a register; inner puts an infix one in parentheses.
func (p *Program) write(out *strings.Builder, r Reg, inner bool) {
	if out.Len() > maxText {
		return
	}
	if int(r) < len(p.Inputs) {
		out.WriteString(p.Inputs[r].String())
		return
	}
	code := &p.Code[int(r)-len(p.Inputs)]
	symbol := code.Op.Info().Symbol
	open, separator, end, infix := code.Op.String()+"(", ", ", ")", false
	switch {
	case code.Op == Cast:
		open = code.Out.String() + "("
	case symbol != "" && len(code.Args) == 1:
		open, end, infix = symbol, "", true
	case symbol != "" && inner:
		open, separator, end, infix = "(", " "+symbol+" ", ")", true
	case symbol != "":
		open, separator, end, infix = "", " "+symbol+" ", "", true
	}
	out.WriteString(open)
	for i, a := range code.Args {
		if i > 0 {
			out.WriteString(separator)
		}
		p.write(out, a, infix)
	}
	out.WriteString(end)
}

// String is the input's name in an expression.
func (in Input) String() string {
	switch in.Kind {
	case InputConst:
		return in.Value.String()
	case InputIota:
		return fmt.Sprintf("arange(%s, step %s)", in.Value, in.Step)
	}
	return in.Name
}

// maxText is how much of a long expression is printed, in bytes.
const maxText = 1000

// cut ends a text that is longer than maxText.
func cut(text string) string {
	if len(text) <= maxText {
		return text
	}
	return strings.ToValidUTF8(text[:maxText], "") + "..."
}

// Launch is a program with the operands and results of one rank's part of the domain: what exec hands to a device. A
// device may keep what it has made of a program, so that one does not change once it has been launched.
type Launch struct {
	Program *Program
	// Lo and Hi are the part, as flat element indices of the domain: multiples of every output's Unit, or Hi the domain's end.
	Lo, Hi int
	// Operands by Input.Slot. InputBlock: the Hi-Lo elements of the part. InputBroadcast: the operand whole.
	Operands []*Block
	// Results, one an output: a block of elements Output.Results(Lo) to Output.Results(Hi) to fill, with validity where Nullable
	// says so; nil for what leaves as a tree.
	Results []*Block
	// Before, by output, is the tree over all elements before Lo for a scan of the whole domain. May be nil where Lo is 0.
	Before []Forest
	// Columns, by output, is where the device puts the tree of a Partial reduction. Nil where there is none.
	Columns []ColumnForest
	// Resident says by output that the result's pages are in memory already, as in memory used before: then stores past the
	// caches pay for a large result, and else they do not. It may be shorter than Results: false.
	Resident []bool
	// Stay, by output, says that later launches on this device read the block. Where they alone do, Results has nil there, and a
	// device with memory of its own puts a far block in its place; else it may put one into Twins besides. Again, by slot, says that such
	// launches read the operand too: the device may put a far block of it into Operands. All may be nil.
	Stay, Again []bool
	Twins       []*Block
	// Note, where set, is told what a user should know of how the launch went, as "in 3 pieces: the device's memory is short".
	Note func(text string)
	// Fault, where set, is told of elements for which an instruction that an output depends on has no result though its operands
	// are not null (see Op.Fault): the instruction's number and the element's flat index in the domain, at least for the first
	// such element of each instruction. The device goes on. Several goroutines may call it at once.
	Fault func(instr, element int)
	// Progress, where set, is told as n more elements of the part are done. Several goroutines may call it at once.
	Progress func(n int)
}

// Nullable reports for each output whether some element can be null, given which operands carry validity.
func (p *Program) Nullable(operands []*Block) []bool {
	regs := make([]bool, p.Regs())
	for i, in := range p.Inputs {
		if in.Kind == InputBlock || in.Kind == InputBroadcast {
			regs[i] = operands[in.Slot].HasNulls()
		}
	}
	for _, code := range p.Code {
		null := false
		for _, a := range code.Args {
			null = null || regs[a]
		}
		switch code.Op.Info().Nulls {
		case NullNever:
			null = false
		case NullFill:
			null = regs[code.Args[0]] && regs[code.Args[1]]
		}
		regs[code.Dst] = null
	}
	out := make([]bool, len(p.Outputs))
	for i, o := range p.Outputs {
		out[i] = regs[o.Reg]
		if o.Reduce {
			out[i] = o.nullable(regs[o.Reg])
		}
	}
	return out
}

// nullable reports whether a reduction over runs of at least one element can be null, given whether an element can.
func (o *Output) nullable(elements bool) bool {
	switch o.Op {
	case Min, Max, Mean, ArgMin, ArgMax:
		return elements
	case Var:
		return elements || float64(o.Extent.Length) <= o.Correction
	}
	return false
}
