package ptx

import "github.com/darray-go/darray/array"

// apply gives the value of an op, in the plainest form that has the same bits, NaN payloads aside.
func (g *graph) apply(v value) int {
	if v.in == array.Bool {
		rewriteBool(&v)
	}
	if v.op == array.Multiply && v.args[0] == v.args[1] {
		v.op, v.args[1] = array.Square, none
	}
	if v.op.Symmetric() && v.args[0] > v.args[1] {
		v.args[0], v.args[1] = v.args[1], v.args[0]
	}
	if at, ok := g.shortcut(&v); ok {
		return at
	}
	return g.add(v)
}

// rewriteBool gives ops on bools their logical names.
func rewriteBool(v *value) {
	switch v.op {
	case array.Add, array.Maximum, array.BitwiseOr:
		v.op = array.LogicalOr
	case array.Multiply, array.Minimum, array.BitwiseAnd:
		v.op = array.LogicalAnd
	case array.NotEqual, array.BitwiseXor:
		v.op = array.LogicalXor
	case array.BitwiseInvert:
		v.op = array.LogicalNot
	}
}

// shortcut gives a value that is there already in the place of v.
func (g *graph) shortcut(v *value) (int, bool) {
	x, y := v.args[0], v.args[1]
	switch v.op {
	case array.Positive:
		return x, true
	case array.Floor, array.Ceil, array.Trunc, array.Round:
		return x, !v.in.Float()
	case array.Abs:
		return x, v.in == array.Bool || v.in.Unsigned()
	case array.Cast:
		return x, v.in == v.out
	case array.Minimum, array.Maximum:
		return x, x == y
	case array.LogicalAnd:
		return g.absorbing(v, 0)
	case array.LogicalOr:
		return g.absorbing(v, 1)
	case array.LogicalXor:
		if x == y {
			return g.Truth(false), true
		}
	case array.LogicalNot:
		switch of := &g.values[x]; {
		case of.from == always:
			return g.Truth(of.input == 0), true
		case of.from == applied && of.op == array.LogicalNot:
			return of.args[0], true
		}
	case array.Where:
		return g.shortcutWhere(v)
	}
	return 0, false
}

// absorbing is and, which one 0 makes 0, or or, which one 1 makes 1; the other truth changes nothing.
func (g *graph) absorbing(v *value, absorbs int) (int, bool) {
	x, y := v.args[0], v.args[1]
	for range 2 {
		switch of := &g.values[x]; {
		case of.from == always && of.input == absorbs, x == y:
			return x, true
		case of.from == always:
			return y, true
		case g.includes(v.op, x, y):
			return x, true
		}
		x, y = y, x
	}
	return 0, false
}

// includes reports whether x is a chain of ops of one kind, one operand of which is y.
func (g *graph) includes(op array.Op, x, y int) bool {
	is := func(x int) bool { return g.values[x].from == applied && g.values[x].op == op }
	for is(x) {
		a := g.values[x].args
		if a[0] == y || a[1] == y {
			return true
		}
		if x = a[0]; !is(x) {
			x = a[1]
		}
	}
	return false
}

func (g *graph) shortcutWhere(v *value) (int, bool) {
	cond, x, y := v.args[0], v.args[1], v.args[2]
	yes, no := &g.values[x], &g.values[y]
	switch c := &g.values[cond]; {
	case x == y, c.from == always && c.input == 1:
		return x, true
	case c.from == always:
		return y, true
	case yes.from == always && yes.input == 1:
		return g.logical(array.LogicalOr, cond, y), true
	case yes.from == always:
		return g.logical(array.LogicalAnd, g.not(cond), y), true
	case no.from == always && no.input == 1:
		return g.logical(array.LogicalOr, g.not(cond), x), true
	case no.from == always:
		return g.logical(array.LogicalAnd, cond, x), true
	case c.from == applied && c.op == array.LogicalNot:
		return g.pick(v.out, c.args[0], y, x), true
	}
	return 0, false
}
