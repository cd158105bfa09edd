package ptx

import "github.com/darray-go/darray/array"

// tree is how nodes of a reduction join: array.Combine.
type tree struct {
	op   array.Op
	wide array.DType // of accumulators
}

// treeOf is the tree of a reduction, or of the reduction whose running value a scan is, over elements of type d.
func treeOf(op array.Op, d array.DType) tree {
	switch op {
	case array.CumSum:
		op = array.Sum
	case array.CumProd:
		op = array.Prod
	}
	return tree{op, wideOf(array.AccumulatorType(op, d))}
}

// identity is the accumulator's start. That of min and max is of the accumulator's own type, which d says.
func (t tree) identity(d array.DType) uint64 {
	return array.Identity(t.op, array.AccumulatorType(t.op, d))
}

func (t tree) positions() bool { return t.op == array.ArgMin || t.op == array.ArgMax }

// node is an array.Partial in registers: words. aux is "" where the op has none.
type node struct{ acc, aux, count string }

// regs are the node's registers.
func (n *node) regs() []*string {
	if n.aux == "" {
		return []*string{&n.acc, &n.count}
	}
	return []*string{&n.acc, &n.aux, &n.count}
}

// each is a node made of that of f on each register.
func (n node) each(f func(reg string) string) node {
	for _, reg := range n.regs() {
		*reg = f(*reg)
	}
	return n
}

// take sets a node's registers, which are variables, to another's where a predicate holds.
func (r *routine) take(to, from node, where string) {
	for i, reg := range to.regs() {
		r.choose(*reg, *from.regs()[i], where)
	}
}

// set sets a node's registers, which are variables, to another's.
func (r *routine) set(to, from node) {
	for i, reg := range to.regs() {
		r.do("mov.b64", *reg, *from.regs()[i])
	}
}

// join is array.Join.
func (r *routine) join(t tree, x, y string) string {
	float := t.wide == array.Float64
	switch t.op {
	case array.Prod:
		if float {
			return r.word("mul.rn.f64", x, y)
		}
		return r.word("mul.lo.s64", x, y)
	case array.Min, array.Max:
		least := r.word(typed(map[array.Op]string{array.Min: "min", array.Max: "max"}[t.op], t.wide), x, y)
		if !float {
			return least
		}
		nan := r.truth("setp.nan.f64", x, y) // which the instruction would leave out
		return r.word("selp.b64", r.word("add.rn.f64", x, y), least, nan)
	case array.Any:
		return r.word("or.b64", x, y)
	case array.All:
		return r.word("and.b64", x, y)
	case array.Count:
		return x
	}
	if float {
		return r.word("add.rn.f64", x, y)
	}
	return r.word("add.s64", x, y)
}

// before is whether y is taken although x comes first: it is less or greater, or the first NaN.
func (r *routine) before(t tree, y, x string) string {
	compare := "setp.lt"
	if t.op == array.ArgMax {
		compare = "setp.gt"
	}
	p := r.truth(typed(compare, t.wide), y, x)
	if t.wide == array.Float64 {
		first := r.truth("and.pred", r.truth("setp.nan.f64", y, y), r.truth("setp.num.f64", x, x))
		p = r.truth("or.pred", p, first)
	}
	return p
}

// combine is array.Combine. scattered says that the elements of x need not come before those of y, as in the lanes of a leaf.
func (r *routine) combine(t tree, x, y node, scattered bool) node {
	out := node{count: r.word("add.s64", x.count, y.count)}
	noX, someY := r.truth("setp.eq.u64", x.count, "0"), r.truth("setp.ne.u64", y.count, "0")
	switch {
	case t.positions():
		better := r.before(t, y.acc, x.acc)
		if scattered {
			equal := r.truth("not.pred", r.truth("or.pred", better, r.before(t, x.acc, y.acc)))
			better = r.truth("or.pred", better, r.truth("and.pred", equal, r.truth("setp.lt.u64", y.aux, x.aux)))
		}
		taken := r.truth("or.pred", noX, r.truth("and.pred", someY, better))
		out.acc, out.aux = r.word("selp.b64", y.acc, x.acc, taken), r.word("selp.b64", y.aux, x.aux, taken)
	case t.op == array.Var:
		out.acc = r.join(t, x.acc, y.acc)
		out.aux = r.word("selp.b64", r.deviations(x, y), x.aux, someY)
		out.aux = r.word("selp.b64", y.aux, out.aux, noX)
	default:
		out.acc = r.join(t, x.acc, y.acc)
	}
	return out
}

// deviations is Mx + My + (Sy/ny - Sx/nx)^2 * (nx*ny/(nx+ny)) in this order, each operation rounded.
func (r *routine) deviations(x, y node) string {
	f := func(instruction, x, y string) string { return r.word(instruction+".rn.f64", x, y) }
	nx, ny := r.word("cvt.rn.f64.u64", x.count), r.word("cvt.rn.f64.u64", y.count)
	delta := f("sub", f("div", y.acc, ny), f("div", x.acc, nx))
	between := f("mul", f("mul", delta, delta), f("div", f("mul", nx, ny), f("add", nx, ny)))
	return f("add", f("add", x.aux, y.aux), between)
}

// loadNode is node index behind a base; an absent one, where inside is not "" and does not hold, is of no elements.
func (r *routine) loadNode(base, index string, aux bool, inside string) node {
	at := r.word("mad.lo.s64", index, immediate(NodeBytes), base)
	n := node{acc: r.variable(word, "0"), count: r.variable(word, "0")}
	if aux {
		n.aux = r.variable(word, "0")
		r.when(inside, "ld.global.u64", n.aux, "["+at+"+8]")
	}
	r.when(inside, "ld.global.u64", n.acc, "["+at+"]")
	r.when(inside, "ld.global.u64", n.count, "["+at+"+16]")
	return n
}

// storeNode puts a node in memory, where inside holds.
func (r *routine) storeNode(n node, base, index, inside string) {
	at := r.word("mad.lo.s64", index, immediate(NodeBytes), base)
	aux := n.aux
	if aux == "" {
		aux = r.constant(0)
	}
	r.when(inside, "st.global.b64", "["+at+"]", n.acc)
	r.when(inside, "st.global.b64", "["+at+"+8]", aux)
	r.when(inside, "st.global.b64", "["+at+"+16]", n.count)
}

// value is the node's value in type out, widened (bools as 0 or 1), and whether it is not null: "" where it always is not.
func (r *routine) value(t tree, n node, out array.DType, correction string) (x, ok string) {
	some := func() string { return r.truth("setp.ne.u64", n.count, "0") }
	switch t.op {
	case array.Count:
		return n.count, ""
	case array.Min, array.Max:
		return n.acc, some()
	case array.ArgMin, array.ArgMax:
		return n.aux, some()
	case array.Mean:
		return r.word("div.rn.f64", n.acc, r.word("cvt.rn.f64.u64", n.count)), some()
	case array.Var:
		left := r.word("sub.rn.f64", r.word("cvt.rn.f64.u64", n.count), correction)
		return r.word("div.rn.f64", n.aux, left), r.truth("and.pred", some(), r.truth("setp.gt.f64", left, "0d0000000000000000"))
	case array.Sum: // the identity is -0
		return r.word("selp.b64", n.acc, "0", some()), ""
	}
	return n.acc, ""
}

// finish stores the values of 32 runs, one a lane, from run at on, which is a multiple of 32; inside is the lanes that have a run.
func (r *routine) finish(t tree, n node, f Finish, at, lane, inside string) {
	correction := ""
	if t.op == array.Var {
		correction = r.literalOnce(f.Correction)
	}
	x, ok := r.value(t, n, f.Out, correction)
	index := r.word("add.s64", at, r.widen(lane))
	if f.Out == array.Bool {
		r.vote(r.truth("and.pred", inside, r.truth("setp.ne.u64", x, "0")), r.param(Result, 0), at, lane)
	} else {
		r.put(f.Out, x, r.param(Result, 0), index, inside)
	}
	if !f.Validity {
		return
	}
	if ok == "" {
		ok = inside
	} else {
		ok = r.truth("and.pred", inside, ok)
	}
	r.vote(ok, r.param(ResultValid, 0), at, lane)
}

// literalOnce is a float64 of which the text knows nothing.
func (r *routine) literalOnce(x float64) string { return r.literal(array.ScalarOf(x).Bits()) }
