package array_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/darray-go/darray/array"
)

func TestBroadcast(t *testing.T) {
	type shapes = []array.Shape
	cases := []struct {
		in   shapes
		want string // "" is an error
	}{
		{shapes{{3}, {3}}, "[3]"},
		{shapes{{}, {3}}, "[3]"},
		{shapes{nil, {}}, "[]"},
		{shapes{{1}, {}}, "[1]"},
		{shapes{{3, 1}, {4}}, "[3 4]"},
		{shapes{{4}, {3, 1}}, "[3 4]"},
		{shapes{{8, 1, 6, 1}, {7, 1, 5}}, "[8 7 6 5]"},
		{shapes{{256, 256, 3}, {3}}, "[256 256 3]"},
		{shapes{{0}, {1}}, "[0]"},
		{shapes{{2, 0}, {1, 1}}, "[2 0]"},
		{shapes{{2, 1}, {8, 4, 3}}, ""},
		{shapes{{3}, {4}}, ""},
		{shapes{{0}, {2}}, ""},
		{shapes{{3, 4}, {4, 3}}, ""},
		{shapes{{2, 1}, {1, 3}, {4, 1, 1}}, "[4 2 3]"},
		{shapes{{2}, {1}, {3}}, ""},
		{shapes{{1 << 40, 1}, {1, 1 << 40}}, ""},
	}
	for _, c := range cases {
		got, err := array.Broadcast(c.in...)
		switch {
		case c.want == "" && !errors.Is(err, array.ErrShape):
			t.Errorf("Broadcast(%v) = %v, %v; want an error", c.in, got, err)
		case c.want != "" && (err != nil || got.String() != c.want):
			t.Errorf("Broadcast(%v) = %v, %v; want %s", c.in, got, err, c.want)
		}
	}
}

func TestShapeCheck(t *testing.T) {
	const limit = math.MaxInt / 8
	cases := []struct {
		shape array.Shape
		ok    bool
	}{
		{nil, true},
		{array.Shape{0}, true},
		{array.Shape{limit}, true},
		{array.Shape{limit + 1}, false},
		{array.Shape{math.MaxInt}, false},
		{array.Shape{-1}, false},
		{array.Shape{0, -1}, false},
		{array.Shape{1 << 30, 1 << 29}, true},
		{array.Shape{1 << 30, 1 << 30}, false},
		{array.Shape{1 << 32, 1 << 32}, false}, // the product is 2^64, 0 in an int
		{array.Shape{0, 1 << 40, 1 << 40}, false},
		{array.Shape{1 << 40, 1 << 40, 0}, false},
		{slices.Repeat(array.Shape{1}, 64), true},
		{slices.Repeat(array.Shape{1}, 65), false},
	}
	for _, c := range cases {
		if err := c.shape.Check(); (err == nil) != c.ok || err != nil && !errors.Is(err, array.ErrShape) {
			t.Errorf("%v.Check() = %v, want ok %v", c.shape, err, c.ok)
		}
	}
}

func TestShape(t *testing.T) {
	if n := (array.Shape{}).Len(); n != 1 {
		t.Errorf("a scalar has %d elements", n)
	}
	if n := (array.Shape{3, 0, 2}).Len(); n != 0 {
		t.Errorf("an empty shape has %d elements", n)
	}
	if !(array.Shape{}).Equal(nil) || (array.Shape{1}).Equal(nil) || (array.Shape{2, 3}).Equal(array.Shape{3, 2}) {
		t.Error("Equal is wrong")
	}
	if got := fmt.Sprint(array.Shape{3, 4}, array.Shape(nil)); got != "[3 4] []" {
		t.Errorf("shapes print as %s", got)
	}
}

func TestBroadcastStrides(t *testing.T) {
	cases := []struct {
		in, out array.Shape
		want    []int
	}{
		{array.Shape{}, array.Shape{2, 3}, []int{0, 0}},
		{array.Shape{3}, array.Shape{2, 3}, []int{0, 1}},
		{array.Shape{2, 1}, array.Shape{2, 3}, []int{1, 0}},
		{array.Shape{2, 3}, array.Shape{2, 3}, []int{3, 1}},
		{array.Shape{4, 1, 5}, array.Shape{2, 4, 6, 5}, []int{0, 5, 0, 1}},
		{array.Shape{1}, array.Shape{0}, []int{0}},
	}
	for _, c := range cases {
		if got := c.in.BroadcastStrides(c.out); !slices.Equal(got, c.want) {
			t.Errorf("%v.BroadcastStrides(%v) = %v, want %v", c.in, c.out, got, c.want)
		}
	}
}
