package main

import (
	"fmt"
	"strings"

	"github.com/darray-go/darray/array"
)

// libraryEntries are the entries of kern's table for an op that package vmath computes, floats only.
func libraryEntries(op array.Op) []string {
	loops := [...]string{1: "ofOne", 2: "ofTwo"}[op.Info().Arity]
	name := op.Info().Func
	return []string{
		fmt.Sprintf("array.Float32: %s(vmath.%s32)", loops, name),
		fmt.Sprintf("array.Float64: %s(vmath.%s)", loops, name),
	}
}

// libraryImport is the line that kern needs where the table has such an op.
func libraryImport() string {
	for _, op := range array.Ops() {
		if op.Info().Go.Float == array.Library {
			return "\"github.com/darray-go/darray/exec/cpu/vmath\"\n"
		}
	}
	return ""
}

// libraryLoops are the loops over a function of one element, where the table has any such op.
func libraryLoops() string {
	var out strings.Builder
	for arity, name := range []string{1: "ofOne", 2: "ofTwo"} {
		used := false
		for _, op := range array.Ops() {
			used = used || op.Info().Go.Float == array.Library && op.Info().Arity == arity
		}
		if used {
			fmt.Fprintf(&out, libraryLoop[arity], name)
		}
	}
	return out.String()
}

var libraryLoop = [...]string{1: `
// %[1]s is the loop of a function, as the row of a table.
func %[1]s[T float](f func(x T) T) [SV + 1]Loop {
	return [...]Loop{VV: func(dst, x, _, _ []byte, n int) {
		d, xs := array.View[T](dst)[:n], array.View[T](x)[:n]
		for i, x := range xs {
			d[i] = f(x)
		}
	}, SV: nil}
}
`, 2: `
// %[1]s is the loop of a function of two operands, as the row of a table.
func %[1]s[T float](f func(x, y T) T) [SV + 1]Loop {
	return [...]Loop{VV: func(dst, x, y, _ []byte, n int) {
		d, xs, ys := array.View[T](dst)[:n], array.View[T](x)[:n], array.View[T](y)[:n]
		for i, x := range xs {
			d[i] = f(x, ys[i])
		}
	}, SV: nil}
}
`}
