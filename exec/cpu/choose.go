package cpu

import (
	"slices"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
)

// What follows works on a graph that has all its values: it picks what the kernels do at once, and the kernels' forms.

// uses counts for each value how often live values and sinks read it; a value without is dead.
func (g *graph) uses() []int {
	uses := make([]int, len(g.values))
	var read func(at int)
	read = func(at int) {
		if at == none {
			return
		}
		if uses[at]++; uses[at] > 1 {
			return
		}
		for _, a := range g.values[at].args {
			read(a)
		}
	}
	for _, s := range g.sinks {
		read(s.value)
		read(s.valid)
		if s.fold != nil {
			read(s.fold.with)
		}
	}
	return uses
}

// fuse joins ops with the one op that reads them.
func (g *graph) fuse() {
	uses := g.uses()
	for i := range g.values {
		v := &g.values[i]
		if uses[i] == 0 || v.kind != applied || v.uniform {
			continue
		}
		switch v.op {
		case array.LogicalNot:
			g.invert(v, uses)
		case array.Add, array.Subtract:
			g.fuseProduct(v, uses)
		}
	}
	for i := range g.sinks {
		if s := &g.sinks[i]; s.fold != nil && s.value != none && uses[s.value] == 1 {
			g.fuseFold(s)
		}
	}
}

// inverted are the comparisons that are true where others are false. NaN makes all but not_equal false.
var inverted = map[array.Op]array.Op{
	array.Equal: array.NotEqual, array.NotEqual: array.Equal,
	array.Less: array.GreaterEqual, array.GreaterEqual: array.Less, array.Greater: array.LessEqual, array.LessEqual: array.Greater,
}

// invert makes a comparison of one that is only read turned round.
func (g *graph) invert(v *value, uses []int) {
	x := v.args[0]
	of := g.values[x]
	op, ok := inverted[of.op]
	if ok && of.kind == applied && uses[x] == 1 && (!of.in.Float() || op == array.Equal || op == array.NotEqual) {
		v.op, v.in, v.args = op, of.in, of.args
		uses[x] = 0
	}
}

// fuseProduct makes x*y + z and its kin of a sum with a product that nothing else reads.
func (g *graph) fuseProduct(v *value, uses []int) {
	if !v.in.Float() {
		return
	}
	for k := range 2 {
		at := v.args[k]
		p := g.values[at]
		if uses[at] != 1 || p.kind != applied || p.uniform || p.op != array.Multiply && p.op != array.Square {
			continue
		}
		op := kern.MulAdd
		switch {
		case v.op == array.Subtract && k == 0:
			op = kern.MulSub
		case v.op == array.Subtract:
			op = kern.NegMulAdd
		}
		if g.kernels.Fused(op, v.in, kern.VV) == nil {
			continue
		}
		x, y := p.args[0], p.args[1]
		if p.op == array.Square {
			y = x
			uses[x]++
		}
		v.kind, v.fused, v.args = fusedOp, op, [3]int{x, y, v.args[1-k]}
		uses[at] = 0
		return
	}
}

// choose picks the forms of the live values' kernels. A uniform operand that no form takes becomes a vector.
func (g *graph) choose() {
	uses := g.uses()
	for i := range len(uses) { // not those that are added here
		if v := g.values[i]; uses[i] > 0 && !v.uniform && (v.kind == applied || v.kind == fusedOp) {
			if v.kind == applied && v.op == array.Where {
				v.args[0] = g.vector(v.args[0])
			}
			if v.form = g.formOf(&v); g.loop(&v) == nil {
				v.form = kern.VV
				for k, a := range v.args {
					v.args[k] = g.vector(a)
				}
			}
			g.values[i] = v
		}
	}
	for i := range g.sinks {
		if s := &g.sinks[i]; s.check {
			s.value = g.vector(s.value)
		} else if s.fold != nil {
			s.value, s.fold.with, s.valid = g.vector(s.value), g.vector(s.fold.with), g.vector(s.valid)
		}
	}
}

// formOf is the form that takes v's uniform operands as they are.
func (g *graph) formOf(v *value) kern.Form {
	var u [3]bool
	for k, a := range v.args {
		u[k] = a != none && g.values[a].uniform
	}
	switch {
	case v.kind == applied && v.op != array.Where:
		switch {
		case u[1]:
			return kern.VS
		case u[0]:
			return kern.SV
		}
	case u[1] && u[2]:
		return kern.VSS
	case u[1]:
		return kern.VSV
	case u[2]:
		return kern.VVS
	}
	return kern.VV
}

// vector gives a uniform value as one that kernels take as a vector.
func (g *graph) vector(at int) int {
	if at == none || !g.values[at].uniform {
		return at
	}
	return g.add(value{kind: repeated, out: g.values[at].out, args: [3]int{at, none, none}})
}

// loop is the kernel of an applied or fused op.
func (g *graph) loop(v *value) kern.Loop {
	switch {
	case v.kind == fusedOp:
		return g.kernels.Fused(v.fused, v.in, v.form)
	case v.op == array.Where:
		return g.kernels.Where(v.in, v.form)
	case v.op == array.Cast:
		return g.kernels.Cast(v.in, v.out)
	}
	return g.kernels.Element(v.op, v.in, v.form)
}

// stream is the kernel that stores past the caches; nil where there is none.
func (g *graph) stream(v *value) kern.Loop {
	switch {
	case v.kind == fusedOp:
		return g.kernels.StreamFused(v.fused, v.in, v.form)
	case v.op == array.Where:
		return g.kernels.StreamWhere(v.in, v.form)
	case v.op == array.Cast:
		return nil
	}
	return g.kernels.Stream(v.op, v.in, v.form)
}

// evaluate is an op on constants, by the kernels themselves.
func (g *graph) evaluate(v *value) array.Scalar {
	if v.op == array.Cast {
		x, _ := g.scalarOf(v.args[0])
		return x.Cast(v.out)
	}
	var cells [4][]byte
	for k, a := range v.args {
		if x, ok := g.scalarOf(a); ok {
			cells[k] = array.Bytes([]uint64{elementBits(x)})
		}
	}
	result := []uint64{0}
	g.loop(v)(array.Bytes(result), cells[0], cells[1], cells[2], 1)
	return fromElement(v.out, result[0])
}

// order is the live values, operands first, those that need most registers before others, and each sink's number (as
// ^number) as soon as its values are there.
func (g *graph) order() []int {
	need := make([]int, len(g.values))
	done := make([]bool, len(g.values))
	order := make([]int, 0, len(g.values)+len(g.sinks))
	var visit func(at int)
	visit = func(at int) {
		if at == none || done[at] {
			return
		}
		done[at] = true
		args := g.values[at].args
		slices.SortStableFunc(args[:], func(x, y int) int { return g.needs(y, need) - g.needs(x, need) })
		for _, a := range args {
			visit(a)
		}
		order = append(order, at)
	}
	for i, s := range g.sinks {
		visit(s.value)
		if s.fold != nil {
			visit(s.fold.with)
		}
		visit(s.valid)
		order = append(order, ^i)
	}
	return order
}

// needs is how many registers are in use at once where at is computed (Sethi and Ullman, "The generation of optimal code
// for arithmetic expressions", 1970).
func (g *graph) needs(at int, memo []int) int {
	if at == none {
		return -1
	}
	v := &g.values[at]
	if v.kind != applied && v.kind != fusedOp || v.uniform {
		return 0
	}
	if memo[at] > 0 {
		return memo[at]
	}
	var of [3]int
	for k, a := range v.args {
		of[k] = g.needs(a, memo)
	}
	slices.Sort(of[:])
	memo[at] = max(1, of[2], of[1]+1, of[0]+2)
	return memo[at]
}
