package ptx

import (
	"fmt"
	"strings"

	"github.com/darray-go/darray/array"
)

// entry is the name of every entry that Build writes.
const entry = "fused"

// threads is the size of a block: enough for every multiprocessor to be full with the registers that fused programs use.
const threads = 256

// maxParams is how many parameters a kernel can have: 4096 bytes of them.
const maxParams = 512

// Form is what a launch knows beyond its program, on which the text of a kernel depends. Lists that are too short are false
// where they end.
type Form struct {
	Nulls    []bool // by slot: the operand has validity
	Aligned  []bool // by slot: the operand's values begin at an address that is a multiple of 16
	Nullable []bool // by output: the result has validity
}

func (f *Form) nulls(slot int) bool   { return slot < len(f.Nulls) && f.Nulls[slot] }
func (f *Form) aligned(slot int) bool { return slot < len(f.Aligned) && f.Aligned[slot] }
func (f *Form) nullable(out int) bool { return out < len(f.Nullable) && f.Nullable[out] }
func overAxes(o *array.Output) bool   { return o.Scan || o.Reduce && (!o.Whole() || o.Op.HasAux()) }

// Plain reports whether Build makes a kernel of the program: no output goes over axes, scans or keeps more than one number
// for a node. Those outputs are computed from a buffer by kernels of their own.
func Plain(p *array.Program) bool {
	if p == nil {
		return false
	}
	for i := range p.Outputs {
		if overAxes(&p.Outputs[i]) {
			return false
		}
	}
	return true
}

// Build writes the kernel of a program that is Plain. One launch of it takes the part [First, First+Count) of the domain:
//
//   - Values, ValuesBit, Validity and ValidityBit of an InputBlock's operand are of the part's first element, of an
//     InputBroadcast's of the operand's first.
//   - A Result and a ResultValid are those of the part's elements, at a multiple of 16; bits behind its end become zeros. They
//     must not share memory with operands.
//   - With a reduction, First is a multiple of array.LeafSize; Nodes has a node for each leaf that the part has elements of.
//   - Faults are flat indices in the domain. The caller fills them with ones beforehand.
//
// Count may be 0, and any grid from one block on gives the same. Several goroutines may call Build at once. Equal texts come of programs that differ in names,
// constants, and extents and strides that broadcast likewise. The error is that of Program.Check, an ErrGraph for what is not
// Plain or has more than 512 parameters, or an ErrNull for an output that can be null and has no validity.
func Build(p *array.Program, f Form) (*Kernel, error) {
	if err := p.Check(); err != nil {
		return nil, fmt.Errorf("ptx: %w", err)
	}
	for i := range p.Outputs {
		if o := &p.Outputs[i]; overAxes(o) {
			return nil, fmt.Errorf("ptx: %w: output %d, %s, is no part of a fused kernel; compute register %d into a buffer and launch a kernel over that", array.ErrGraph, i, o.Op, o.Reg)
		}
	}
	k := newKernel(p, &f)
	for _, s := range k.graph.sinks {
		if !p.Outputs[s.output].Reduce && !f.nullable(s.output) && s.valid != k.truths[1] {
			return nil, fmt.Errorf("ptx: %w: output %d can hold nulls and its result has no validity", array.ErrNull, s.output)
		}
	}
	k.write()
	if n := len(k.params); n > maxParams {
		return nil, fmt.Errorf("ptx: %w: %d operands, results and constants in one program, a kernel has room for %d; collect a part first", array.ErrGraph, n, maxParams)
	}
	return &Kernel{Name: entry, Text: k.text(k.comment(), threads), Params: k.params, Threads: threads, Unit: k.unit()}, nil
}

// Fits says why a program that is well-formed (Program.Check) has more parameters than a kernel: an ErrGraph; nil where it has room
// even if all operands and results have validity. Outputs that are not Plain count as registers that are stored.
func Fits(p *array.Program) error {
	most, slots := 2+2*len(p.Outputs), 0 // Count, First
	for i := range p.Inputs {
		most += 4 + 4*len(p.Inputs[i].Strides)
		slots = max(slots, p.Inputs[i].Slot+1)
	}
	for i := range p.Code {
		if p.Code[i].Op.Fault(p.Code[i].In) != nil {
			most++
		}
	}
	if most <= maxParams {
		return nil
	}
	stored := *p
	stored.Outputs = nil
	for _, o := range p.Outputs {
		stored.Outputs = append(stored.Outputs, array.Output{Reg: o.Reg, DType: o.DType})
	}
	all := make([]bool, max(slots, len(p.Outputs)))
	for i := range all {
		all[i] = true
	}
	_, err := Build(&stored, Form{Nulls: all, Nullable: all})
	return err
}

// comment is what the kernel computes, with registers in the place of names and constants.
func (k *kernel) comment() string {
	var out strings.Builder
	for i, o := range k.graph.program.Outputs {
		if i > 0 {
			out.WriteString("; ")
		}
		if o.Reduce {
			out.WriteString(o.Op.String() + "(")
		}
		k.describe(&out, o.Reg)
		if o.Reduce {
			out.WriteByte(')')
		}
	}
	const most = 200
	if s := out.String(); len(s) > most {
		return s[:most] + "..."
	}
	return out.String()
}

// describe writes the expression of a register, up to some length.
func (k *kernel) describe(out *strings.Builder, r array.Reg) {
	p := k.graph.program
	if out.Len() > 200 {
		return
	}
	if int(r) < len(p.Inputs) {
		fmt.Fprintf(out, "%c%d", "xbci"[p.Inputs[r].Kind], r)
		return
	}
	instr := &p.Code[int(r)-len(p.Inputs)]
	name := instr.Op.String()
	if instr.Op == array.Cast {
		name = instr.Out.String()
	}
	out.WriteString(name + "(")
	for i, a := range instr.Args {
		if i > 0 {
			out.WriteString(", ")
		}
		k.describe(out, a)
	}
	out.WriteByte(')')
}
