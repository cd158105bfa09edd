package sim

import "math"

// The results of invalid operations and of operations on NaN.
const (
	nan32 = 0x7fffffff
	nan64 = 0xfff8000000000000
)

func toF32(x uint64) float32  { return math.Float32frombits(uint32(x)) }
func toF64(x uint64) float64  { return math.Float64frombits(x) }
func isNaN32(x uint64) bool   { return x&0x7fffffff > 0x7f800000 }
func isNaN64(x uint64) bool   { return x&(1<<63-1) > 0x7ff<<52 }
func isNaN(t dtype) func1bool { return map[int]func1bool{4: isNaN32, 8: isNaN64}[t.size] }
func nanOf(t dtype) uint64    { return map[int]uint64{4: nan32, 8: nan64}[t.size] }
func signOf(t dtype) uint64   { return 1 << (t.bits() - 1) }
func tiny32(x uint64) bool    { return x&0x7f800000 == 0 }

type func1bool = func(uint64) bool

// fromF32 is the bits of a result.
func fromF32(v float32) uint64 {
	if v != v {
		return nan32
	}
	return uint64(math.Float32bits(v))
}

func fromF64(v float64) uint64 {
	if v != v {
		return nan64
	}
	return math.Float64bits(v)
}

// flush makes zero of a subnormal float32, keeping its sign: .ftz.
func flush(x uint64) uint64 {
	if tiny32(x) {
		return x & (1 << 31)
	}
	return x
}

// sat brings a float32 into [0, 1]; NaN becomes 0.
func sat32(x uint64) uint64 {
	v := toF32(x)
	switch {
	case !(v > 0):
		return 0
	case v > 1:
		return uint64(math.Float32bits(1))
	}
	return x
}

func sat64(x uint64) uint64 {
	v := toF64(x)
	switch {
	case !(v > 0):
		return 0
	case v > 1:
		return math.Float64bits(1)
	}
	return x
}

// Functions on float64 and float32, each rounded once as mode says.
type (
	op64 func(x, y, z float64, mode string) float64
	op32 func(x, y, z float32, mode string) float32
)

// floatForm builds an instruction of n operands with the modifiers rounding, ftz, sat and type at the given places of got
// (-1: none).
func floatForm(n int, f64 op64, f32 op32) func(b *builder, mode string, ftz, sat bool, t dtype) {
	return func(b *builder, mode string, ftz, sat bool, t dtype) {
		if !b.args(n + 1) {
			return
		}
		rows := [3]int{}
		for i := range n {
			rows[i] = b.src(i+1, t)
		}
		for i := n; i < 3; i++ {
			rows[i] = rows[0]
		}
		var f func3
		if t.size == 8 {
			f = func(x, y, z uint64) uint64 { return fromF64(f64(toF64(x), toF64(y), toF64(z), mode)) }
		} else {
			f = func(x, y, z uint64) uint64 { return fromF32(f32(toF32(x), toF32(y), toF32(z), mode)) }
		}
		if ftz {
			inner := f
			f = func(x, y, z uint64) uint64 { return flush(inner(flush(x), flush(y), flush(z))) }
		}
		if sat {
			inner := f
			f = func(x, y, z uint64) uint64 { return sat32(inner(x, y, z)) }
		}
		d := b.dst(0, t, false)
		b.in.run = apply3(d, rows[0], rows[1], rows[2], f)
		if mode == "rn" && !ftz && !sat {
			b.quick(rows, t, d)
		}
	}
}

// float32s and float64s make the two forms that every operation has.
func floats32(n int, f op32) func(b *builder, got []string) {
	build := floatForm(n, nil, f)
	return func(b *builder, got []string) {
		mode := got[0]
		if mode == "" {
			mode = "rn" // what the language takes where nothing is written
		}
		build(b, mode, got[1] != "", len(got) > 3 && got[2] != "", dtypes["f32"])
	}
}

func floats64(n int, f op64) func(b *builder, got []string) {
	build := floatForm(n, f, nil)
	return func(b *builder, got []string) {
		mode := got[0]
		if mode == "" {
			mode = "rn"
		}
		build(b, mode, false, false, dtypes["f64"])
	}
}

// buildAbsFloat and buildNegFloat touch the sign alone.
func buildAbsFloat(b *builder, got []string) {
	t := dtypes[got[1]]
	mask := signOf(t) - 1
	b.map1(t, flushing(got[0] != "", func(x uint64) uint64 { return x & mask }))
}

func buildNegFloat(b *builder, got []string) {
	t := dtypes[got[1]]
	sign := signOf(t)
	b.map1(t, flushing(got[0] != "", func(x uint64) uint64 { return x ^ sign }))
}

func flushing(ftz bool, f func1) func1 {
	if !ftz {
		return f
	}
	return func(x uint64) uint64 { return f(flush(x)) }
}

// order maps a float that is no NaN to an integer of the same order, -0 below +0.
func order(t dtype) func(x uint64) int64 {
	size, sign := t.size, signOf(t)
	return func(x uint64) int64 {
		if x&sign != 0 {
			return int64(signExtend(^x|sign, size)) // all bits but the sign turned
		}
		return int64(x)
	}
}

// buildExtreme is min and max of floats: a NaN yields to a number, and -0 is less than +0.
func buildExtreme(wantMax bool) func(b *builder, got []string) {
	return func(b *builder, got []string) {
		t := dtypes[got[2]]
		ftz, nans := got[0] != "", got[1] != ""
		if nans && b.m.target < 80 {
			b.fail(".NaN needs sm_80; the target is sm_%d", b.m.target)
		}
		nan, key, canonical := isNaN(t), order(t), nanOf(t)
		b.map2(t, func(x, y uint64) uint64 {
			if ftz {
				x, y = flush(x), flush(y)
			}
			switch {
			case nan(x) && nan(y) || nans && (nan(x) || nan(y)):
				return canonical
			case nan(x):
				return y
			case nan(y):
				return x
			case (key(x) < key(y)) == wantMax:
				return y
			}
			return x
		})
	}
}

func buildCopysign(b *builder, got []string) {
	t := dtypes[got[0]]
	sign := signOf(t)
	b.map2(t, func(x, y uint64) uint64 { return x&sign | y&^sign })
}

// buildTest is testp.
func buildTest(b *builder, got []string) {
	t := dtypes[got[1]]
	if !b.args(2) {
		return
	}
	abs := signOf(t) - 1
	inf, least := uint64(0x7f800000), uint64(1<<23)
	if t.size == 8 {
		inf, least = 0x7ff<<52, 1<<52
	}
	tests := map[string]func(x uint64) bool{
		"finite":     func(x uint64) bool { return x < inf },
		"infinite":   func(x uint64) bool { return x == inf },
		"number":     func(x uint64) bool { return x <= inf },
		"notanumber": func(x uint64) bool { return x > inf },
		"normal":     func(x uint64) bool { return x == 0 || x >= least && x < inf },
		"subnormal":  func(x uint64) bool { return x != 0 && x < least },
	}
	test := tests[got[0]]
	x := b.src(1, t)
	b.in.run = apply1(b.dst(0, dtypes["pred"], false), x, func(x uint64) uint64 { return boolean(test(x & abs)) })
}
