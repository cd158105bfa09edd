package array_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/darray-go/darray/array"
)

// here is the caller's program counter, as the root package takes it.
func here() uintptr {
	var pcs [1]uintptr
	runtime.Callers(2, pcs[:])
	return pcs[0]
}

// TestErrors: every building error says what is wrong, what to do about it and where, and stays with the nodes over it.
func TestErrors(t *testing.T) {
	ints := func(shape ...int) *array.Node {
		return array.Data(block(make([]int, array.Shape(shape).Len()), shape...), 0)
	}
	flags := array.Data(block([]bool{true}), 0)
	cases := []struct {
		node *array.Node
		is   error
		want string
	}{
		{array.Apply(array.Add, here(), ints(3, 4), ints(4, 3)), array.ErrShape, "add: shape mismatch: shapes [3 4] and [4 3] do not broadcast; transpose one"},
		{array.Apply(array.Add, here(), ints(3), ints(4)), array.ErrShape, "each axis, counted from the last, must be equal or 1"},
		{array.Apply(array.Subtract, here(), flags, flags), array.ErrDType, "subtract: wrong element type: not defined for bool; use logical_xor"},
		{array.Apply(array.Negative, here(), flags), array.ErrDType, "negative"},
		{array.Apply(array.Add, here(), ints(3)), array.ErrShape, "takes 2 operands, not 1"},
		{array.Apply(array.Cast, here(), ints(3)), array.ErrDType, "use CastTo"},
		{array.Apply(array.Op(200), here(), ints(3)), array.ErrGraph, "not in the table"},
		{array.CastTo(ints(3), array.Invalid, here()), array.ErrDType, "invalid is not an element type"},
		{array.Reshape(ints(3, 4), array.Shape{5}, here()), array.ErrShape, "reshape: shape mismatch: shape [3 4] of 12 elements cannot become [5] of 5"},
		{array.Full(array.ScalarOf(1), array.Shape{-1}, here()), array.ErrShape, "full: shape mismatch: shape [-1] has a negative extent"},
		{array.Full(array.Scalar{}, nil, here()), array.ErrDType, "full"},
		{array.Data(nil, here()), array.ErrDType, "data"},
		{array.Data(&array.Block{}, here()), array.ErrDType, "data"},
		{array.Arange(array.ScalarOf(0), array.ScalarOf(1), array.ScalarOf(0), here()), array.ErrShape, "arange: shape mismatch: step 0 never arrives"},
		{array.Failed(here(), array.ErrNull), array.ErrNull, "null"},
	}
	for _, c := range cases {
		over := array.Apply(array.Sqrt, 0, array.Reshape(array.CastTo(array.Apply(array.Sum, 0, c.node), array.Int8, 0), nil, 0))
		for _, n := range []*array.Node{c.node, over} {
			err := n.Err()
			if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "(node_test.go:") {
				t.Errorf("error %v, want %q and a position", err, c.want)
			}
		}
	}
}

func TestPosition(t *testing.T) {
	n := array.Apply(array.Sqrt, here(), ones(array.Float64))
	if got := n.Position(); !strings.HasPrefix(got, "node_test.go:") {
		t.Errorf("made at %q", got)
	}
	if got := array.Position(0); got != "" {
		t.Errorf("nowhere is %q", got)
	}
}

func TestNodeString(t *testing.T) {
	want := "multiply(subtract(where(less(add(data:float64[2 3], cast(reshape(a.delay:int32[6], [2 3]), float64)), 4.0), " +
		"add(data:float64[2 3], cast(reshape(a.delay:int32[6], [2 3]), float64)), cast(arange(1, step -2):int8[3], float64)), " +
		"mean(where(less(add(data:float64[2 3], cast(reshape(a.delay:int32[6], [2 3]), float64)), 4.0), " +
		"add(data:float64[2 3], cast(reshape(a.delay:int32[6], [2 3]), float64)), cast(arange(1, step -2):int8[3], float64)))), " +
		"full(0.10000000149011612):float64[3])"
	if got := sample()[0].String(); got != want {
		t.Errorf("printed\n%s, want\n%s", got, want)
	}
}

// TestOps: every row of the table is whole, and found by its name.
func TestOps(t *testing.T) {
	for _, op := range array.Ops() {
		info := op.Info()
		if found, ok := array.OpByName(op.String()); !ok || found != op || !op.Valid() {
			t.Errorf("%s is not found by its name", op)
		}
		if info.Func == "" || info.Doc == "" || info.Arity < 1 || info.Arity > 3 {
			t.Errorf("the row of %s is incomplete: %+v", op, info)
		}
		if op.IsReduction() != (info.Nulls == array.NullSkip) || op.IsReduction() && info.Arity != 1 {
			t.Errorf("%s: a reduction skips nulls and has one operand", op)
		}
	}
	if _, ok := array.OpByName("op?"); ok || array.Op(255).Valid() || array.Op(255).String() != "op?" {
		t.Error("there is an op 255")
	}
}
