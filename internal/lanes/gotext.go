package lanes

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// GoText is the body of a Go function with operands of these names (of the lanes' type) up to `return <value>`: result says
// what is done with the value, as "return %s" or "return float32(%s)". prefix comes before the names of tables.
func (p *Program) GoText(operands []string, prefix, result string) string {
	g := &goText{p: p, operands: operands, prefix: prefix}
	g.body(p.Body)
	fmt.Fprintf(&g.out, result+"\n", g.name(p.Results[0]))
	return g.out.String()
}

type goText struct {
	p        *Program
	operands []string
	prefix   string
	out      strings.Builder
}

func (g *goText) body(ids []int) {
	for _, id := range ids {
		n := &g.p.Nodes[id]
		switch n.Op {
		case Const, Arg:
		case Rare:
			g.region(n, id)
		case Joined:
		default:
			fmt.Fprintf(&g.out, "v%d := %s\n", id, g.expression(n))
		}
	}
}

// region is an if, whose results are variables that have the fast values before.
func (g *goText) region(n *Node, id int) {
	names := make([]string, len(n.Fast))
	for k, fast := range n.Fast {
		if fast >= 0 {
			names[k] = fmt.Sprintf("r%d_%d", id, k)
			fmt.Fprintf(&g.out, "%s := %s\n", names[k], g.name(fast))
		}
	}
	fmt.Fprintf(&g.out, "if %s {\n", g.name(n.Args[0]))
	g.body(n.Body)
	for k, slow := range n.Slow {
		if slow >= 0 {
			fmt.Fprintf(&g.out, "%s = %s\n", names[k], g.name(slow))
		}
	}
	g.out.WriteString("}\n")
}

// name is how a step's value is written.
func (g *goText) name(id int) string {
	switch n := &g.p.Nodes[id]; n.Op {
	case Arg:
		return g.operands[n.By]
	case Joined:
		return fmt.Sprintf("r%d_%d", n.Args[0], n.By)
	case Const:
		if n.Type == Int {
			return fmt.Sprintf("uint%d(%#x)", g.p.Width, n.Bits)
		}
		f := math.Float64frombits(n.Bits)
		if g.p.Width == 32 {
			f = float64(math.Float32frombits(uint32(n.Bits)))
		}
		if math.IsNaN(f) || math.IsInf(f, 0) || n.Bits == g.p.signBit() {
			return fmt.Sprintf("math.Float%dfrombits(%#x)", g.p.Width, n.Bits)
		}
		return fmt.Sprintf("float%d(%s)", g.p.Width, strconv.FormatFloat(f, 'x', -1, g.p.Width))
	}
	return fmt.Sprintf("v%d", id)
}

// texts are the expressions of the steps over their operands. The conversion of a product forbids the compiler to fuse it.
var texts = map[Op]string{
	Add: "%s + %s", Sub: "%s - %s", Mul: "float64(%s * %s)", Div: "%s / %s", Sqrt: "math.Sqrt(%s)",
	FMA: "math.FMA(%s, %s, %s)", FMS: "math.FMA(%s, %s, -(%s))", FNMA: "math.FMA(-(%s), %s, %s)",
	Min: "lesser(%s, %s)", Max: "greater(%s, %s)",
	Round: "math.RoundToEven(%s)", Floor: "math.Floor(%s)", Ceil: "math.Ceil(%s)", Trunc: "math.Trunc(%s)",
	And: "%s & %s", AndNot: "%s &^ %s", Or: "%s | %s", Xor: "%s ^ %s", IAdd: "%s + %s", ISub: "%s - %s",
	Mul32: "(%s & 0xffffffff) * (%s & 0xffffffff)", ShlBy: "%s << %s", ShrBy: "%s >> %s",
	Less: "%s < %s", LessEqual: "%s <= %s", Equal: "%s == %s", NotEqual: "%s != %s", Unordered: "unordered(%s, %s)",
	IGreater: "%s > %s", IEqual: "%s == %s",
	MAnd: "%s && %s", MOr: "%s || %s", MNot: "!%s", MAndNot: "%s && !%s",
	Select: "pick(%s, %s, %s)",
}

// texts32 are those that differ over float32. Functions of package math are exact here, or round twice without harm: a root
// that is rounded to 53 bits rounds right to 24 (Figueroa, "When is double rounding innocuous?", 1995).
var texts32 = map[Op]string{
	Mul: "float32(%s * %s)", Sqrt: "float32(math.Sqrt(float64(%s)))",
	FMA: "fma32(%s, %s, %s)", FMS: "fma32(%s, %s, -(%s))", FNMA: "fma32(-(%s), %s, %s)",
	Round: "float32(math.RoundToEven(float64(%s)))", Floor: "float32(math.Floor(float64(%s)))",
	Ceil: "float32(math.Ceil(float64(%s)))", Trunc: "float32(math.Trunc(float64(%s)))",
}

func (g *goText) expression(n *Node) string {
	names := make([]any, len(n.Args))
	for i, a := range n.Args {
		names[i] = g.name(a)
	}
	switch n.Op {
	case IGreater: // a constant that is negative cannot be converted
		for i, a := range n.Args {
			names[i] = fmt.Sprintf("int%d(%s)", g.p.Width, names[i])
			if c := g.p.Nodes[a]; c.Op == Const {
				names[i] = fmt.Sprintf("int%d(%d)", g.p.Width, int64(c.Bits)<<(64-g.p.Width)>>(64-g.p.Width))
			}
		}
	case Lookup:
		return fmt.Sprintf("%s%s[%s]", g.prefix, g.p.Tables[n.By].Name, names[0])
	case Shl:
		return fmt.Sprintf("%s << %d", names[0], n.By)
	case Shr:
		return fmt.Sprintf("%s >> %d", names[0], n.By)
	case Retype:
		if n.Type == Int {
			return fmt.Sprintf("math.Float%dbits(%s)", g.p.Width, names[0])
		}
		return fmt.Sprintf("math.Float%dfrombits(%s)", g.p.Width, names[0])
	}
	if text, ok := texts32[n.Op]; ok && g.p.Width == 32 {
		return fmt.Sprintf(text, names...)
	}
	return fmt.Sprintf(texts[n.Op], names...)
}
