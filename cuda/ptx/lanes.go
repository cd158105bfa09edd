package ptx

import (
	"fmt"
	"math"

	"github.com/darray-go/darray/internal/lanes"
)

// steps is a description being written.
type steps struct {
	*asm
	p        *lanes.Program
	prefix   string
	operands []string
	regs     []string // by step
	class    class
	float    string // "f64"
	bits     string // "64"
}

// lanes writes a description over operands, and gives its result.
func (a *asm) lanes(p *lanes.Program, prefix string, operands []string) string {
	w := &steps{asm: a, p: p, prefix: prefix, operands: operands, regs: make([]string, len(p.Nodes)), class: word, float: "f64", bits: "64"}
	if p.Width == 32 {
		w.class, w.float, w.bits = half, "f32", "32"
	}
	w.body(p.Body)
	return w.value(p.Results[0])
}

func (w *steps) body(ids []int) {
	for _, id := range ids {
		n := &w.p.Nodes[id]
		switch n.Op {
		case lanes.Arg, lanes.Const:
		case lanes.Rare:
			w.region(id, n)
		case lanes.Joined: // its region has written it
		case lanes.Retype:
			w.regs[id] = w.value(n.Args[0])
		default:
			w.regs[id] = w.step(n)
		}
	}
}

// region is a branch around the steps that few elements need. Its results have the fast values before it.
func (w *steps) region(id int, n *lanes.Node) {
	joined := make([]string, len(n.Fast))
	for k, fast := range n.Fast {
		if fast >= 0 {
			joined[k] = w.in(w.class, "mov."+w.float, w.value(fast))
		}
	}
	end := w.label("usual")
	w.when("!"+w.value(n.Args[0]), "bra", end)
	w.body(n.Body)
	for k, slow := range n.Slow {
		if slow >= 0 {
			w.do("mov."+w.float, joined[k], w.value(slow))
		}
	}
	w.at(end)
	for i := range w.p.Nodes {
		if j := &w.p.Nodes[i]; j.Op == lanes.Joined && j.Args[0] == id {
			w.regs[i] = joined[j.By]
		}
	}
}

// value is a step's value as an operand.
func (w *steps) value(id int) string {
	switch n := &w.p.Nodes[id]; n.Op {
	case lanes.Arg:
		return w.operands[n.By]
	case lanes.Const:
		return w.constantOf(n.Type, n.Bits)
	}
	return w.regs[id]
}

// constantOf is a number as an operand.
func (w *steps) constantOf(t lanes.Type, bits uint64) string {
	switch {
	case t == lanes.Int && w.p.Width == 32:
		return immediate(int(int32(bits)))
	case t == lanes.Int:
		return immediate(int(bits))
	case w.p.Width == 32:
		return float32Of(math.Float32frombits(uint32(bits)))
	}
	return float64Of(math.Float64frombits(bits))
}

// changed is a step's value with its sign turned (floats) or its bits inverted, where it is a number without an instruction.
func (w *steps) changed(id int) string {
	n := &w.p.Nodes[id]
	switch {
	case n.Type == lanes.Int && n.Op == lanes.Const:
		return w.constantOf(n.Type, ^n.Bits)
	case n.Type == lanes.Int:
		return w.in(w.class, "not.b"+w.bits, w.value(id))
	case n.Op == lanes.Const:
		return w.constantOf(n.Type, n.Bits^1<<(w.p.Width-1))
	}
	return w.in(w.class, "neg."+w.float, w.value(id))
}

// plain are the steps that are one instruction: over floats, over bits, over truths, and comparisons.
var (
	plainFloats = map[lanes.Op]string{
		lanes.Add: "add.rn.", lanes.Sub: "sub.rn.", lanes.Mul: "mul.rn.", lanes.Div: "div.rn.", lanes.Sqrt: "sqrt.rn.", lanes.FMA: "fma.rn.",
	}
	plainWholes = map[lanes.Op]string{lanes.Round: "rni", lanes.Floor: "rmi", lanes.Ceil: "rpi", lanes.Trunc: "rzi"}
	plainBits   = map[lanes.Op]string{
		lanes.And: "and.b", lanes.Or: "or.b", lanes.Xor: "xor.b", lanes.IAdd: "add.s", lanes.ISub: "sub.s",
	}
	plainTests = map[lanes.Op]string{
		lanes.Less: "setp.lt.", lanes.LessEqual: "setp.le.", lanes.Equal: "setp.eq.", lanes.NotEqual: "setp.neu.", lanes.Unordered: "setp.nan.",
	}
	plainTruths = map[lanes.Op]string{lanes.MAnd: "and.pred", lanes.MOr: "or.pred", lanes.MNot: "not.pred"}
)

// step writes one step.
func (w *steps) step(n *lanes.Node) string {
	x := make([]string, len(n.Args))
	for i, a := range n.Args {
		x[i] = w.value(a)
	}
	if s, ok := plainFloats[n.Op]; ok {
		if len(x) > 1 && n.Op != lanes.Sub && n.Op != lanes.Div && w.p.Nodes[n.Args[0]].Op == lanes.Const {
			x[0], x[1] = x[1], x[0] // numbers stand where the language's own compilers put them
		}
		return w.in(w.class, s+w.float, x...)
	}
	if s, ok := plainBits[n.Op]; ok {
		return w.in(w.class, s+w.bits, x...)
	}
	if s, ok := plainTests[n.Op]; ok {
		return w.truth(s+w.float, x...)
	}
	if s, ok := plainTruths[n.Op]; ok {
		return w.truth(s, x...)
	}
	if s, ok := plainWholes[n.Op]; ok {
		return w.in(w.class, "cvt."+s+"."+w.float+"."+w.float, x...)
	}
	switch n.Op {
	case lanes.FMS:
		return w.in(w.class, "fma.rn."+w.float, x[0], x[1], w.changed(n.Args[2]))
	case lanes.FNMA:
		return w.in(w.class, "fma.rn."+w.float, w.changed(n.Args[0]), x[1], x[2])
	case lanes.Min:
		return w.in(w.class, "selp."+w.float, x[0], x[1], w.truth("setp.lt."+w.float, x...))
	case lanes.Max:
		return w.in(w.class, "selp."+w.float, x[0], x[1], w.truth("setp.gt."+w.float, x...))
	case lanes.AndNot:
		return w.in(w.class, "and.b"+w.bits, x[0], w.changed(n.Args[1]))
	case lanes.Mul32:
		return w.word("mul.wide.u32", w.low(n.Args[0]), w.low(n.Args[1]))
	case lanes.Shl:
		return w.in(w.class, "shl.b"+w.bits, x[0], immediate(n.By))
	case lanes.Shr:
		return w.in(w.class, "shr.u"+w.bits, x[0], immediate(n.By))
	case lanes.ShlBy:
		return w.in(w.class, "shl.b"+w.bits, x[0], w.amount(x[1]))
	case lanes.ShrBy:
		return w.in(w.class, "shr.u"+w.bits, x[0], w.amount(x[1]))
	case lanes.IGreater:
		return w.truth("setp.gt.s"+w.bits, x...)
	case lanes.IEqual:
		return w.truth("setp.eq.s"+w.bits, x...)
	case lanes.MAndNot:
		return w.truth("and.pred", x[0], w.truth("not.pred", x[1]))
	case lanes.Select:
		as := "b" + w.bits
		if n.Type == lanes.Float {
			as = w.float
		}
		return w.in(w.class, "selp."+as, x[1], x[2], x[0])
	case lanes.Lookup:
		at := w.word("add.s64", w.tableAt(w.p.Tables[n.By]), w.word("shl.b64", x[0], "3"))
		return w.word("ld.global.nc.u64", "["+at+"]")
	}
	panic(fmt.Sprintf("ptx: no instruction for step %d of package lanes", n.Op)) // a test writes every function
}

// low is the lower half of a step's value.
func (w *steps) low(id int) string {
	if n := &w.p.Nodes[id]; n.Op == lanes.Const {
		return immediate(int(uint32(n.Bits)))
	}
	return w.half("cvt.u32.u64", w.value(id))
}

// amount is what bits are moved by, 32 bits wide; instructions take what is above the register's width for that width.
func (w *steps) amount(x string) string {
	if w.class == half {
		return x
	}
	return w.half("cvt.u32.u64", w.word("min.u64", x, "64"))
}

// tableAt is the register with the address of a table, which the module has once.
func (w *steps) tableAt(t lanes.Table) string {
	name := w.prefix + t.Name
	for _, known := range w.tables {
		if known.name == name {
			return known.at
		}
	}
	var at string
	w.once(func() { at = w.word("mov.u64", name) })
	w.tables = append(w.tables, table{name, t.Words, at})
	return at
}
