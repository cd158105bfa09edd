package format_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"

	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/format/formattest"
	"github.com/darray-go/darray/internal/leak"
)

// TestConcat compares every value of arrays of every type, cut out of longer ones, with the value in the array joined of them.
func TestConcat(t *testing.T) {
	leak.Check(t)
	number, text := arrow.PrimitiveTypes.Int64, arrow.BinaryTypes.String
	union := arrow.DenseUnionOf([]arrow.Field{{Name: "a", Type: number, Nullable: true}, {Name: "b", Type: text, Nullable: true}}, []arrow.UnionTypeCode{0, 9})
	types := slices.Concat(formattest.Numbers(), formattest.Times(), formattest.Texts(), formattest.Others(), []arrow.DataType{
		arrow.ListOf(union), arrow.FixedSizeListOf(2, union), arrow.StructOf(arrow.Field{Name: "u", Type: union, Nullable: true}),
		arrow.ListViewOf(union), arrow.MapOf(text, union), arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int16, arrow.ListOf(number)),
		arrow.ListOf(&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int16, ValueType: text}),
	})
	for _, d := range types {
		for _, nulls := range []bool{false, true} {
			var parts []arrow.Array
			var want []string
			for i, n := range []int{10, 100, 7, 33, 8} {
				whole := formattest.Random(d, n, nulls, uint64(i))
				part := arrowarray.NewSlice(whole, 3, int64(max(3, n-4)))
				parts = append(parts, part)
				for k := range part.Len() {
					want = append(want, fmt.Sprint(part.IsNull(k), part.ValueStr(k)))
				}
			}
			got, err := format.Concat(parts)
			if err != nil {
				t.Errorf("%s: %v", d, err)
				continue
			}
			if err := arrowarray.ValidateFull(got); err != nil {
				t.Errorf("%s: %v", d, err)
			}
			if got.Len() != len(want) || !arrow.TypeEqual(got.DataType(), d) {
				t.Fatalf("%d rows of %s, want %d of %s", got.Len(), got.DataType(), len(want), d)
			}
			for k := range want {
				if has := fmt.Sprint(got.IsNull(k), got.ValueStr(k)); has != want[k] {
					t.Errorf("%s: row %d is %s, want %s", d, k, has, want[k])
					break
				}
			}
		}
	}
}

func TestConcatRefuses(t *testing.T) {
	leak.Check(t)
	a, b := formattest.Random(arrow.PrimitiveTypes.Int8, 3, false, 1), formattest.Random(arrow.PrimitiveTypes.Int16, 3, false, 1)
	runs := formattest.Random(arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int16, arrow.BinaryTypes.String), 20_000, false, 1)
	for want, parts := range map[string][]arrow.Array{
		"no arrays to join":               nil,
		"int8 and int16 cannot be joined": {a, b},
		"more than ends of runs can name": {runs, runs},
	} {
		if _, err := format.Concat(parts); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
}
