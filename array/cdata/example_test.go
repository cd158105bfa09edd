//go:build cgo

package cdata_test

import (
	"fmt"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/array/cdata"
)

// A block goes out and comes back. In between, the two addresses go to C, or to Python: pyarrow.Array._import_from_c(array, schema).
func Example() {
	b, err := array.FromSlice([]float64{1, 2, 3, 4, 5, 6}, 2, 3)
	if err != nil {
		fmt.Println(err)
		return
	}
	s := cdata.NewStructs()
	defer s.Close()
	if err := cdata.Export(b, s.Array(), s.Schema()); err != nil {
		fmt.Println(err)
		return
	}
	back, err := cdata.Import(s.Array(), s.Schema())
	if err != nil {
		fmt.Println(err)
		return
	}
	values, err := array.Values[float64](back)
	fmt.Println(back.Shape(), values, back.Overlaps(b), err)
	// Output: [2 3] [1 2 3 4 5 6] true <nil>
}
