package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/darray-go/darray/array"
)

// kind is a group of element types for which an op has one text and one loop.
type kind struct {
	name   string
	dtypes []array.DType
	text   func(array.Text) string
}

var (
	integers = kind{"int", filter(array.DType.Integer), func(t array.Text) string { return t.Int }}
	floats   = kind{"float", filter(array.DType.Float), func(t array.Text) string { return t.Float }}
	truths   = kind{"bool", []array.DType{array.Bool}, func(t array.Text) string { return words(t.Bool) }}
	kinds    = []kind{integers, floats, truths}
)

func filter(keep func(array.DType) bool) []array.DType {
	var out []array.DType
	for _, d := range array.DTypes() {
		if keep(d) {
			out = append(out, d)
		}
	}
	return out
}

// words turns a text on bools into one on words of eight bools, a byte each.
func words(text string) string {
	text = strings.NewReplacer("==", "^ ones ^", "!=", "^", "&&", "&", "||", "|").Replace(text)
	return regexp.MustCompile(`!(\w)`).ReplaceAllString(text, "(ones ^ $1)")
}

// unroll is how many elements a loop takes at once, and how many lanes the loop over a leaf keeps in registers.
const unroll = 8

// cpuLoops is exec/cpu/zloops.go: for each op and kind one loop over the elements of a chunk, or one over a leaf of a
// reduction, and the tables of them all.
func cpuLoops() string {
	var out, loops, folds strings.Builder
	out.WriteString(header + "package cpu\n\nimport (\n\"math\"\n\n\"github.com/darray-go/darray/array\"\n)\n")
	for _, op := range array.Ops() {
		row, table := elementLoop, &loops
		if op.IsReduction() {
			row, table = leafLoop, &folds
		}
		var entries []string
		for _, k := range kinds {
			if text := k.text(op.Info().Go); text != "" {
				out.WriteString("\n" + row(op, k, text))
				entries = append(entries, tableEntries(op, k)...)
			}
		}
		if len(entries) > 0 {
			fmt.Fprintf(table, "array.%s: {%s},\n", op.Info().Func, strings.Join(entries, ", "))
		}
	}
	fmt.Fprintf(&out, "\n// loops are the element-wise loops by op and by the type that they compute in; nil where the op is not defined.\n"+
		"var loops = [...][array.Float64 + 1]loop{\n%s}\n", loops.String())
	fmt.Fprintf(&out, "\n// folds are the loops over a leaf by reduction and the operand's type.\n"+
		"var folds = [...][array.Float64 + 1]fold{\n%s}\n", folds.String())
	return out.String()
}

// tableEntries lists the instantiations of a loop: "array.Int8: addInt[int8]".
func tableEntries(op array.Op, k kind) []string {
	var out []string
	for _, d := range k.dtypes {
		if op.Info().Rule == array.RuleSum && d.Integer() && d.Size() < 8 {
			continue // its operand has been cast to 64 bits
		}
		dtype := strings.ToUpper(d.String()[:1]) + d.String()[1:]
		if d == array.Bool {
			out = append(out, fmt.Sprintf("array.%s: %s", dtype, loopName(op, k)))
			continue
		}
		out = append(out, fmt.Sprintf("array.%s: %s[%s]", dtype, loopName(op, k), d))
	}
	return out
}

// loopName is intAdd, floatAdd, boolAdd.
func loopName(op array.Op, k kind) string {
	return k.name + op.Info().Func
}

// elementLoop is the loop of an element-wise op, a window of elements at a time: twice as fast as one by one. The operands
// are loaded before the expression, so that the compiler needs no branch for it. Bools go by words of eight.
func elementLoop(op array.Op, k kind, text string) string {
	name := loopName(op, k)
	operands, views, load, last := "x, y", "a, b := array.View[%[1]s](x)[:len(d)], array.View[%[1]s](y)[:len(d)]\n", "x, y %s p[%d], q[%[2]d]\n", "a[i], b[i]"
	windows := "r, p, q := (*[%[1]d]%[2]s)(d[i:]), (*[%[1]d]%[3]s)(a[i:]), (*[%[1]d]%[3]s)(b[i:])\n"
	if op.Info().Arity == 1 {
		operands, views, load, last = "x, _", "a := array.View[%[1]s](x)[:len(d)]\n", "x %s p[%d]\n", "a[i]"
		windows = "r, p := (*[%[1]d]%[2]s)(d[i:]), (*[%[1]d]%[3]s)(a[i:])\n"
	}
	element, result := "T", "array.View[T](dst)"
	if k.name == truths.name {
		element, result = "uint64", "array.View[uint64](dst)"
	}
	stored, value := element, text
	if op.Info().Rule == array.RuleCompare && k.name != truths.name {
		stored, value, result = "byte", "truth("+text+")", "dst[:len(array.View[T](x))]" // dst is padded to whole words
	}
	var out strings.Builder
	fmt.Fprintf(&out, "// %s is dst[i] = %s.\nfunc %[1]s%[3]s(dst, %[4]s []byte) {\nd := %[5]s\n", name, text, constraints[k.name], operands, result)
	fmt.Fprintf(&out, views, element)
	fmt.Fprintf(&out, "i := 0\nfor ; i <= len(d)-%d; i += %[1]d {\n", unroll)
	fmt.Fprintf(&out, windows, unroll, stored, element)
	for l := range unroll {
		assign := "="
		if l == 0 {
			assign = ":="
		}
		fmt.Fprintf(&out, load+"r[%[2]d] = %[3]s\n", assign, l, value)
	}
	fmt.Fprintf(&out, "}\nfor ; i < len(d); i++ {\n%s := %s\nd[i] = %s\n}\n}\n", strings.TrimSuffix(operands, ", _"), last, value)
	return out.String()
}

// constraints are the type parameters of the loops by kind.
var constraints = map[string]string{integers.name: "[T integer]", floats.name: "[T float]"}

// leafLoop is the loop of a reduction over one leaf, as array/tree.go lays it down: lanes, then pairs of lanes.
func leafLoop(op array.Op, k kind, text string) string {
	name := loopName(op, k)
	if k.name == truths.name { // the same in any order
		return fmt.Sprintf("// %s joins the elements of a leaf by %s.\nfunc %s(leaf []byte, identity uint64) uint64 {\n"+
			"x := uint8(identity)\nfor _, y := range leaf {\nx = %s\n}\nreturn uint64(x)\n}\n", name, text, name, text)
	}
	acc, start, bits := "T", "T(identity)", "uint64(lanes[0])"
	if k.name == floats.name {
		start, bits = "T(math.Float64frombits(identity))", "math.Float64bits(float64(lanes[0]))"
		if op.Info().Rule != array.RuleSame {
			acc, start = "float64", "math.Float64frombits(identity)"
		}
	}
	var lanes, joins []string
	for l := range unroll {
		lane := fmt.Sprintf("a%d", l)
		value := fmt.Sprintf("v[%d]", l)
		if acc != "T" {
			value = acc + "(" + value + ")"
		}
		lanes = append(lanes, lane)
		joins = append(joins, lane+" = "+operandsAs(text, lane, value))
	}
	list := strings.Join(lanes, ", ")
	last := "v"
	if acc != "T" {
		last = acc + "(v)"
	}
	return fmt.Sprintf(`// %[1]s joins the elements of a leaf by %[2]s.
func %[1]s%[3]s(leaf []byte, identity uint64) uint64 {
	xs := array.View[T](leaf)
	whole := len(xs) &^ (array.Lanes - 1)
	var lanes [array.Lanes]%[4]s
	for l := range lanes {
		lanes[l] = %[5]s
	}
	for l := 0; l < array.Lanes && whole > 0; l += %[6]d {
		s := (*[%[6]d]%[4]s)(lanes[l:])
		%[7]s := s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]
		for i := l; i < whole; i += array.Lanes {
			v := (*[%[6]d]T)(xs[i:])
			%[8]s
		}
		*s = [%[6]d]%[4]s{%[7]s}
	}
	for l, v := range xs[whole:] {
		lanes[l] = %[9]s
	}
	for w := array.Lanes / 2; w > 0; w /= 2 {
		for l := range w {
			lanes[l] = %[10]s
		}
	}
	return %[11]s
}
`, name, text, constraints[k.name], acc, start, unroll, list, strings.Join(joins, "\n"),
		operandsAs(text, "lanes[l]", last), operandsAs(text, "lanes[l]", "lanes[l+w]"), bits)
}

// operandsAs puts other expressions in the place of x and y.
func operandsAs(text, x, y string) string {
	return regexp.MustCompile(`\b[xy]\b`).ReplaceAllStringFunc(text, func(name string) string {
		if name == "x" {
			return x
		}
		return y
	})
}
