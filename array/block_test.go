package array_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/internal/ref"
)

// items is the elements of a block as text, by ItemString.
func items(b *array.Block) string {
	list := make([]string, b.Len())
	for i := range list {
		list[i] = b.ItemString(i)
	}
	return strings.Join(list, " ")
}

// sameMemory reports whether two slices start at the same address.
func sameMemory[T any](xs, ys []T) bool { return &xs[0] == &ys[0] }

// TestWithoutCopy: values go into a block and out again in the memory they were in.
func TestWithoutCopy(t *testing.T) {
	testWithoutCopy(t, []int{1, 2, 3})
	testWithoutCopy(t, []int8{1, 2, 3})
	testWithoutCopy(t, []int16{1, 2, 3})
	testWithoutCopy(t, []int32{1, 2, 3})
	testWithoutCopy(t, []int64{1, 2, 3})
	testWithoutCopy(t, []uint{1, 2, 3})
	testWithoutCopy(t, []uint8{1, 2, 3})
	testWithoutCopy(t, []uint16{1, 2, 3})
	testWithoutCopy(t, []uint32{1, 2, 3})
	testWithoutCopy(t, []uint64{1, 2, 3})
	testWithoutCopy(t, []float32{1, 2, 3})
	testWithoutCopy(t, []float64{1, 2, 3})
}

func testWithoutCopy[T array.Number](t *testing.T, xs []T) {
	t.Helper()
	b := block(xs)
	ys, err := array.Values[T](b)
	if err != nil || !sameMemory(xs, ys) || len(ys) != len(xs) {
		t.Errorf("%T: Values gives %v in other memory (%v)", xs, ys, err)
	}
	zs, err := array.Values[T](b.Slice(1, 3))
	if err != nil || !sameMemory(xs[1:], zs) || len(zs) != 2 {
		t.Errorf("%T: Values of a slice gives %v in other memory (%v)", xs, zs, err)
	}
	if raw, _, _ := b.Raw(); !sameMemory(raw, b.Arrow().Data().Buffers()[1].Bytes()) {
		t.Errorf("%T: Arrow copies", xs)
	}
	if _, err := array.Values[bool](b); !errors.Is(err, array.ErrDType) {
		t.Errorf("%T as bools: %v", xs, err)
	}
}

func TestFromSlice(t *testing.T) {
	if b := block([]bool{true, false, true}); b.DType() != array.Bool || items(b) != "true false true" {
		t.Errorf("bools are %s %s", b.DType(), items(b))
	}
	if got, err := array.Values[bool](block([]bool{true, false, true}).Slice(1, 3)); err != nil || !slices.Equal(got, []bool{false, true}) {
		t.Errorf("bools come back as %v, %v", got, err)
	}
	if got, err := array.Values[float64](block([]float64{})); err != nil || len(got) != 0 {
		t.Errorf("no values come back as %v, %v", got, err)
	}
	if b, err := array.FromSlice([]float64{}); err != nil || b.Len() != 0 || b.Shape().String() != "[0]" {
		t.Errorf("no values: %v, %v", b, err)
	}
	for _, shape := range [][]int{{2, 2}, {-1, -3}, {0}, {math.MaxInt, 2}} {
		if _, err := array.FromSlice([]int{1, 2, 3}, shape...); !errors.Is(err, array.ErrShape) {
			t.Errorf("3 values of shape %v: %v", shape, err)
		}
	}
}

func TestWrapBlock(t *testing.T) {
	buffer := array.AllocBytes(64)
	cases := []struct {
		name             string
		d                array.DType
		n, offset        int
		values, validity []byte
		ok               bool
	}{
		{"all", array.Float64, 8, 0, buffer, nil, true},
		{"offset", array.Float64, 3, 5, buffer, buffer[:1], true},
		{"too long", array.Float64, 9, 0, buffer, nil, false},
		{"offset too large", array.Float64, 3, 6, buffer, nil, false},
		{"no values", array.Int8, 0, 0, nil, nil, true},
		{"no values behind an offset", array.Int8, 0, 1, nil, nil, false},
		{"short validity", array.Int8, 9, 0, buffer, buffer[:1], false},
		{"empty validity", array.Int8, 1, 0, buffer, []byte{}, false},
		{"bits", array.Bool, 500, 12, buffer, buffer, true},
		{"too many bits", array.Bool, 500, 13, buffer, nil, false},
		{"negative", array.Int8, -1, 1, buffer, nil, false},
		{"negative offset", array.Int8, 1, -1, buffer, nil, false},
		{"sum overflows", array.Int8, math.MaxInt, 1, buffer, nil, false},
		{"bytes overflow", array.Float64, 1 << 61, 0, buffer, nil, false},
		{"bytes overflow to little", array.Float64, 1<<61 + 1, 0, buffer, nil, false},
		{"no type", array.Invalid, 1, 0, buffer, nil, false},
		{"misaligned", array.Float64, 7, 0, buffer[1:], nil, true},
		{"misaligned and empty", array.Float64, 0, 0, buffer[1:1], nil, true},
	}
	for _, c := range cases {
		b, err := array.WrapBlock(c.d, c.n, c.offset, c.values, c.validity, nil)
		if (err == nil) != c.ok {
			t.Errorf("%s: error %v, want ok %v", c.name, err, c.ok)
		}
		if err == nil && len(strings.Fields(items(b))) != c.n {
			t.Errorf("%s: %d elements", c.name, b.Len())
		}
	}
}

// TestSlice holds slices of slices, and every reading method over them, against a []any.
func TestSlice(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	for _, d := range array.DTypes() {
		for range 50 {
			b := ref.Random(rng, d, array.Shape{rng.IntN(200)}, float64(rng.IntN(2))*0.3)
			texts, lo, hi := strings.Fields(items(b)), 0, b.Len()
			s := b
			for range 3 {
				from := rng.IntN(s.Len() + 1)
				to := from + rng.IntN(s.Len()-from+1)
				s = s.Slice(from, to)
				lo, hi = lo+from, lo+to
			}
			if got := items(s); got != strings.Join(texts[lo:hi], " ") {
				t.Fatalf("%s: elements [%d, %d) are %s, want %v", d, lo, hi, got, texts[lo:hi])
			}
			nullCount := 0
			for i := range s.Len() {
				nullCount += btoi(s.IsNull(i))
			}
			if s.NullN() != nullCount || nullCount != strings.Count(items(s), "null") {
				t.Fatalf("%s: %d nulls, want %d", d, s.NullN(), nullCount)
			}
			if kept := s.DropValidity(); kept.HasNulls() != (nullCount > 0) || items(kept) != items(s) {
				t.Fatalf("%s: DropValidity gives %s of %s", d, items(kept), items(s))
			}
		}
	}
}

func TestReshape(t *testing.T) {
	b := block([]int{1, 2, 3, 4, 5, 6}).Slice(1, 5)
	m, err := b.Reshape(array.Shape{2, 2})
	if err != nil || m.String() != "[[2 3]\n [4 5]]" {
		t.Errorf("%v, %v", m, err)
	}
	for _, shape := range []array.Shape{{3}, {-2, -2}, {}, {2, 2, 0}} {
		if _, err := b.Reshape(shape); !errors.Is(err, array.ErrShape) {
			t.Errorf("4 elements as %v: %v", shape, err)
		}
	}
	shape := array.Shape{4, 1}
	m, _ = b.Reshape(shape)
	shape[0] = 7
	if m.Shape().String() != "[4 1]" {
		t.Error("the block's shape is the caller's slice")
	}
}

// TestFromArrow reads what Arrow's own builders and slices made.
func TestFromArrow(t *testing.T) {
	builder := arrowarray.NewFloat64Builder(memory.DefaultAllocator)
	builder.AppendValues([]float64{1, 2, 3, 4, 5}, []bool{true, false, true, true, false})
	whole := builder.NewFloat64Array()
	bools := arrowarray.NewBooleanBuilder(memory.DefaultAllocator)
	for i := range 20 {
		if i%5 == 0 {
			bools.AppendNull()
		} else {
			bools.Append(i%2 == 0)
		}
	}
	flags := bools.NewBooleanArray()
	small := arrowarray.NewInt16Builder(memory.DefaultAllocator)
	small.AppendValues([]int16{-1, 0, 1}, nil)
	cases := []struct {
		name  string
		array arrow.Array
		want  string
	}{
		{"whole", whole, "1.0 null 3.0 4.0 null"},
		{"sliced", arrowarray.NewSlice(whole, 1, 4), "null 3.0 4.0"},
		{"sliced to no nulls", arrowarray.NewSlice(whole, 2, 4), "3.0 4.0"},
		{"sliced to nothing", arrowarray.NewSlice(whole, 5, 5), ""},
		{"bools", arrowarray.NewSlice(flags, 4, 13), "true null true false true false null false true"},
		{"no nulls", small.NewInt16Array(), "-1 0 1"},
		{"nothing", small.NewInt16Array(), ""},
		{"all null", arrowarray.MakeArrayOfNull(memory.DefaultAllocator, arrow.PrimitiveTypes.Uint32, 3), "null null null"},
	}
	for _, c := range cases {
		b, err := array.FromArrow(c.array)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if items(b) != c.want || b.NullN() != c.array.NullN() {
			t.Errorf("%s: %s with %d nulls, want %s", c.name, items(b), b.NullN(), c.want)
		}
		if back := b.Arrow(); !arrowarray.Equal(back, c.array) {
			t.Errorf("%s: comes back as %v", c.name, back)
		}
	}
	if _, err := array.FromArrow(nil); !errors.Is(err, array.ErrDType) {
		t.Errorf("no array: %v", err)
	}
	if _, err := array.FromArrow(arrowarray.NewNull(3)); !errors.Is(err, array.ErrDType) {
		t.Errorf("an array of no type: %v", err)
	}
}

// TestArrowRoundTrip sends random blocks through Arrow and back.
func TestArrowRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	for _, d := range array.DTypes() {
		for range 20 {
			b := ref.Random(rng, d, array.Shape{rng.IntN(100)}, 0.3)
			a := b.Arrow()
			if a.NullN() != b.NullN() || a.Len() != b.Len() {
				t.Fatalf("%s: %d of %d null, want %d of %d", d, a.NullN(), a.Len(), b.NullN(), b.Len())
			}
			back, err := array.FromArrow(a)
			if err != nil {
				t.Fatal(err)
			}
			a.Release() // the block has retained it
			if err := ref.Equal(b, back); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// watched is an allocator that says when something was freed.
type watched struct {
	memory.Allocator
	freed chan struct{}
}

func (w watched) Free(b []byte) {
	w.Allocator.Free(b)
	w.freed <- struct{}{}
}

// TestFromArrowReleases: the array is retained while a block over it is reachable, and released some time after.
func TestFromArrowReleases(t *testing.T) {
	checked := memory.NewCheckedAllocator(memory.DefaultAllocator)
	w := watched{checked, make(chan struct{}, 10)}
	keep := func() *array.Block {
		builder := arrowarray.NewInt64Builder(w)
		builder.AppendValues([]int64{1, 2, 3}, nil)
		builder.Resize(3)
		a := builder.NewInt64Array()
		builder.Release()
		b, err := array.FromArrow(a)
		if err != nil {
			t.Fatal(err)
		}
		a.Release()
		return b.Slice(1, 3)
	}()
	for range 3 {
		runtime.GC()
	}
	if checked.CurrentAlloc() == 0 || items(keep) != "2 3" {
		t.Fatalf("the memory of %s is gone while a slice of the block is there", items(keep))
	}
	keep = nil
	for range 1000 {
		runtime.GC()
		select {
		case <-w.freed:
			if checked.CurrentAlloc() == 0 {
				return
			}
		default:
			runtime.Gosched()
		}
	}
	t.Error("the array was never released")
}

// TestArrowKeepsBlock: what owns a block's memory stays as long as an Arrow array over it.
func TestArrowKeepsBlock(t *testing.T) {
	gone := make(chan struct{})
	a := func() arrow.Array {
		type mapping struct{ bytes []byte }
		keep := &mapping{array.AllocBytes(16)}
		runtime.AddCleanup(keep, func(gone chan struct{}) { close(gone) }, gone)
		b, err := array.WrapBlock(array.Int64, 2, 0, keep.bytes, nil, keep)
		if err != nil {
			t.Fatal(err)
		}
		return b.Arrow()
	}()
	for range 5 {
		runtime.GC()
		runtime.Gosched()
	}
	select {
	case <-gone:
		t.Error("the owner is gone while the array is there")
	default:
	}
	runtime.KeepAlive(a)
}

func TestNewBlock(t *testing.T) {
	for _, d := range array.DTypes() {
		for _, shape := range []array.Shape{{}, {0}, {3, 0}, {13}, {2, 7}} {
			b := array.NewBlock(d, shape, true)
			values, validity, offset := b.Raw()
			if len(values) != d.BufferSize(shape.Len()) || len(validity) != (shape.Len()+7)/8 || offset != 0 {
				t.Errorf("%s%v has %d bytes and %d of validity", d, shape, len(values), len(validity))
			}
			if len(values) > 0 && reflect.ValueOf(values).Pointer()%array.Alignment != 0 {
				t.Errorf("%s%v is not aligned", d, shape)
			}
			if b.NullN() != 0 || !b.HasNulls() || b.Len() != shape.Len() {
				t.Errorf("%s%v starts with %d nulls of %d", d, shape, b.NullN(), b.Len())
			}
			b.Arrow().Release()
			_ = b.String()
		}
	}
}
