package sim

import "math"

// The instructions that kernels are made of, as loops without a call for each thread. Results are those of the forms.

// quick replaces the runner of a float operation rounded to nearest.
func (b *builder) quick(rows [3]int, t dtype, d int) {
	var run func(dst, xs, ys, zs []uint64, lanes []uint16)
	switch b.s.op + "." + t.name {
	case "add.f64":
		run = func(dst, xs, ys, _ []uint64, lanes []uint16) {
			for _, l := range lanes {
				dst[l] = fromF64(toF64(xs[l]) + toF64(ys[l]))
			}
		}
	case "sub.f64":
		run = func(dst, xs, ys, _ []uint64, lanes []uint16) {
			for _, l := range lanes {
				dst[l] = fromF64(toF64(xs[l]) - toF64(ys[l]))
			}
		}
	case "mul.f64":
		run = func(dst, xs, ys, _ []uint64, lanes []uint16) {
			for _, l := range lanes {
				dst[l] = fromF64(toF64(xs[l]) * toF64(ys[l]))
			}
		}
	case "div.f64":
		run = func(dst, xs, ys, _ []uint64, lanes []uint16) {
			for _, l := range lanes {
				dst[l] = fromF64(toF64(xs[l]) / toF64(ys[l]))
			}
		}
	case "fma.f64":
		run = func(dst, xs, ys, zs []uint64, lanes []uint16) {
			for _, l := range lanes {
				dst[l] = fromF64(math.FMA(toF64(xs[l]), toF64(ys[l]), toF64(zs[l])))
			}
		}
	case "add.f32":
		run = func(dst, xs, ys, _ []uint64, lanes []uint16) {
			for _, l := range lanes {
				dst[l] = fromF32(toF32(xs[l]) + toF32(ys[l]))
			}
		}
	case "sub.f32":
		run = func(dst, xs, ys, _ []uint64, lanes []uint16) {
			for _, l := range lanes {
				dst[l] = fromF32(toF32(xs[l]) - toF32(ys[l]))
			}
		}
	case "mul.f32":
		run = func(dst, xs, ys, _ []uint64, lanes []uint16) {
			for _, l := range lanes {
				dst[l] = fromF32(toF32(xs[l]) * toF32(ys[l]))
			}
		}
	default:
		return
	}
	b.in.run = func(b *block, lanes []uint16) {
		run(b.regs[d], b.regs[rows[0]], b.regs[rows[1]], b.regs[rows[2]], lanes)
	}
}

// quickSum makes the runner of x + y*sign within the bits of a mask; sign is 1 or all ones.
func quickSum(d, x, y int, mask, sign uint64) runner {
	return func(b *block, lanes []uint16) {
		dst, xs, ys := b.regs[d], b.regs[x], b.regs[y]
		for _, l := range lanes {
			dst[l] = (xs[l] + ys[l]*sign) & mask
		}
	}
}

// quickMad makes the runner of x*y + z within the bits of a mask.
func quickMad(d, x, y, z int, mask uint64) runner {
	return func(b *block, lanes []uint16) {
		dst, xs, ys, zs := b.regs[d], b.regs[x], b.regs[y], b.regs[z]
		for _, l := range lanes {
			dst[l] = (xs[l]*ys[l] + zs[l]) & mask
		}
	}
}

// quickCompare replaces the runner of a comparison of integers: as unsigned numbers they order as x<y, once the sign of signed
// ones is turned. le, gt and ge are lt with operands or result turned.
func (b *builder) quickCompare(name string, t dtype, d, x, y int) {
	if !t.integer() {
		return
	}
	turn, flip := uint64(0), uint64(0)
	if t.class == signed {
		turn = 1 << (t.bits() - 1)
	}
	switch name {
	case "lt", "lo":
	case "gt", "hi":
		x, y = y, x
	case "ge", "hs":
		flip = 1
	case "le", "ls":
		x, y, flip = y, x, 1
	case "ne":
		flip = 1
		fallthrough
	default:
		b.in.run = func(b *block, lanes []uint16) {
			dst, xs, ys := b.regs[d], b.regs[x], b.regs[y]
			for _, l := range lanes {
				dst[l] = boolean(xs[l] == ys[l]) ^ flip
			}
		}
		return
	}
	b.in.run = func(b *block, lanes []uint16) {
		dst, xs, ys := b.regs[d], b.regs[x], b.regs[y]
		for _, l := range lanes {
			dst[l] = boolean(xs[l]^turn < ys[l]^turn) ^ flip
		}
	}
}
