package main

import (
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

// dtypesOf are the types of the kind that the op computes in.
func (k kind) dtypesOf(op array.Op) []array.DType {
	if op.Info().Rule == array.RuleWord {
		return []array.DType{array.Uint64}
	}
	return k.dtypes
}

// words turns a text on bools into one on words of eight bools, a byte each.
func words(text string) string {
	text = strings.NewReplacer("==", "^ ones ^", "!=", "^", "&&", "&", "||", "|").Replace(text)
	return regexp.MustCompile(`!(\w)`).ReplaceAllString(text, "(ones ^ $1)")
}

// unroll is how many elements a loop takes at once, and how many lanes the loop over a leaf keeps in registers.
const unroll = 8

// loopName is intAdd, floatAdd, boolAdd.
func loopName(op array.Op, k kind) string {
	return k.name + op.Info().Func
}

// constraints are the type parameters of the loops by kind.
var constraints = map[string]string{integers.name: "[T integer]", floats.name: "[T float]"}

// operandsAs puts other expressions in the place of x and y.
func operandsAs(text, x, y string) string {
	return regexp.MustCompile(`\b[xy]\b`).ReplaceAllStringFunc(text, func(name string) string {
		if name == "x" {
			return x
		}
		return y
	})
}
