package main

import (
	"fmt"
	"strings"

	"github.com/darray-go/darray/array"
)

// foldOf is a kern.FoldOf: what is joined of elements, and the types that have it for sums.
type foldOf struct {
	name   string
	text   string // of an element v and its partner w
	dtypes []array.DType
}

// foldOfs are those beside OfX. The conversions round the product and keep the compiler from joining it to the sum.
var foldOfs = []foldOf{
	{"OfProduct", "T(v*w)", floats.dtypes},
	{"OfSquare", "T(v*v)", floats.dtypes},
	{"OfDeviation", "T((v-w)*(v-w))", []array.DType{array.Float64}},
}

// kernFolds is exec/cpu/kern/zfolds.go: the folds in Go and their table.
func kernFolds() string {
	var out, table strings.Builder
	out.WriteString(header + "package kern\n\nimport \"github.com/darray-go/darray/array\"\n")
	for _, op := range array.Ops() {
		if !op.IsReduction() || op == array.Mean { // which folds as sum
			continue
		}
		var entries []string
		for _, k := range kinds {
			text := k.text(op.Info().Go)
			if text == "" || k.name == truths.name { // bitmaps are folded by hand
				continue
			}
			out.WriteString(foldLoop(op, k, foldOf{name: "OfX", text: "v"}, text))
			more := k.name == floats.name && op == array.Sum
			for _, of := range foldOfs {
				if more {
					out.WriteString(foldLoop(op, k, of, text))
				}
			}
			for _, d := range k.dtypes {
				if op.Info().Rule == array.RuleSum && d.Integer() && d.Size() < 8 {
					continue // its operand has been cast to 64 bits
				}
				list := []string{fmt.Sprintf("OfX: %s[%s]", loopName(op, k), d)}
				for _, of := range foldOfs {
					for _, with := range of.dtypes {
						if more && with == d {
							list = append(list, fmt.Sprintf("%[1]s: %[2]s%[1]s[%[3]s]", of.name, loopName(op, k), d))
						}
					}
				}
				entries = append(entries, fmt.Sprintf("array.%s: {%s}", strings.ToUpper(d.String()[:1])+d.String()[1:], strings.Join(list, ", ")))
			}
		}
		if len(entries) > 0 {
			fmt.Fprintf(&table, "array.%s: {%s},\n", op.Info().Func, strings.Join(entries, ", "))
		}
	}
	fmt.Fprintf(&out, "\n// folds are the folds in Go by reduction, the elements' type and what is joined.\n"+
		"var folds = [...][array.Float64 + 1][OfDeviation + 1]Fold{\n%s}\n", table.String())
	return out.String()
}

// foldLoop is the loop of a reduction over elements of a leaf: a few lanes at a time, so that they stay in registers.
func foldLoop(op array.Op, k kind, of foldOf, text string) string {
	name, constraint := loopName(op, k), constraints[k.name]
	acc := "T"
	if k.name == floats.name && op.Info().Rule != array.RuleSame {
		acc = "float64"
	}
	partner, views, window := "_", "", ""
	switch of.name {
	case "OfProduct":
		partner, views, window = "y", "ys := array.View[T](y)[:n]\n", fmt.Sprintf("w := (*[%d]T)(ys[i:])\n", unroll)
	case "OfDeviation":
		partner, views = "y", "w := array.View[T](y)[0]\n"
	}
	value := func(v, w string) string {
		text := strings.NewReplacer("v", v, "w", w).Replace(of.text)
		if acc != "T" {
			text = acc + "(" + text + ")"
		}
		return text
	}
	if of.name != "OfX" {
		name += of.name
	}
	var lanes, joins []string
	for l := range unroll {
		lane, w := fmt.Sprintf("a%d", l), fmt.Sprintf("w[%d]", l)
		if of.name == "OfDeviation" {
			w = "w"
		}
		lanes = append(lanes, lane)
		joins = append(joins, lane+" = "+operandsAs(text, lane, value(fmt.Sprintf("v[%d]", l), w)))
	}
	last := "w"
	if of.name == "OfProduct" {
		last = "ys[i]"
	}
	list := strings.Join(lanes, ", ")
	return fmt.Sprintf(`
// %[1]s joins %[2]s to its lane by %[3]s.
func %[1]s%[4]s(s *State, x, %[5]s []byte, n int) {
	lanes := array.View[%[6]s](array.Bytes(s[:]))[:array.Lanes]
	xs := array.View[T](x)[:n]
	%[7]swhole := n &^ (array.Lanes - 1)
	for l := 0; l < array.Lanes && whole > 0; l += %[8]d {
		s := (*[%[8]d]%[6]s)(lanes[l:])
		%[9]s := s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]
		for i := l; i < whole; i += array.Lanes {
			v := (*[%[8]d]T)(xs[i:])
			%[10]s%[11]s
		}
		*s = [%[8]d]%[6]s{%[9]s}
	}
	for i := whole; i < n; i++ {
		lanes[i-whole] = %[12]s
	}
}
`, name, value("x[i]", map[bool]string{true: "y[i]", false: "y"}[of.name == "OfProduct"]), text, constraint, partner, acc, views, unroll, list,
		window, strings.Join(joins, "\n"), operandsAs(text, "lanes[i-whole]", value("xs[i]", last)))
}
