package exec_test

import (
	"bytes"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
)

// FuzzForests: what a rank sends as reductions is refused or is what it says: whole, in order, over its elements.
func FuzzForests(f *testing.F) {
	good := array.Forest{}
	for leaf := range uint64(7) {
		good = good.Push(array.Sum, array.Float64, array.Partial{Index: leaf, Acc: leaf, Count: 1024})
	}
	f.Add(exec.EncodeForests([]array.Forest{good}), 1, 0, 7*array.LeafSize)
	f.Add(exec.EncodeForests([]array.Forest{good, good}), 2, 0, 7*array.LeafSize-5)
	f.Add(exec.EncodeForests([]array.Forest{nil}), 1, 1024, 1024)
	f.Add(bytes.Repeat([]byte{0xff}, 48), 1, 0, 1)
	f.Fuzz(func(t *testing.T, raw []byte, n, lo, hi int) {
		if n < 0 || n > 100 || lo < 0 || hi < lo || hi > 1<<40 {
			t.Skip("no plan asks for such a part")
		}
		forests, err := exec.DecodeForests(raw, n, lo, hi)
		if err != nil {
			return
		}
		if again := exec.EncodeForests(forests); !bytes.Equal(again, raw) {
			t.Errorf("%x came back as %x", raw, again)
		}
		for _, f := range forests {
			leaves := 0
			for _, p := range f {
				leaves += 1 << p.Level
			}
			if want := (hi+array.LeafSize-1)/array.LeafSize - lo/array.LeafSize; hi > lo && leaves != want {
				t.Errorf("%d leaves over [%d,%d), want %d", leaves, lo, hi, want)
			}
		}
	})
}
