package ptx

import (
	"fmt"
	"math"
	"strconv"

	"github.com/darray-go/darray/array"
)

// class is the size of a register. Registers have no type: one of n bits serves every instruction over n bits, so that
// seeing a float's bits as an integer takes none.
type class uint8

const (
	truth class = iota // a predicate
	half               // 32 bits: what is smaller too, extended by its type's sign
	word               // 64 bits
)

// classes are how PTX declares a class, and how its registers are called.
var classes = [...]struct{ declares, name string }{truth: {".pred", "%p"}, half: {".b32", "%r"}, word: {".b64", "%rd"}}

// classOf is the class of an element in a register.
func classOf(d array.DType) class {
	switch {
	case d == array.Bool:
		return truth
	case d.Size() == 8:
		return word
	}
	return half
}

// asm is the text of an entry under construction: head is done once by a thread, body over and over. A register is written
// once, but where a loop or a branch says so.
type asm struct {
	head, body []byte
	out        *[]byte // head or body
	registers  [3]int
	labels     int
	params     []Param
	loaded     map[Param]string // parameters in registers, literals aside
	tables     []table
}

// table is read-only words of the module.
type table struct {
	name  string
	words []uint64
	at    string // the register with its address
}

// once has f write what is done once by a thread.
func (a *asm) once(f func()) {
	before := a.out
	a.out = &a.head
	f()
	a.out = before
}

// do writes one instruction.
func (a *asm) do(instruction string, operands ...string) {
	b := append(*a.out, '\t')
	b = append(b, instruction...)
	for i, o := range operands {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, ' ')
		b = append(b, o...)
	}
	*a.out = append(b, ";\n"...)
}

// when writes one instruction for threads where a predicate holds, "!%p1" being that it does not; for all where it is "".
func (a *asm) when(predicate, instruction string, operands ...string) {
	if predicate != "" {
		instruction = "@" + predicate + " " + instruction
	}
	a.do(instruction, operands...)
}

// note writes a line of comment.
func (a *asm) note(text string) {
	*a.out = append(append(append(*a.out, "\t// "...), text...), '\n')
}

// fresh is a new register.
func (a *asm) fresh(c class) string {
	a.registers[c]++
	return classes[c].name + strconv.Itoa(a.registers[c])
}

// in writes an instruction whose result is a new register of a class, which it gives.
func (a *asm) in(c class, instruction string, operands ...string) string {
	to := a.fresh(c)
	b := append(*a.out, '\t')
	b = append(b, instruction...)
	b = append(b, ' ')
	b = append(b, to...)
	for _, o := range operands {
		b = append(b, ',', ' ')
		b = append(b, o...)
	}
	*a.out = append(b, ";\n"...)
	return to
}

func (a *asm) truth(instruction string, operands ...string) string {
	return a.in(truth, instruction, operands...)
}

func (a *asm) half(instruction string, operands ...string) string {
	return a.in(half, instruction, operands...)
}

func (a *asm) word(instruction string, operands ...string) string {
	return a.in(word, instruction, operands...)
}

// label is a name to jump to; at puts it.
func (a *asm) label(name string) string {
	a.labels++
	return "$" + name + strconv.Itoa(a.labels)
}

func (a *asm) at(label string) {
	*a.out = append(append(*a.out, label...), ":\n"...)
}

// param is a parameter in a register, which is loaded once.
func (a *asm) param(kind ParamKind, index int) string {
	key := Param{Kind: kind, Index: index}
	to, ok := a.loaded[key]
	if !ok {
		to = a.load(key)
		a.loaded[key] = to
	}
	return to
}

// literal is a number in a register of which the text knows nothing; equal ones are not joined, as that would tell.
func (a *asm) literal(value uint64) string { return a.load(Param{Kind: Literal, Value: value}) }

func (a *asm) load(p Param) (to string) {
	a.once(func() { to = a.word("ld.param.u64", fmt.Sprintf("[%s_%d]", entry, len(a.params))) })
	a.params = append(a.params, p)
	return to
}

// immediate is a number as an operand.
func immediate(i int) string { return strconv.Itoa(i) }

// float64Of and float32Of are floats as operands.
func float64Of(x float64) string { return fmt.Sprintf("0d%016X", math.Float64bits(x)) }

func float32Of(x float32) string { return fmt.Sprintf("0f%08X", math.Float32bits(x)) }

// floatOf is a float of type d as an operand.
func floatOf(d array.DType, x float64) string {
	if d == array.Float32 {
		return float32Of(float32(x))
	}
	return float64Of(x)
}

// typed is an instruction with the type that it computes elements of d in, as in "add.s32".
func typed(instruction string, d array.DType) string { return instruction + "." + kind(d) }

// kind is PTX's name of the type of an element in a register.
func kind(d array.DType) string {
	switch d {
	case array.Float32:
		return "f32"
	case array.Float64:
		return "f64"
	case array.Int64:
		return "s64"
	case array.Uint64:
		return "u64"
	case array.Bool:
		return "pred"
	}
	if d.Signed() {
		return "s32"
	}
	return "u32"
}

// untyped is PTX's name of as many bits as an element in a register has.
func untyped(d array.DType) string {
	switch classOf(d) {
	case word:
		return "b64"
	case half:
		return "b32"
	}
	return "pred"
}

// moved is PTX's name of the type that an element is moved or selected as: that of a float's numbers, else bits.
func moved(d array.DType) string {
	if d.Float() {
		return kind(d)
	}
	return untyped(d)
}

// text is the module.
func (a *asm) text(comment string, threads int) string {
	var b []byte
	put := func(format string, args ...any) { b = fmt.Appendf(b, format, args...) }
	b = make([]byte, 0, len(a.head)+len(a.body)+4096)
	put("// %s\n.version %s\n.target %s\n.address_size 64\n", comment, Version, Target)
	for _, t := range a.tables {
		put("\n.global .align 8 .u64 %s[%d] = {", t.name, len(t.words))
		for i, w := range t.words {
			if i > 0 {
				b = append(b, ',')
			}
			if i%4 == 0 {
				b = append(b, "\n\t"...)
			}
			put("0x%016X", w)
		}
		put("};\n")
	}
	put("\n.visible .entry %s(", entry)
	for i := range a.params {
		if i > 0 {
			b = append(b, ',')
		}
		put("\n\t.param .u64 %s_%d", entry, i)
	}
	put("\n)\n.maxntid %d, 1, 1\n{\n", threads)
	for c, n := range a.registers {
		if n > 0 {
			put("\t.reg %s %s<%d>;\n", classes[c].declares, classes[c].name, n+1)
		}
	}
	b = append(append(b, '\n'), a.head...)
	b = append(b, a.body...)
	return string(append(b, "}\n"...))
}
