package main

import (
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// TestShown: numbers that JSON does not have are shown wherever they lie.
func TestShown(t *testing.T) {
	half := arrow.StructOf(arrow.Field{Name: "x", Type: arrow.FixedWidthTypes.Float16, Nullable: true})
	for _, c := range []struct {
		typ        arrow.DataType
		json, want string
	}{
		{arrow.FixedWidthTypes.Float16, `["NaN"]`, "NaN"},
		{arrow.ListOf(half), `[[{"x": "NaN"}, {"x": "-Inf"}]]`, "[[[x NaN]] [[x -Inf]]]"},
		{arrow.ListOf(half), `[[{"x": 1.5}, null]]`, `[{"x":1.5},null]`},
	} {
		a, _, err := arrowarray.FromJSON(memory.DefaultAllocator, c.typ, strings.NewReader(c.json))
		if err != nil {
			t.Fatal(err)
		}
		if got := shown(a, 0); got != c.want {
			t.Errorf("%s %s is shown as %s, want %s", c.typ, c.json, got, c.want)
		}
	}
}
