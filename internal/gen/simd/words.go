package main

import "strings"

// lower is a Go name that is not exported.
func lower(name string) string { return strings.ToLower(name[:1]) + name[1:] }

// operandWords are the operands of a loop as its comment writes them: "(x[i], y[0])".
func operandWords(arity int, f form) string {
	var list []string
	for i, name := range []string{"x", "y", "z"}[:arity] {
		if f.scalar[i] {
			list = append(list, name+"[0]")
		} else {
			list = append(list, name+"[i]")
		}
	}
	return "(" + strings.Join(list, ", ") + ")"
}
