package array_test

import (
	"testing"

	"github.com/darray-go/darray/array"
)

// TestOverwriteShifted: a part of a block gets another part of it, whichever way they lie over each other.
func TestOverwriteShifted(t *testing.T) {
	const n = 200
	for _, d := range []array.DType{array.Bool, array.Int8, array.Float64} {
		for _, lo := range []int{0, 1, 7, 8, 9, 70} {
			for _, from := range []int{0, 1, 7, 8, 9, 70} {
				whole := array.NewBlock(d, array.Shape{n}, false)
				want := make([]bool, n)
				for i := range n {
					want[i] = i*i%7 < 3
					whole.SetScalar(i, array.ScalarOf(want[i]).Cast(d), true)
				}
				const part = 120
				copy(want[lo:lo+part], append([]bool(nil), want[from:from+part]...))
				if err := whole.Slice(lo, lo+part).Overwrite(whole.Slice(from, from+part)); err != nil {
					t.Fatal(err)
				}
				for i := range n {
					if v, _ := whole.Scalar(i); (v.Float() != 0) != want[i] {
						t.Fatalf("%s, [%d, %d) from %d on: element %d is %s, want %v", d, lo, lo+part, from, i, v, want[i])
					}
				}
			}
		}
	}
}

// TestOverwriteOwnsValidity: memory that something else owns, as a mapped file, may go with that: nothing of it is left.
func TestOverwriteOwnsValidity(t *testing.T) {
	for _, offset := range []int{0, 3} {
		const n = 20
		validity := []byte{0x55, 0x55, 0x55}
		from, err := array.WrapBlock(array.Float64, n, offset, array.AllocBytes(8*(n+offset)), validity, "a mapping")
		if err != nil {
			t.Fatal(err)
		}
		to := array.NewBlock(array.Float64, array.Shape{n + offset}, false).Slice(offset, offset+n)
		if err := to.Overwrite(from); err != nil {
			t.Fatal(err)
		}
		clear(validity) // the mapping is gone
		if to.NullN() != n/2 {
			t.Errorf("offset %d: %d nulls, want %d", offset, to.NullN(), n/2)
		}
	}
}
