package sim

// The makers of runners: a function of values applied to the rows of the threads that take part. Dispatch is paid once for all
// threads; the call for each costs about two nanoseconds.

type (
	func1 func(x uint64) uint64
	func2 func(x, y uint64) uint64
	func3 func(x, y, z uint64) uint64
)

func apply1(d, x int, f func1) runner {
	return func(b *block, lanes []uint16) {
		dst, xs := b.regs[d], b.regs[x]
		for _, l := range lanes {
			dst[l] = f(xs[l])
		}
	}
}

func apply2(d, x, y int, f func2) runner {
	return func(b *block, lanes []uint16) {
		dst, xs, ys := b.regs[d], b.regs[x], b.regs[y]
		for _, l := range lanes {
			dst[l] = f(xs[l], ys[l])
		}
	}
}

func apply3(d, x, y, z int, f func3) runner {
	return func(b *block, lanes []uint16) {
		dst, xs, ys, zs := b.regs[d], b.regs[x], b.regs[y], b.regs[z]
		for _, l := range lanes {
			dst[l] = f(xs[l], ys[l], zs[l])
		}
	}
}

// map1, map2 and map3 take operands of one type.
func (b *builder) map1(t dtype, f func1) {
	if b.args(2) {
		x := b.src(1, t)
		b.in.run = apply1(b.dst(0, t, false), x, f)
	}
}

func (b *builder) map2(t dtype, f func2) {
	if b.args(3) {
		x, y := b.src(1, t), b.src(2, t)
		b.in.run = apply2(b.dst(0, t, false), x, y, f)
	}
}

func (b *builder) map3(t dtype, f func3) {
	if b.args(4) {
		x, y, z := b.src(1, t), b.src(2, t), b.src(3, t)
		b.in.run = apply3(b.dst(0, t, false), x, y, z, f)
	}
}
