package ptx

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/darray-go/darray/array"
)

// derive is what f writes, once for a slot (or in a thread, for slot k.slots) and a name.
func (k *kernel) derive(s int, name string, f func() string) string {
	at, ok := k.derived[s][name]
	if !ok {
		if s == k.slots {
			k.once(func() { at = f() })
		} else {
			at = f()
		}
		k.derived[s][name] = at
	}
	return at
}

// own is the index in the part of the thread's first slot.
func (k *kernel) own() string {
	if k.layout == consecutive {
		return k.first
	}
	return k.derive(0, "own", func() string {
		lane := k.derive(k.slots, "wideLane", func() string { return k.word("cvt.u64.u32", k.lane) })
		return k.word("add.s64", k.first, lane)
	})
}

// behind is how many elements a slot lies behind the thread's first.
func (k *kernel) behind(s int) int {
	if k.layout == consecutive {
		return s
	}
	return s * array.Lanes
}

// element is the index in the part of a slot's element, which may lie behind the part's end.
func (k *kernel) element(s int) string {
	if s == 0 {
		return k.own()
	}
	return k.derive(s, "element", func() string { return k.word("add.s64", k.own(), immediate(k.behind(s))) })
}

// laneOf is where a striped slot's element stands among those of its warp.
func (k *kernel) laneOf(s int) string {
	if s == 0 {
		return k.lane
	}
	return k.derive(k.slots, fmt.Sprint("lane", s), func() string { return k.half("add.s32", k.lane, immediate(k.behind(s))) })
}

// left is how many elements the warp has, at most all of its slots.
func (k *kernel) left() string {
	return k.derive(0, "left", func() string {
		rest := k.word("sub.s64", k.param(Count, 0), k.first)
		return k.half("cvt.u32.u64", k.word("min.u64", rest, immediate(k.slots*array.Lanes)))
	})
}

// inside is whether a slot's element lies in the part; "" where it always does.
func (k *kernel) inside(s int) string {
	switch {
	case k.layout != consecutive:
		return k.derive(s, "inside", func() string { return k.truth("setp.lt.u32", k.laneOf(s), k.left()) })
	case s == 0:
		return ""
	}
	return k.derive(s, "inside", func() string { return k.truth("setp.lt.u64", k.element(s), k.param(Count, 0)) })
}

// position is the flat index in the domain of a slot's element.
func (k *kernel) position(s int) string {
	first := k.param(First, 0)
	return k.derive(s, "position", func() string { return k.word("add.s64", first, k.element(s)) })
}

// of is the address of the thread's first element in a buffer of numbers; other slots' are so many bytes on.
func (k *kernel) of(base string, size int) string {
	bytes := k.own()
	if size > 1 {
		bytes = k.derive(0, fmt.Sprint("bytes", size), func() string { return k.word("shl.b64", k.own(), immediate(shiftOf(size))) })
	}
	return k.derive(0, "of"+base, func() string { return k.word("add.s64", base, bytes) })
}

// slotAt is an operand that addresses a slot's element, the first slot's being at an address.
func (k *kernel) slotAt(at string, s, size int) string { return place(at, k.behind(s)*size) }

// place is an operand that addresses memory some bytes behind an address.
func place(at string, bytes int) string {
	if bytes == 0 {
		return "[" + at + "]"
	}
	return "[" + at + "+" + immediate(bytes) + "]"
}

func shiftOf(size int) int { return bits.TrailingZeros(uint(size)) }

// memory is the type that a load extends an element by, as registers have it.
func memory(d array.DType) string {
	sign := "u"
	if d.Signed() && d.Size() < 4 {
		sign = "s"
	}
	return sign + immediate(8*d.Size())
}

// read loads into a new register what lies at a place, in threads where the predicate holds; 0 in others.
func (k *kernel) read(predicate string, c class, kind, from string) string {
	if predicate == "" {
		return k.in(c, "ld.global.nc."+kind, from)
	}
	to := k.in(c, map[class]string{half: "mov.b32", word: "mov.b64"}[c], "0")
	k.when(predicate, "ld.global.nc."+kind, to, from)
	return to
}

// operand loads elements of a block.
func (k *kernel) operand(at, s int) {
	v := &k.graph.values[at]
	base := k.param(Values, v.input)
	switch {
	case v.out == array.Bool:
		k.regs[s][at] = k.ownBit(base, k.param(ValuesBit, v.input), s)
	case k.vector && k.form.aligned(v.input):
		for s, r := range k.loadVector(v.out, k.of(base, v.out.Size())) {
			k.regs[s][at] = r
		}
	default:
		from := k.slotAt(k.of(base, v.out.Size()), s, v.out.Size())
		k.regs[s][at] = k.read(k.inside(s), classOf(v.out), memory(v.out), from)
	}
}

// ownBit is the bit of a slot's element in a bitmap. The slots of a stripe lie 32 bits apart, so that they differ by whole
// bytes: the address and which bit of its byte it is are found once.
func (k *kernel) ownBit(base, start string, s int) string {
	bit := k.derive(0, "bit"+start, func() string { return k.word("add.s64", start, k.own()) })
	octet := k.derive(0, "octet"+base, func() string { return k.word("add.s64", base, k.word("shr.u64", bit, "3")) })
	mask := k.derive(0, "mask"+start, func() string { return k.mask(bit) })
	read := k.read(k.inside(s), half, "u8", place(octet, k.behind(s)/8))
	return k.truth("setp.ne.s32", k.half("and.b32", read, mask), "0")
}

// mask is the bit of a byte that a bit's number in a bitmap stands for.
func (k *kernel) mask(bit string) string {
	one := k.derive(k.slots, "one", func() string { return k.half("mov.u32", "1") })
	return k.half("shl.b32", one, k.half("and.b32", k.half("cvt.u32.u64", bit), "7"))
}

// bit is a bit of a bitmap by its number, in threads where the predicate holds.
func (k *kernel) bit(predicate, base, bit string) string {
	octet := k.word("add.s64", base, k.word("shr.u64", bit, "3"))
	return k.truth("setp.ne.s32", k.half("and.b32", k.read(predicate, half, "u8", place(octet, 0)), k.mask(bit)), "0")
}

// gather loads the element of an operand that is picked, by its index, where the slot's element lies in the part; the first
// element where the index is "".
func (k *kernel) gather(v *value, index string, s int) string {
	slot, d, inside := v.input, v.out, ""
	if index != "" {
		slot, inside = k.graph.program.Inputs[v.input].Slot, k.inside(s)
	}
	from, start := Values, ValuesBit
	if v.from == gatheredOK || v.from == singleOK {
		from, start = Validity, ValidityBit
	}
	at := k.param(from, slot)
	if d == array.Bool {
		bit := k.param(start, slot)
		if index != "" {
			bit = k.word("add.s64", bit, index)
		}
		return k.bit(inside, at, bit)
	}
	if index != "" && d.Size() > 1 {
		index = k.word("shl.b64", index, immediate(shiftOf(d.Size())))
	}
	if index != "" {
		at = k.word("add.s64", at, index)
	}
	return k.read(inside, classOf(d), memory(d), place(at, 0))
}

// constant is a number that the text does not know.
func (k *kernel) constant(value array.Scalar) string {
	number := value.Bits()
	if value.DType() == array.Float32 {
		number = uint64(math.Float32bits(float32(value.Float())))
	}
	at := k.literal(number)
	switch classOf(value.DType()) {
	case truth:
		return k.truth("setp.ne.s64", at, "0")
	case half:
		return k.half("cvt.u32.u64", at)
	}
	return at
}

// count is start + i*step of input r at a position: integers wrap, floats multiply and add in float64, each rounded.
func (k *kernel) count(r int, position string) string {
	in := &k.graph.program.Inputs[r]
	d := in.DType
	number := func(name string, x array.Scalar) string {
		return k.derive(k.slots, fmt.Sprint(name, r), func() string {
			if d.Float() {
				return k.literal(math.Float64bits(x.Float()))
			}
			return k.constant(x)
		})
	}
	start, step := number("start", in.Value), number("step", in.Step)
	switch {
	case d.Float():
		product := k.word("mul.rn.f64", k.word("cvt.rn.f64.s64", position), step)
		sum := k.word("add.rn.f64", product, start)
		if d == array.Float32 {
			return k.half("cvt.rn.f32.f64", sum)
		}
		return sum
	case d.Size() == 8:
		return k.word("mad.lo.s64", position, step, start)
	}
	return k.wrap(d, k.half("mad.lo.s32", k.half("cvt.u32.u64", position), step, start))
}
