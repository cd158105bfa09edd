package array_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/darray-go/darray/array"
)

// promotions is numpy.result_type of NumPy 2 for all pairs, in the order of array.DTypes.
const promotions = `
      b  i1 i2 i4 i8 u1 u2 u4 u8 f4 f8
b     b  i1 i2 i4 i8 u1 u2 u4 u8 f4 f8
i1    i1 i1 i2 i4 i8 i2 i4 i8 f8 f4 f8
i2    i2 i2 i2 i4 i8 i2 i4 i8 f8 f4 f8
i4    i4 i4 i4 i4 i8 i4 i4 i8 f8 f8 f8
i8    i8 i8 i8 i8 i8 i8 i8 i8 f8 f8 f8
u1    u1 i2 i2 i4 i8 u1 u2 u4 u8 f4 f8
u2    u2 i4 i4 i4 i8 u2 u2 u4 u8 f4 f8
u4    u4 i8 i8 i8 i8 u4 u4 u4 u8 f8 f8
u8    u8 f8 f8 f8 f8 u8 u8 u8 u8 f8 f8
f4    f4 f4 f4 f8 f8 f4 f4 f8 f8 f4 f8
f8    f8 f8 f8 f8 f8 f8 f8 f8 f8 f8 f8
`

// short is NumPy's character code of an element type.
func short(d array.DType) string {
	kind := "f"
	switch {
	case d == array.Bool:
		return "b"
	case d.Signed():
		kind = "i"
	case d.Unsigned():
		kind = "u"
	}
	return fmt.Sprint(kind, d.Size())
}

func TestPromote(t *testing.T) {
	rows := strings.Split(strings.TrimSpace(promotions), "\n")
	for i, a := range array.DTypes() {
		want := strings.Fields(rows[i+1])
		if want[0] != short(a) {
			t.Fatalf("row %d is %s, not %s", i, want[0], short(a))
		}
		for k, b := range array.DTypes() {
			if got := short(array.Promote(a, b)); got != want[k+1] {
				t.Errorf("Promote(%s, %s) = %s, want %s", a, b, got, want[k+1])
			}
		}
	}
}

// ones is a small array of type d.
func ones(d array.DType) *array.Node {
	return array.CastTo(array.Data(block([]int8{1, 1}), 0), d, 0)
}

// TestWeakNumbers: what NumPy 2 gives for an array and a Python number; "-" is its OverflowError.
func TestWeakNumbers(t *testing.T) {
	cases := []struct {
		op     array.Op
		number array.Scalar
		want   string
	}{
		{array.Add, array.ScalarOf(true), "b  i1 i2 i4 i8 u1 u2 u4 u8 f4 f8"},
		{array.Add, array.ScalarOf(1), "i8 i1 i2 i4 i8 u1 u2 u4 u8 f4 f8"},
		{array.Add, array.ScalarOf(1.5), "f8 f8 f8 f8 f8 f8 f8 f8 f8 f4 f8"},
		{array.Add, array.ScalarOf(float32(1)), "f8 f8 f8 f8 f8 f8 f8 f8 f8 f4 f8"},
		{array.Add, array.ScalarOf(127), "i8 i1 i2 i4 i8 u1 u2 u4 u8 f4 f8"},
		{array.Add, array.ScalarOf(128), "i8 -  i2 i4 i8 u1 u2 u4 u8 f4 f8"},
		{array.Add, array.ScalarOf(uint8(200)), "i8 -  i2 i4 i8 u1 u2 u4 u8 f4 f8"},
		{array.Add, array.ScalarOf(-128), "i8 i1 i2 i4 i8 -  -  -  -  f4 f8"},
		{array.Add, array.ScalarOf(-129), "i8 -  i2 i4 i8 -  -  -  -  f4 f8"},
		{array.Add, array.ScalarOf(1 << 32), "i8 -  -  -  i8 -  -  -  u8 f4 f8"},
		{array.Add, array.ScalarOf(math.MinInt64), "i8 -  -  -  i8 -  -  -  -  f4 f8"},
		{array.Divide, array.ScalarOf(1000), "f8 f8 f8 f8 f8 f8 f8 f8 f8 f4 f8"},
		{array.Divide, array.ScalarOf(-1), "f8 f8 f8 f8 f8 f8 f8 f8 f8 f4 f8"},
		{array.Less, array.ScalarOf(1000), "b  b  b  b  b  b  b  b  b  b  b"},
		{array.Less, array.ScalarOf(-1), "b  b  b  b  b  b  b  b  b  b  b"},
		{array.FillNull, array.ScalarOf(300), "i8 -  i2 i4 i8 -  u2 u4 u8 f4 f8"},
	}
	for _, c := range cases {
		for i, want := range strings.Fields(c.want) {
			d := array.DTypes()[i]
			sides := [][]*array.Node{{ones(d), array.NumberOperand(c.number)}, {array.NumberOperand(c.number), ones(d)}}
			for _, args := range sides {
				n := array.Apply(c.op, 0, args...)
				switch {
				case want == "-" && (!errors.Is(n.Err(), array.ErrDType) || !strings.Contains(n.Err().Error(), c.number.String()+" does not fit "+d.String())):
					t.Errorf("%s of %s and %s: error %v, want one that says what does not fit", c.op, d, c.number, n.Err())
				case want != "-" && n.Err() != nil:
					t.Errorf("%s of %s and %s: %v", c.op, d, c.number, n.Err())
				case want != "-" && short(n.DType()) != want:
					t.Errorf("%s of %s and %s is %s, want %s", c.op, d, c.number, n.DType(), want)
				}
			}
		}
	}
}

// TestNumbersOnly: without an array, Go numbers promote by their own types.
func TestNumbersOnly(t *testing.T) {
	cases := []struct {
		x, y array.Scalar
		want array.DType
	}{
		{array.ScalarOf(1), array.ScalarOf(2), array.Int64},
		{array.ScalarOf(1), array.ScalarOf(2.5), array.Float64},
		{array.ScalarOf(true), array.ScalarOf(true), array.Bool},
		{array.ScalarOf(true), array.ScalarOf(2), array.Int64},
		{array.ScalarOf(uint8(1)), array.ScalarOf(int8(1)), array.Int16},
		{array.ScalarOf(float32(1)), array.ScalarOf(2), array.Float64},
	}
	for _, c := range cases {
		n := array.Apply(array.Add, 0, array.NumberOperand(c.x), array.NumberOperand(c.y))
		if n.Err() != nil || n.DType() != c.want || len(n.Shape()) != 0 || n.Weak() {
			t.Errorf("%s + %s is %s%v (weak %v, error %v), want %s[]", c.x, c.y, n.DType(), n.Shape(), n.Weak(), n.Err(), c.want)
		}
	}
}
