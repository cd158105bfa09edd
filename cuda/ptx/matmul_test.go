package ptx_test

import (
	"fmt"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/cuda/ptx"
	"github.com/darray-go/darray/cuda/ptx/ptxtest"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/internal/ref"
)

// product is elements [lo, hi) of a matrix product on the card.
func (c *card) product(x, y *array.Block, e array.Extents, lo, hi int) *array.Block {
	c.t.Helper()
	defer c.Free()
	k, err := ptx.Matmul(x.DType())
	if err != nil {
		c.t.Fatal(err)
	}
	p := ptxtest.Params{}
	first, end := e.RowsOf(lo, hi)
	c.Operand(p, 0, x, first*e.Inner, (end-first)*e.Inner)
	c.Operand(p, 1, y, 0, y.Len())
	c.Result(p, x.DType(), hi-lo)
	if x.DType() == array.Bool {
		clear(c.Bytes(p[ptx.Param{Kind: ptx.Result}], (hi-lo+31)/32*4))
	}
	tiles := ptx.MatmulTiles(e, lo, hi)
	p.Set(ptx.Count, 0, uint64(tiles))
	p.Set(ptx.First, 0, uint64(lo%e.Columns))
	p.Set(ptx.Length, 0, uint64(hi-lo))
	p.Set(ptx.Inner, 0, uint64(e.Inner))
	p.Set(ptx.ColumnCount, 0, uint64(e.Columns))
	c.Launch(k, 1+c.rng.IntN(tiles), p)
	return c.Block(p, x.DType(), array.Shape{hi - lo}, false)
}

func TestMatmul(t *testing.T) {
	leak.Check(t)
	for _, d := range array.DTypes() {
		t.Run(d.String(), func(t *testing.T) {
			c := newCard(t, 21)
			extents := [][3]int{{1, 1, 1}, {3, 5, 7}, {65, 17, 1}, {2, 40, 66}}
			switch {
			case d.Float():
				extents = append(extents, [][3]int{{1, 256, 3}, {2, 600, 3}, {70, 33, 65}}...)
			case d == array.Bool || d == array.Int64:
				extents = append(extents, [3]int{70, 33, 65})
			}
			for i, of := range extents {
				if (i+int(d))%stride != 0 && stride > 1 {
					continue
				}
				c.Races = i < 2
				e := array.Extents{Rows: of[0], Inner: of[1], Columns: of[2]}
				x, y := c.random(d, array.Shape{e.Rows, e.Inner}, 0), c.random(d, array.Shape{e.Inner, e.Columns}, 0)
				n := array.Matmul(array.Data(x, 0), array.Data(y, 0), 0)
				all, err := ref.Eval(n)
				if err != nil {
					t.Fatal(err)
				}
				size := e.Rows * e.Columns
				if all, err = all.Reshape(array.Shape{size}); err != nil {
					t.Fatal(err)
				}
				lo := c.rng.IntN(size)
				for _, part := range [][2]int{{0, size}, {lo, lo + 1 + c.rng.IntN(size-lo)}} {
					got := c.product(x, y, e, part[0], part[1])
					if err := ref.Equal(got, all.Slice(part[0], part[1])); err != nil {
						t.Fatalf("%v, elements %v: %v", e, part, err)
					}
				}
			}
		})
	}
}

func TestMatmulTiles(t *testing.T) {
	leak.Check(t)
	for _, c := range []struct{ columns, lo, hi, want int }{{1, 0, 64, 1}, {1, 0, 65, 2}, {65, 0, 1, 2}, {65, 64, 66, 2}, {10, 5, 646, 2}} {
		if got := ptx.MatmulTiles(array.Extents{Rows: 1000, Inner: 1, Columns: c.columns}, c.lo, c.hi); got != c.want {
			t.Error(fmt.Sprint(c, got))
		}
	}
}
