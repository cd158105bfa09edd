package cpu

import "github.com/darray-go/darray/array"

// unsigned are the types for moving elements of their size.
type unsigned interface {
	uint8 | uint16 | uint32 | uint64
}

// bySize picks the instance of a loop that only moves elements.
func bySize[F any](d array.DType, f8, f16, f32, f64 F) F {
	switch d.Size() {
	case 1:
		return f8
	case 2:
		return f16
	case 4:
		return f32
	}
	return f64
}

// fill repeats a cell.
func (w *worker) fill(s *step) {
	dst, bits := w.mem[s.dst], array.View[uint64](w.mem[s.x])[0]
	p := w.code.places[s.dst]
	if p.bitmap() {
		repeat(array.View[uint64](dst)[:min(len(dst)/8, (w.n+63)/64)], bits)
		return
	}
	switch p.dtype.Size() {
	case 1:
		repeat(dst[:w.n], uint8(bits))
	case 2:
		repeat(array.View[uint16](dst)[:w.n], uint16(bits))
	case 4:
		repeat(array.View[uint32](dst)[:w.n], uint32(bits))
	case 8:
		repeat(array.View[uint64](dst)[:w.n], bits)
	}
}

// repeat fills a slice with one value, by doubling.
func repeat[T any](dst []T, v T) {
	if len(dst) == 0 {
		return
	}
	dst[0] = v
	for done := 1; done < len(dst); done *= 2 {
		copy(dst[done:], dst[:done])
	}
}

// count is start + i*step by the global index i.
func (w *worker) count(s *step) {
	dst, at := w.mem[s.dst], w.run.lo+w.at
	start, by := s.input.Value, s.input.Step
	switch d := s.input.DType; {
	case d == array.Float32:
		ramp(array.View[float32](dst)[:w.n], start.Float(), by.Float(), at)
	case d == array.Float64:
		ramp(array.View[float64](dst)[:w.n], start.Float(), by.Float(), at)
	case d.Size() == 1:
		sequence(dst[:w.n], start.Bits(), by.Bits(), at)
	case d.Size() == 2:
		sequence(array.View[uint16](dst)[:w.n], start.Bits(), by.Bits(), at)
	case d.Size() == 4:
		sequence(array.View[uint32](dst)[:w.n], start.Bits(), by.Bits(), at)
	default:
		sequence(array.View[uint64](dst)[:w.n], start.Bits(), by.Bits(), at)
	}
}

// sequence is d[i] = start + (at+i)*step; it wraps, which is the same for signed and unsigned integers.
func sequence[T unsigned](d []T, start, step uint64, at int) {
	value := T(start) + T(at)*T(step)
	for i := range d {
		d[i] = value
		value += T(step)
	}
}

// ramp is d[i] = start + (at+i)*step in float64, the product rounded before the sum.
func ramp[T float32 | float64](d []T, start, step float64, at int) {
	for i := range d {
		d[i] = T(start + float64(float64(at+i)*step))
	}
}

// axes are those of a domain with the steps through an operand, from the last axis to the first, as few as give the same
// elements.
type axes struct{ extents, strides []int }

// collapse joins neighbouring axes that one stride goes through.
func collapse(domain array.Shape, strides []int) axes {
	var a axes
	for i := len(domain) - 1; i >= 0; i-- {
		last := len(a.extents) - 1
		switch {
		case domain[i] == 1:
		case last >= 0 && strides[i] == a.strides[last]*a.extents[last]:
			a.extents[last] *= domain[i]
		default:
			a.extents, a.strides = append(a.extents, domain[i]), append(a.strides, strides[i])
		}
	}
	return a
}

// constant reports whether every element of the domain picks the operand's first.
func (a axes) constant() bool {
	return len(a.extents) == 0 || len(a.extents) == 1 && a.strides[0] == 0
}

// runs visits n elements of the domain from the flat index at on, in runs along the last axis: elements lo to hi of the
// tile are those of the operand from index from on, in steps of stride.
func (a axes) runs(at, n int, visit func(lo, hi, from, stride int)) {
	var indexes [64]int // no array has more axes
	index, from := indexes[:len(a.extents)], 0
	for i, extent := range a.extents {
		index[i] = at % extent
		from += index[i] * a.strides[i]
		at /= extent
	}
	for lo := 0; lo < n; {
		hi := min(n, lo+a.extents[0]-index[0])
		visit(lo, hi, from, a.strides[0])
		index[0] += hi - lo
		from += (hi - lo) * a.strides[0]
		lo = hi
		for i := 0; i < len(index)-1 && index[i] == a.extents[i]; i++ { // carry
			from += a.strides[i+1] - a.extents[i]*a.strides[i]
			index[i], index[i+1] = 0, index[i+1]+1
		}
	}
}

// gather takes the elements of an operand that the domain's tile picks.
func (w *worker) gather(s *step) {
	values, _, offset := w.run.launch.Operands[s.input.Slot].Raw()
	d := s.input.DType
	bySize(d, pick[uint8], pick[uint16], pick[uint32], pick[uint64])(w.mem[s.dst], values[offset*d.Size():], s.axes, w.run.lo+w.at, w.n)
}

func pick[T unsigned](dst, values []byte, a axes, at, n int) {
	d, x := array.View[T](dst), array.View[T](values)
	a.runs(at, n, func(lo, hi, from, stride int) {
		switch stride {
		case 0:
			repeat(d[lo:hi], x[from])
		case 1:
			copy(d[lo:hi], x[from:])
		default:
			for i := lo; i < hi; i++ {
				d[i] = x[from]
				from += stride
			}
		}
	})
}

// gatherBits is gather for bools.
func (w *worker) gatherBits(s *step) {
	values, _, offset := w.run.launch.Operands[s.input.Slot].Raw()
	pickBits(w.mem[s.dst], values, offset, s.axes, w.run.lo+w.at, w.n)
}

// gatherValidity is gather for validity.
func (w *worker) gatherValidity(s *step) {
	_, validity, offset := w.run.launch.Operands[s.input.Slot].Raw()
	pickBits(w.mem[s.dst], validity, offset, s.axes, w.run.lo+w.at, w.n)
}

func pickBits(dst, bitmap []byte, offset int, a axes, at, n int) {
	words := array.View[uint64](dst)[:(n+63)/64]
	clear(words)
	a.runs(at, n, func(lo, hi, from, stride int) {
		from += offset
		for i := lo; i < hi; i++ {
			words[i/64] |= uint64(bitmap[from>>3]>>(from&7)&1) << (i % 64)
			from += stride
		}
	})
}
