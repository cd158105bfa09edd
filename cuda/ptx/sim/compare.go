package sim

const comparisons = "eq|ne|lt|le|gt|ge|lo|ls|hi|hs|equ|neu|ltu|leu|gtu|geu|num|nan"

type relation = func(x, y uint64) bool

// comparison returns what a comparison means for a type, or nil where the language has none.
func comparison(name string, t dtype) relation {
	if t.class == float {
		return floatComparison(name, t)
	}
	lt := less(t)
	le := func(x, y uint64) bool { return !lt(y, x) }
	if name == "eq" {
		return func(x, y uint64) bool { return x == y }
	}
	if name == "ne" {
		return func(x, y uint64) bool { return x != y }
	}
	if t.class == unsigned {
		if plain, ok := map[string]string{"lo": "lt", "ls": "le", "hi": "gt", "hs": "ge"}[name]; ok {
			name = plain
		}
	}
	if t.class == untyped {
		return nil
	}
	return ordered(name, lt, le)
}

func ordered(name string, lt, le relation) relation {
	switch name {
	case "lt":
		return lt
	case "le":
		return le
	case "gt":
		return func(x, y uint64) bool { return lt(y, x) }
	case "ge":
		return func(x, y uint64) bool { return le(y, x) }
	}
	return nil
}

// floatComparison: the plain names are false where an operand is NaN, those with u true.
func floatComparison(name string, t dtype) relation {
	nan := isNaN(t)
	unordered := func(x, y uint64) bool { return nan(x) || nan(y) }
	val := toF64
	if t.size == 4 {
		val = func(x uint64) float64 { return float64(toF32(x)) }
	}
	lt := func(x, y uint64) bool { return val(x) < val(y) }
	le := func(x, y uint64) bool { return val(x) <= val(y) }
	eq := func(x, y uint64) bool { return val(x) == val(y) }
	switch name {
	case "num":
		return func(x, y uint64) bool { return !unordered(x, y) }
	case "nan":
		return unordered
	case "eq":
		return eq
	case "ne":
		return func(x, y uint64) bool { return !unordered(x, y) && !eq(x, y) }
	case "equ":
		return func(x, y uint64) bool { return unordered(x, y) || eq(x, y) }
	case "neu":
		return func(x, y uint64) bool { return !eq(x, y) }
	}
	if plain, ok := map[string]string{"ltu": "lt", "leu": "le", "gtu": "gt", "geu": "ge"}[name]; ok {
		f := ordered(plain, lt, le)
		return func(x, y uint64) bool { return unordered(x, y) || f(x, y) }
	}
	return ordered(name, lt, le)
}

// relation returns a comparison with .ftz applied, or fails.
func (b *builder) relation(name, ftz string, t dtype) relation {
	f := comparison(name, t)
	if f == nil || ftz != "" && (t.class != float || t.size != 4) {
		b.fail("%s.%s is not for type .%s", b.s.op, name, t.name)
		return nil
	}
	if ftz != "" {
		return func(x, y uint64) bool { return f(flush(x), flush(y)) }
	}
	return f
}

var combine = map[string]func2{
	"and": func(x, y uint64) uint64 { return x & y },
	"or":  func(x, y uint64) uint64 { return x | y },
	"xor": func(x, y uint64) uint64 { return x ^ y },
}

// buildSetp writes a predicate, and behind | its opposite, each combined with a third where one is given.
func buildSetp(b *builder, got []string) {
	t, p := dtypes[got[3]], dtypes["pred"]
	rel := b.relation(got[0], got[2], t)
	n := 3
	if got[1] != "" {
		n = 4
	}
	if rel == nil || !b.args(n) {
		return
	}
	x, y := b.src(1, t), b.src(2, t)
	dst := b.s.args[0]
	pair := dst.pair
	dst.pair = nil
	if pair == nil && got[1] == "" {
		d := b.dstOf(&dst, p, false)
		b.in.run = apply2(d, x, y, func(x, y uint64) uint64 { return boolean(rel(x, y)) })
		b.quickCompare(got[0], t, d, x, y)
		return
	}
	third, not := b.constant(0, nil), false
	mix := combine["or"]
	if got[1] != "" {
		third, not = b.predicate(3)
		mix = combine[got[1]]
	}
	flip := boolean(not)
	d := b.dstOf(&dst, p, false)
	q := d
	if pair != nil {
		q = b.dstOf(pair, p, false)
	}
	b.in.run = func(b *block, lanes []uint16) {
		ds, qs, xs, ys, zs := b.regs[d], b.regs[q], b.regs[x], b.regs[y], b.regs[third]
		for _, l := range lanes {
			c, z := boolean(rel(xs[l], ys[l])), zs[l]^flip
			qs[l] = mix(c^1, z)
			ds[l] = mix(c, z)
		}
	}
}

// buildSet writes all ones or 1.0 where the comparison holds, else 0.
func buildSet(b *builder, got []string) {
	to, t := dtypes[got[3]], dtypes[got[4]]
	rel := b.relation(got[0], got[2], t)
	n := 3
	if got[1] != "" {
		n = 4
	}
	if rel == nil || !b.args(n) {
		return
	}
	yes := uint64(0xffffffff)
	if to.class == float {
		yes = 0x3f800000
	}
	x, y := b.src(1, t), b.src(2, t)
	third, not, mix := b.constant(0, nil), false, combine["or"]
	if got[1] != "" {
		third, not = b.predicate(3)
		mix = combine[got[1]]
	}
	flip := boolean(not)
	b.in.run = apply3(b.dst(0, to, false), x, y, third, func(x, y, z uint64) uint64 {
		return mix(boolean(rel(x, y)), z^flip) * yes
	})
}

func buildSelp(b *builder, got []string) {
	t := dtypes[got[0]]
	if !b.args(4) {
		return
	}
	x, y := b.src(1, t), b.src(2, t)
	p := b.src(3, dtypes["pred"])
	b.in.run = apply3(b.dst(0, t, false), x, y, p, func(x, y, p uint64) uint64 {
		if p != 0 {
			return x
		}
		return y
	})
}

// buildSlct takes the first operand where the third is not negative; a NaN takes the second.
func buildSlct(b *builder, got []string) {
	ftz, t, by := got[0] != "", dtypes[got[1]], dtypes[got[2]]
	if !b.args(4) {
		return
	}
	x, y, z := b.src(1, t), b.src(2, t), b.src(3, by)
	if ftz && by.class != float {
		b.fail("slct.ftz needs a third operand of type .f32")
	}
	b.in.run = apply3(b.dst(0, t, false), x, y, z, func(x, y, z uint64) uint64 {
		first := int32(z) >= 0
		if by.class == float {
			if ftz {
				z = flush(z)
			}
			first = toF32(z) >= 0
		}
		if first {
			return x
		}
		return y
	})
}
