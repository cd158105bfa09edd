package cpu

import (
	"github.com/darray-go/darray/array"
)

// constant fills a slot with the input's value.
func (w *worker) constant(s *step) {
	w.data[s.dst], w.mask[s.dst] = w.own(s.dst, s.dtype), nil
	fill(w.data[s.dst], s.input.Value)
}

// constantOperand fills a slot with the operand's one element that the strides come to.
func (w *worker) constantOperand(s *step) {
	w.data[s.dst], w.mask[s.dst] = w.own(s.dst, s.dtype), nil
	if w.n == 0 {
		return
	}
	value, ok := w.launch.Operands[s.input.Slot].Scalar(0)
	if !ok {
		w.masks[s.dst] = mask{}
		w.mask[s.dst] = &w.masks[s.dst]
	}
	fill(w.data[s.dst], value)
}

// block takes the chunk's elements of an operand where they lie; bools are unpacked.
func (w *worker) block(s *step) {
	b := w.launch.Operands[s.input.Slot]
	values, validity, offset := b.Raw()
	if s.dtype == array.Bool {
		w.data[s.dst] = w.own(s.dst, s.dtype)
		w.bits.load(values, offset+w.at, w.n)
		w.bits.unpack(w.data[s.dst])
	} else {
		w.data[s.dst] = w.slice(b, s.dtype)
	}
	if w.mask[s.dst] = nil; validity != nil {
		w.masks[s.dst].load(validity, offset+w.at, w.n)
		w.mask[s.dst] = &w.masks[s.dst]
	}
}

// iota counts: start + i*step by the global index i.
func (w *worker) iota(s *step) {
	dst := w.target(s)
	at := w.launch.Lo + w.at
	start, by := s.input.Value, s.input.Step
	switch s.dtype.Size() {
	case 1:
		count[uint8](dst, start.Bits(), by.Bits(), at)
	case 2:
		count[uint16](dst, start.Bits(), by.Bits(), at)
	case 4:
		if s.dtype.Float() {
			ramp[float32](dst, start.Float(), by.Float(), at)
		} else {
			count[uint32](dst, start.Bits(), by.Bits(), at)
		}
	case 8:
		if s.dtype.Float() {
			ramp[float64](dst, start.Float(), by.Float(), at)
		} else {
			count[uint64](dst, start.Bits(), by.Bits(), at)
		}
	}
	w.data[s.dst], w.mask[s.dst] = dst, nil
}

// count is dst[i] = start + (at+i)*step; it wraps, which is the same for signed and unsigned integers.
func count[T unsigned](dst []byte, start, step uint64, at int) {
	d := array.View[T](dst)
	value := T(start) + T(at)*T(step)
	for i := range d {
		d[i] = value
		value += T(step)
	}
}

// ramp is dst[i] = start + (at+i)*step in float64, the product rounded before the sum.
func ramp[T float](dst []byte, start, step float64, at int) {
	d := array.View[T](dst)
	for i := range d {
		d[i] = T(start + float64(float64(at+i)*step))
	}
}

// fill repeats a value of the register's own type.
func fill(dst []byte, v array.Scalar) {
	switch bits := elementBits(v); v.DType().Size() {
	case 1:
		repeat(dst, uint8(bits))
	case 2:
		repeat(array.View[uint16](dst), uint16(bits))
	case 4:
		repeat(array.View[uint32](dst), uint32(bits))
	case 8:
		repeat(array.View[uint64](dst), bits)
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
// chunk are those of the operand from index from on, in steps of stride.
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

// broadcast gathers the elements of an operand that the domain's chunk picks.
func (w *worker) broadcast(s *step) {
	values, validity, offset := w.launch.Operands[s.input.Slot].Raw()
	dst := w.target(s)
	w.data[s.dst], w.mask[s.dst] = dst, nil
	at := w.launch.Lo + w.at
	if s.dtype == array.Bool {
		gatherBits(dst, values, offset, s.axes, at, w.n)
	} else {
		bySize(s.dtype, gather[uint8], gather[uint16], gather[uint32], gather[uint64])(dst, values[offset*s.dtype.Size():], s.axes, at)
	}
	if validity != nil {
		gatherBits(w.scratch, validity, offset, s.axes, at, w.n)
		w.masks[s.dst].pack(w.scratch, w.n)
		w.mask[s.dst] = &w.masks[s.dst]
	}
}

func gather[T unsigned](dst, values []byte, a axes, at int) {
	d, x := array.View[T](dst), array.View[T](values)
	a.runs(at, len(d), func(lo, hi, from, stride int) {
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

// gatherBits gathers bits of a bitmap as bools.
func gatherBits(dst, bitmap []byte, offset int, a axes, at, n int) {
	a.runs(at, n, func(lo, hi, from, stride int) {
		from += offset
		for i := lo; i < hi; i++ {
			dst[i] = bitmap[from>>3] >> (from & 7) & 1
			from += stride
		}
	})
}
