package darray_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"runtime"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/internal/leak"
)

func ExampleMatmul() {
	a := darray.Arange(0, 6, 1).Reshape(2, 3)
	b := darray.FromSlice([]float64{1, 0, 0, 1, 1, 1}, 3, 2)
	block, err := darray.Matmul(a, b).Collect()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(block)

	norm2, err := darray.Item[int](darray.Matmul(a.Reshape(6), a.Reshape(6))) // a dot
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(norm2)
	// Output:
	// [[2. 3.]
	//  [8. 9.]]
	// 55
}

func TestMatmulMistakesNameTheLine(t *testing.T) {
	_, _, line, _ := runtime.Caller(0)
	a := darray.Matmul(darray.Ones(darray.Float64, 3, 4), darray.Ones(darray.Float64, 3, 4)) // line + 1
	_, err := a.Collect()
	if !errors.Is(err, darray.ErrShape) {
		t.Fatalf("error %v", err)
	}
	for _, want := range []string{"[3 4] and [3 4]", "transpose", "matmul_test.go:" + itoa(line+1)} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %q", want, err)
		}
	}
	if err := darray.Matmul(darray.Array{}, a).Err(); err == nil {
		t.Error("the zero Array was multiplied")
	}
}

// TestMatmulNulls: a null spreads over its row or column, unless it is filled.
func TestMatmulNulls(t *testing.T) {
	leak.Check(t)
	builder := arrowarray.NewInt32Builder(memory.DefaultAllocator)
	defer builder.Release()
	builder.AppendValues([]int32{1, 2, 3, 4}, []bool{true, false, true, true})
	column := builder.NewArray()
	defer column.Release()
	a := darray.FromArrow(column).Reshape(2, 2) // 1 null / 3 4
	eye := darray.FromSlice([]int32{1, 0, 0, 1}, 2, 2)
	c, err := darray.Local(2)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	blocks, err := c.Collect(context.Background(), darray.Matmul(a, eye), darray.Matmul(eye, a), darray.Matmul(darray.FillNull(a, 0), eye))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"[(null) (null) 3 4]", "[1 (null) 3 (null)]", "[1 0 3 4]"} {
		got := blocks[i].Arrow()
		if got.String() != want || got.DataType().ID() != arrow.INT32 {
			t.Errorf("product %d is %s %s, want %s", i, got, got.DataType(), want)
		}
		got.Release()
	}
}
