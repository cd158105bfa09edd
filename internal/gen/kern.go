package main

import (
	"fmt"
	"strings"

	"github.com/darray-go/darray/array"
)

// form is a kern.Form: which operands of a loop are single elements.
type form struct {
	name   string
	scalar [3]bool
}

var (
	vv  = form{"VV", [3]bool{}}
	vs  = form{"VS", [3]bool{1: true}}
	sv  = form{"SV", [3]bool{0: true}}
	vsv = form{"VSV", [3]bool{1: true}}
	vvs = form{"VVS", [3]bool{2: true}}
	vss = form{"VSS", [3]bool{1: true, 2: true}}
)

// suffix is the end of a loop's name: nothing for VV.
func (f form) suffix() string {
	if f == vv {
		return ""
	}
	return f.name
}

// loopText is what a loop of exec/cpu/kern is written from.
type loopText struct {
	name, constraint string
	form             form
	operands         string  // "x", "xy", "xyz"
	element          string  // "T", or uint64 where the operands are bitmaps
	bits             [3]bool // operands that are bitmaps beside elements of T
	truth            bool    // the result is a bitmap, and the operands are not
	text             string  // of one element, on x, y and z
}

// fusedTexts are the bodies of kern.Fused. The conversion of the product forbids the compiler to round only once.
var fusedTexts = []struct{ name, text string }{{"MulAdd", "T(x*y) + z"}, {"MulSub", "T(x*y) - z"}, {"NegMulAdd", "z - T(x*y)"}}

// kernLoops is exec/cpu/kern/zloops.go: the element-wise loops in Go and their tables.
func kernLoops() string {
	var out, table strings.Builder
	out.WriteString(header + "package kern\n\nimport (\n\"math\"\n\n\"github.com/darray-go/darray/array\"\n" + libraryImport() + ")\n")
	for _, op := range array.Ops() {
		if op.IsReduction() {
			continue
		}
		var entries []string
		for _, k := range kinds {
			text := k.text(op.Info().Go)
			if text == "" {
				continue
			}
			if text == array.Library {
				entries = append(entries, libraryEntries(op)...)
				continue
			}
			forms := elementForms(op, k)
			for _, f := range forms {
				out.WriteString(elementLoopOf(op, k, f, text).String())
			}
			for _, d := range k.dtypesOf(op) {
				entries = append(entries, tableEntry(d, loopName(op, k), forms))
			}
		}
		if len(entries) > 0 {
			fmt.Fprintf(&table, "array.%s: {%s},\n", op.Info().Func, strings.Join(entries, ", "))
		}
	}
	out.WriteString(libraryLoops())
	fmt.Fprintf(&out, "\n// elements are the loops in Go by op, by the type that they compute in and by form.\n"+
		"var elements = [...][array.Float64 + 1][SV + 1]Loop{\n%s}\n", table.String())

	table.Reset()
	forms := []form{vv, vsv, vvs, vss}
	for _, fused := range fusedTexts {
		var entries []string
		for _, f := range forms {
			out.WriteString(loopText{
				name: "float" + fused.name + f.suffix(), constraint: constraints[floats.name], form: f,
				operands: "xyz", element: "T", text: fused.text,
			}.String())
		}
		for _, d := range floats.dtypes {
			entries = append(entries, tableEntry(d, "float"+fused.name, forms))
		}
		fmt.Fprintf(&table, "%s: {%s},\n", fused.name, strings.Join(entries, ", "))
	}
	fmt.Fprintf(&out, "\n// fusedOps are the loops of fused ops in Go by op, type and form.\n"+
		"var fusedOps = [...][array.Float64 + 1][VSS + 1]Loop{\n%s}\n", table.String())

	for _, f := range forms {
		out.WriteString(loopText{
			name: "where" + f.suffix(), constraint: "[T unsigned]", form: f, operands: "xyz", element: "T",
			bits: [3]bool{true}, text: "z ^ (y^z)&-T(x)",
		}.String())
	}
	return out.String()
}

// elementForms are the forms that an op has in Go: SV only where it is not VS with the operands exchanged, which for a
// comparison is another one; bitmaps have only VV, as an op of a bitmap and one bit is none.
func elementForms(op array.Op, k kind) []form {
	switch {
	case op.Info().Arity == 1 || k.name == truths.name:
		return []form{vv}
	case op.Symmetric() || op.Info().Rule == array.RuleCompare:
		return []form{vv, vs}
	}
	return []form{vv, vs, sv}
}

// tableEntry is the row of a type: "array.Int8: {VV: intAdd[int8], VS: intAddVS[int8]}".
func tableEntry(d array.DType, name string, forms []form) string {
	instance := ""
	if d != array.Bool {
		instance = "[" + d.String() + "]"
	}
	var list []string
	for _, f := range forms {
		list = append(list, fmt.Sprintf("%s: %s%s%s", f.name, name, f.suffix(), instance))
	}
	return fmt.Sprintf("array.%s: {%s}", strings.ToUpper(d.String()[:1])+d.String()[1:], strings.Join(list, ", "))
}

func elementLoopOf(op array.Op, k kind, f form, text string) loopText {
	l := loopText{
		name: loopName(op, k) + f.suffix(), constraint: constraints[k.name], form: f,
		operands: "xyz"[:op.Info().Arity], element: "T", text: text,
		truth: op.Info().Rule.GivesBool() && k.name != truths.name,
	}
	if k.name == truths.name {
		l.element = "uint64"
	}
	return l
}

// String is the loop: a window of elements at a time, twice as fast as one by one. The operands are loaded before the
// expression, so that the compiler needs no branch for it.
func (l loopText) String() string {
	var out strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&out, format, args...) }
	params := [3]string{"_", "_", "_"}
	scalars := ""
	for i, o := range l.operands {
		params[i] = string(o)
		if l.form.scalar[i] {
			scalars += fmt.Sprintf("; %c is one element", o)
		}
	}
	p("\n// %s is dst[i] = %s%s.\nfunc %s%s(dst, %s []byte, n int) {\n", l.name, l.text, scalars, l.name, l.constraint, strings.Join(params[:], ", "))
	if l.element == "uint64" {
		p("n = (n + 63) / 64\n")
	}
	stored := l.element
	if l.truth {
		stored = "byte"
		p("d := dst[:(n+7)/8]\n")
	} else {
		p("d := array.View[%s](dst)[:n]\n", l.element)
	}
	for i, o := range l.operands {
		switch {
		case l.bits[i]:
			p("%cs := %c[:(n+7)/8]\n", o, o)
		case l.form.scalar[i]:
			p("%c0 := array.View[%s](%c)[0]\n", o, l.element, o)
		default:
			p("%cs := array.View[%s](%c)[:n]\n", o, l.element, o)
		}
	}
	p("i := 0\nfor ; i <= n-%d; i += %[1]d {\n", unroll)
	if !l.truth {
		p("r := (*[%d]%s)(d[i:])\n", unroll, stored)
	}
	for i, o := range l.operands {
		switch {
		case l.bits[i]:
			p("%cw := %cs[i/%d]\n", o, o, unroll)
		case !l.form.scalar[i]:
			p("%cw := (*[%d]%s)(%cs[i:])\n", o, unroll, l.element, o)
		}
	}
	for k := range unroll {
		var left, right []string
		for i, o := range l.operands {
			left = append(left, string(o))
			right = append(right, l.load(i, o, fmt.Sprintf("%cw[%d]", o, k), fmt.Sprintf("%cw>>%d&1", o, k)))
		}
		p("%s %s %s\n", strings.Join(left, ", "), []string{":=", "="}[min(k, 1)], strings.Join(right, ", "))
		switch {
		case !l.truth:
			p("r[%d] = %s\n", k, l.text)
		case k == 0:
			p("w := truth(%s)\n", l.text)
		default:
			p("w |= truth(%s) << %d\n", l.text, k)
		}
	}
	if l.truth {
		p("d[i/8] = w\n")
	}
	p("}\n")
	if l.truth {
		p("if i == n {\nreturn\n}\nw, at := byte(0), i/8\n")
	}
	p("for ; i < n; i++ {\n")
	var left, right []string
	for i, o := range l.operands {
		left = append(left, string(o))
		right = append(right, l.load(i, o, string(o)+"s[i]", fmt.Sprintf("%cs[i/8]>>(i%%8)&1", o)))
	}
	p("%s := %s\n", strings.Join(left, ", "), strings.Join(right, ", "))
	if l.truth {
		p("w |= truth(%s) << (i %% 8)\n}\nd[at] = w\n}\n", l.text)
	} else {
		p("d[i] = %s\n}\n}\n", l.text)
	}
	return out.String()
}

// load is the expression of operand i: the one element, a bit or an element.
func (l loopText) load(i int, o rune, element, bit string) string {
	switch {
	case l.bits[i]:
		return bit
	case l.form.scalar[i]:
		return string(o) + "0"
	}
	return element
}
