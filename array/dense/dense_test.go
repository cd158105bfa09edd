package dense_test

import (
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/array/dense"
	"github.com/darray-go/darray/internal/leak"
)

// numbers is n values that are all different, among them those that only their bits tell.
func numbers(n int) []float64 {
	xs := make([]float64, n)
	for i := range xs {
		xs[i] = math.Sqrt(float64(i)) - 2
	}
	copy(xs, []float64{math.Copysign(0, -1), math.Inf(-1), math.Float64frombits(0x7ff8000000000abc)})
	return xs
}

func blockOf(t *testing.T, xs []float64, shape ...int) *array.Block {
	t.Helper()
	b, err := array.FromSlice(xs, shape...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// same compares bit by bit.
func same(xs, ys []float64) bool {
	return slices.EqualFunc(xs, ys, func(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) })
}

func TestMatrixSharesMemory(t *testing.T) {
	leak.Check(t)
	xs := numbers(12)
	b := blockOf(t, xs, 3, 4)
	m, err := dense.Matrix(b)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		for j := range 4 {
			if got := m.At(i, j); math.Float64bits(got) != math.Float64bits(xs[4*i+j]) {
				t.Errorf("(%d, %d) is %v, want %v", i, j, got, xs[4*i+j])
			}
		}
	}
	m.Set(2, 1, 77)
	if s, ok := b.Scalar(9); !ok || s != array.ScalarOf(77.0) {
		t.Errorf("the block has %v where the matrix was set to 77", s)
	}
	back, err := dense.Block(m)
	if err != nil {
		t.Fatal(err)
	}
	if !back.Overlaps(b) || !back.Shape().Equal(b.Shape()) {
		t.Errorf("the way back gives shape %v, shared %v", back.Shape(), back.Overlaps(b))
	}
}

func TestVectorSharesMemory(t *testing.T) {
	leak.Check(t)
	b := blockOf(t, numbers(9))
	part := b.Slice(2, 7)
	v, err := dense.Vector(part)
	if err != nil {
		t.Fatal(err)
	}
	if v.Len() != 5 {
		t.Fatalf("%d elements, want 5", v.Len())
	}
	v.SetVec(0, 42)
	if s, _ := b.Scalar(2); s != array.ScalarOf(42.0) {
		t.Errorf("the block has %v where the vector was set to 42", s)
	}
	back, err := dense.Block(v)
	if err != nil {
		t.Fatal(err)
	}
	if !back.Overlaps(part) || !back.Shape().Equal(array.Shape{5}) {
		t.Errorf("the way back gives shape %v, shared %v", back.Shape(), back.Overlaps(part))
	}
}

// TestMatrixKeepsMemory lets go of the block, and makes garbage that would come to lie where it was.
func TestMatrixKeepsMemory(t *testing.T) {
	leak.Check(t)
	const n = 1 << 12
	m, err := dense.Matrix(blockOf(t, numbers(n), n/64, 64))
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		runtime.GC()
		for range 20 {
			xs := make([]float64, n)
			for i := range xs {
				xs[i] = -1
			}
		}
	}
	if got := m.RawMatrix().Data; !same(got, numbers(n)) {
		t.Error("the values changed after the block was let go of")
	}
}

// TestMatrixOfBorrowed holds that memory which the collector does not know is copied: here it is given back and written over.
func TestMatrixOfBorrowed(t *testing.T) {
	leak.Check(t)
	builder := arrowarray.NewFloat64Builder(memory.NewGoAllocator())
	builder.AppendValues(numbers(6), nil)
	a := builder.NewFloat64Array()
	b, err := array.FromArrow(a)
	if err != nil {
		t.Fatal(err)
	}
	two, err := b.Reshape(array.Shape{2, 3})
	if err != nil {
		t.Fatal(err)
	}
	m, err := dense.Matrix(two)
	if err != nil {
		t.Fatal(err)
	}
	for i := range a.Float64Values() {
		a.Float64Values()[i] = 5
	}
	if !same(m.RawMatrix().Data, numbers(6)) {
		t.Errorf("a matrix over an Arrow array has %v", m.RawMatrix().Data)
	}
}

func TestMatrixTakesValidity(t *testing.T) {
	leak.Check(t)
	b := array.NewBlock(array.Float64, array.Shape{2, 2}, true)
	if _, err := dense.Matrix(b); err != nil {
		t.Errorf("all valid, with bits that say so: %v", err)
	}
	b.SetScalar(3, array.ScalarOf(0.0), false)
	_, err := dense.Matrix(b)
	if !errors.Is(err, array.ErrNull) || !strings.Contains(err.Error(), "1 of 4") {
		t.Errorf("with a null: %v, want ErrNull that counts", err)
	}
}

func TestErrors(t *testing.T) {
	leak.Check(t)
	floats := func(shape ...int) *array.Block { return array.NewBlock(array.Float64, shape, false) }
	for _, tt := range []struct {
		name           string
		b              *array.Block
		matrix, vector error
	}{
		{"none", nil, array.ErrShape, array.ErrShape},
		{"zero block", new(array.Block), array.ErrDType, array.ErrDType},
		{"float32", array.NewBlock(array.Float32, array.Shape{2, 2}, false), array.ErrDType, array.ErrDType},
		{"scalar", floats(), array.ErrShape, array.ErrShape},
		{"1-D", floats(4), array.ErrShape, nil},
		{"2-D", floats(2, 2), nil, array.ErrShape},
		{"3-D", floats(2, 2, 2), array.ErrShape, array.ErrShape},
		{"no rows", floats(0, 2), array.ErrShape, array.ErrShape},
		{"no columns", floats(2, 0), array.ErrShape, array.ErrShape},
		{"no elements", floats(0), array.ErrShape, array.ErrShape},
		{"far", array.FarBlock(array.Float64, 2, false, elsewhere{}), array.ErrShape, array.ErrDType},
	} {
		if _, err := dense.Matrix(tt.b); !errors.Is(err, tt.matrix) {
			t.Errorf("matrix of %s: %v, want %v", tt.name, err, tt.matrix)
		}
		if _, err := dense.Vector(tt.b); !errors.Is(err, tt.vector) {
			t.Errorf("vector of %s: %v, want %v", tt.name, err, tt.vector)
		}
	}
}

// elsewhere is the memory of a device of which only the name is asked.
type elsewhere struct{ array.Far }

func (elsewhere) Device() string { return "test" }

func TestBlock(t *testing.T) {
	leak.Check(t)
	whole := mat.NewDense(3, 4, numbers(12))
	sym := mat.NewSymDense(2, []float64{1, 2, 99, 3})
	for _, tt := range []struct {
		name   string
		m      mat.Matrix
		shape  array.Shape
		want   []float64
		shared bool
	}{
		{"whole", whole, array.Shape{3, 4}, numbers(12), true},
		{"rows of it", whole.Slice(1, 3, 0, 4), array.Shape{2, 4}, numbers(12)[4:], true},
		{"columns of it", whole.Slice(0, 3, 1, 3), array.Shape{3, 2}, pick(1, 2, 5, 6, 9, 10), false},
		{"part of the last row", whole.Slice(2, 3, 1, 4), array.Shape{1, 3}, pick(9, 10, 11), true},
		{"transpose", whole.T(), array.Shape{4, 3}, pick(0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11), false},
		{"row", whole.RowView(1), array.Shape{4}, numbers(12)[4:8], true},
		{"column", whole.ColView(1), array.Shape{3}, pick(1, 5, 9), false},
		{"symmetric", sym, array.Shape{2, 2}, []float64{1, 2, 2, 3}, false},
		{"empty", &mat.Dense{}, array.Shape{0, 0}, nil, false},
		{"empty vector", &mat.VecDense{}, array.Shape{0}, nil, false},
	} {
		b, err := dense.Block(tt.m)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		values, err := array.Values[float64](b)
		if err != nil || !b.Shape().Equal(tt.shape) || !same(values, tt.want) {
			t.Errorf("%s: %v %v %v, want %v %v", tt.name, b.Shape(), values, err, tt.shape, tt.want)
		}
		if shared := b.Overlaps(blockOf(t, whole.RawMatrix().Data)); shared != tt.shared {
			t.Errorf("%s: shared %v, want %v", tt.name, shared, tt.shared)
		}
	}
}

// pick is the numbers of these indices.
func pick(at ...int) []float64 {
	xs := make([]float64, len(at))
	for i, j := range at {
		xs[i] = numbers(12)[j]
	}
	return xs
}

// raw is a matrix that says of itself what it likes.
type raw struct{ blas64.General }

func (r raw) Dims() (int, int)          { return r.Rows, r.Cols }
func (raw) At(int, int) float64         { return 0 }
func (r raw) T() mat.Matrix             { return r }
func (r raw) RawMatrix() blas64.General { return r.General }

// strided is such a vector.
type strided struct {
	raw
	v blas64.Vector
}

func (s strided) Dims() (int, int)         { return s.v.N, 1 }
func (s strided) RawVector() blas64.Vector { return s.v }
func (strided) RawMatrix()                 {} // hides that of raw

func TestBlockErrors(t *testing.T) {
	leak.Check(t)
	var none *mat.Dense
	const most = math.MaxInt
	for name, m := range map[string]mat.Matrix{
		"nil":               nil,
		"nil of a type":     none,
		"negative":          raw{blas64.General{Rows: -1, Cols: 2, Stride: 2}},
		"too short":         raw{blas64.General{Rows: 2, Cols: 2, Stride: 2, Data: make([]float64, 3)}},
		"narrow stride":     raw{blas64.General{Rows: 2, Cols: 2, Stride: 1, Data: make([]float64, 4)}},
		"huge":              raw{blas64.General{Rows: most, Cols: most, Stride: most, Data: make([]float64, 4)}},
		"huge stride":       raw{blas64.General{Rows: 3, Cols: 1, Stride: most, Data: make([]float64, 4)}},
		"vector too short":  strided{v: blas64.Vector{N: 3, Inc: 2, Data: make([]float64, 4)}},
		"vector backwards":  strided{v: blas64.Vector{N: 3, Inc: -1, Data: make([]float64, 4)}},
		"vector of -1":      strided{v: blas64.Vector{N: -1, Inc: 1}},
		"vector of nothing": strided{v: blas64.Vector{N: 1, Inc: 1}},
	} {
		if b, err := dense.Block(m); !errors.Is(err, array.ErrShape) {
			t.Errorf("%s: %v %v, want ErrShape", name, b, err)
		}
	}
}
