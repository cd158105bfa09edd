// Package lanes is a small language for a function of floats that is computed for many lanes at once: straight-line steps on
// lanes of 64 or of 32 bits, and regions for the few lanes that need more. A description is written once, against this package; the
// generators turn it into scalar Go, into AVX2 and into AVX-512, which therefore give the same bits: every step is exact or
// rounds once, to nearest even, and none is fused or reordered.
//
// Steps are methods of values: F is a lane of floats, I one of their bits, M a truth. All lanes of a program have one width.
// Where a step takes an operand it also takes a Go number, which has to be one of that width. A mistake in a description, such as an operand of another type, panics: descriptions run when code is
// generated.
package lanes

import (
	"fmt"
	"math"
)

// Type is the type of a step's result.
type Type uint8

// The types.
const (
	None  Type = iota
	Float      // float64 or float32
	Int        // as many bits, arithmetic modulo 2^64 or 2^32
	Mask
)

// Op is what a step does.
type Op uint8

// The steps. a, b, c are the operands.
const (
	Arg    Op = iota // operand number By of the function
	Const            // Bits
	Lookup           // in lanes of 64 bits, word a of table number By; a must be below the table's length for every bit pattern of the operands

	Add   // a + b
	Sub   // a - b
	Mul   // a * b
	Div   // a / b
	Sqrt  // the square root of a
	FMA   // a*b + c, rounded once
	FMS   // a*b - c, rounded once
	FNMA  // c - a*b, rounded once
	Min   // a if a < b, else b
	Max   // a if a > b, else b
	Round // to the nearest integer, ties to even
	Floor
	Ceil
	Trunc

	And
	AndNot // a &^ b
	Or
	Xor
	IAdd
	ISub
	Mul32  // the product of the low 32 bits of a and b, in lanes of 64
	Shl    // by By
	Shr    // by By; zeros come in
	ShlBy  // by b; 0 from the lane's width on
	ShrBy  // by b; 0 from the lane's width on
	Retype // the same bits as the other type

	Less // the comparisons of floats are false for NaN, but for NotEqual
	LessEqual
	Equal
	NotEqual
	Unordered // a or b is NaN
	IGreater  // signed
	IEqual
	MAnd
	MOr
	MNot
	MAndNot // a and not b

	Select // a is a mask: b where it holds, else c
	Rare   // a region; see Program.Rare
	Joined // result By of the region a
)

// Node is a step.
type Node struct {
	Op   Op
	Type Type
	Args []int
	Bits uint64
	By   int
	// Of a region: its steps, and what its results are outside of it and in it.
	Body       []int
	Fast, Slow []int
}

// Table is read-only words that Lookup reads.
type Table struct {
	Name  string
	Words []uint64
}

// Program is a description: steps in order.
type Program struct {
	Width  int // the bits of a lane
	Nodes  []Node
	Body   []int // the steps outside of regions
	Tables []Table
	// Results is what the function gives: one value, or two after Twice.
	Results []int

	scopes []scope
}

// scope is the body under construction, and what is known in it.
type scope struct {
	body  []int
	known map[string]int
}

// New gives an empty program over lanes of 64 bits, or of 32.
func New(width int) *Program {
	return &Program{Width: width, scopes: []scope{{known: map[string]int{}}}}
}

// F is a lane of floats.
type F struct {
	p  *Program
	id int
}

// I is a lane of bits.
type I struct {
	p  *Program
	id int
}

// M is a truth.
type M struct {
	p  *Program
	id int
}

// add gives a step, an old one where an equal step is known.
func (p *Program) add(n Node) int {
	key := fmt.Sprint(n.Op, n.Type, n.Args, n.Bits, n.By)
	if n.Op != Rare {
		for _, s := range p.scopes {
			if id, ok := s.known[key]; ok {
				return id
			}
		}
	}
	id := len(p.Nodes)
	p.Nodes = append(p.Nodes, n)
	at := &p.scopes[len(p.scopes)-1]
	if n.Op == Const || n.Op == Arg {
		at = &p.scopes[0]
	}
	at.body = append(at.body, id)
	at.known[key] = id
	return id
}

// Arg is operand number i.
func (p *Program) Arg(i int) F { return F{p, p.add(Node{Op: Arg, Type: Float, By: i})} }

// F is a constant.
func (p *Program) F(x float64) F {
	bits := math.Float64bits(x)
	if p.Width == 32 {
		if x == x && float64(float32(x)) != x {
			panic(fmt.Sprintf("lanes: %x is no float32", x))
		}
		bits = uint64(math.Float32bits(float32(x)))
	}
	return F{p, p.add(Node{Op: Const, Type: Float, Bits: bits})}
}

// I is a constant; in lanes of 32 bits its upper half may be ones, as of a complement.
func (p *Program) I(x uint64) I {
	if p.Width == 32 {
		if upper := x >> 32; upper != 0 && upper != 1<<32-1 {
			panic(fmt.Sprintf("lanes: %#x is no word of 32 bits", x))
		}
		x = uint64(uint32(x))
	}
	return I{p, p.add(Node{Op: Const, Type: Int, Bits: x})}
}

// Table adds one; its length should be a power of two, so that an index can be kept in it by And.
func (p *Program) Table(name string, words []uint64) Lookups {
	for i, t := range p.Tables {
		if t.Name == name {
			return Lookups{p, i}
		}
	}
	p.Tables = append(p.Tables, Table{name, words})
	return Lookups{p, len(p.Tables) - 1}
}

// Floats is the bits of floats, for a Table.
func Floats(xs ...float64) []uint64 {
	words := make([]uint64, len(xs))
	for i, x := range xs {
		words[i] = math.Float64bits(x)
	}
	return words
}

// Lookups reads a table.
type Lookups struct {
	p     *Program
	table int
}

// At is word number i, which must be in the table for every bit pattern of the function's operands.
func (l Lookups) At(i I) I {
	l.p.wide("a table")
	return I{l.p, l.p.add(Node{Op: Lookup, Type: Int, Args: []int{i.id}, By: l.table})}
}

// Rare gives fast, but in the lanes of m what slow gives. Code runs slow only for vectors that have such a lane, so m should
// be rare; the bits are the same either way.
func (p *Program) Rare(m M, slow func() []F, fast ...F) []F {
	n := Node{Op: Rare, Args: []int{m.id}}
	for _, f := range fast {
		n.Fast = append(n.Fast, f.id)
	}
	p.scopes = append(p.scopes, scope{known: map[string]int{}})
	results := slow()
	n.Body = p.scopes[len(p.scopes)-1].body
	p.scopes = p.scopes[:len(p.scopes)-1]
	if len(results) != len(fast) {
		panic("lanes: a region must give as many values as it replaces")
	}
	for _, f := range results {
		n.Slow = append(n.Slow, f.id)
	}
	region := p.add(n)
	out := make([]F, len(fast))
	for i := range out {
		out[i] = F{p, p.add(Node{Op: Joined, Type: Float, Args: []int{region}, By: i})}
	}
	return out
}

// RareOne is Rare of one value.
func (p *Program) RareOne(m M, fast F, slow func() F) F {
	return p.Rare(m, func() []F { return []F{slow()} }, fast)[0]
}

// Finish says what the function gives, and drops the steps that it does not need.
func (p *Program) Finish(result F) *Program {
	p.Results = []int{result.id}
	p.Body = p.scopes[0].body
	needed := make([]bool, len(p.Nodes))
	used := map[[2]int]bool{} // results of regions
	var need func(id int)
	need = func(id int) {
		n := &p.Nodes[id]
		if n.Op == Joined && !used[[2]int{n.Args[0], n.By}] {
			used[[2]int{n.Args[0], n.By}] = true
			need(p.Nodes[n.Args[0]].Fast[n.By])
			need(p.Nodes[n.Args[0]].Slow[n.By])
		}
		if needed[id] {
			return
		}
		needed[id] = true
		for _, a := range n.Args {
			need(a)
		}
	}
	need(result.id)
	p.Body = p.prune(p.Body, needed, used)
	return p
}

func (p *Program) prune(body []int, needed []bool, used map[[2]int]bool) []int {
	var out []int
	for _, id := range body {
		if !needed[id] {
			continue
		}
		out = append(out, id)
		n := &p.Nodes[id]
		if n.Op != Rare {
			continue
		}
		n.Body = p.prune(n.Body, needed, used)
		for k := range n.Fast {
			if !used[[2]int{id, k}] {
				n.Fast[k], n.Slow[k] = -1, -1
			}
		}
	}
	return out
}
