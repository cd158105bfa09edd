package array_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/darray-go/darray/array"
)

func TestArrowRows(t *testing.T) {
	for _, shape := range []array.Shape{{}, {6}, {2, 3}, {3, 2, 1}, {0, 4}} {
		b := array.NewBlock(array.Int32, shape, true)
		for i := range b.Len() {
			b.SetScalar(i, array.ScalarOf(int64(i*7)), i%4 != 1)
		}
		a, err := b.ArrowRows()
		if err != nil {
			t.Fatalf("%v: %v", shape, err)
		}
		rows := 1
		if len(shape) > 0 {
			rows = shape[0]
		}
		d, row := array.Width(a.DataType())
		if a.Len() != rows || d != array.Int32 || !slices.Equal(row, shape[min(1, len(shape)):]) {
			t.Errorf("%v: %d rows of %v %v", shape, a.Len(), d, row)
		}
		back, err := array.FromStorage(a)
		if err != nil {
			t.Fatalf("%v: %v", shape, err)
		}
		for i := range b.Len() {
			want, ok := b.Scalar(i)
			if got, valid := back.Scalar(i); got != want || valid != ok {
				t.Errorf("%v: element %d is %v %v, want %v %v", shape, i, got, valid, want, ok)
			}
		}
		if !back.Borrowed() || b.Borrowed() {
			t.Errorf("%v: borrowed: %v of the view, %v of the block", shape, back.Borrowed(), b.Borrowed())
		}
	}
}

func TestArrowRowsErrors(t *testing.T) {
	for name, b := range map[string]*array.Block{
		"no elements a row": array.NewBlock(array.Float64, array.Shape{3, 0}, false),
		"no elements":       array.NewBlock(array.Float64, array.Shape{0, 0}, false),
	} {
		if _, err := b.ArrowRows(); !errors.Is(err, array.ErrShape) {
			t.Errorf("%s: %v, want ErrShape", name, err)
		}
	}
	if _, err := new(array.Block).ArrowRows(); !errors.Is(err, array.ErrDType) {
		t.Errorf("the zero block: %v, want ErrDType", err)
	}
	if _, err := array.FarBlock(array.Int8, 2, false, elsewhere{}).ArrowRows(); !errors.Is(err, array.ErrDType) {
		t.Errorf("a far block: %v, want ErrDType", err)
	}
}

// elsewhere is the memory of a device of which only the name is asked.
type elsewhere struct{ array.Far }

func (elsewhere) Device() string { return "test" }
