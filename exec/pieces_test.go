package exec_test

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/internal/ref"
)

// broken up is a column that comes in pieces of uneven length.
type brokenUp struct {
	column
	seed uint64
	most int
}

func (c *brokenUp) Read(ctx context.Context, lo, hi int) ([]*array.Block, error) {
	all, err := c.column.Read(ctx, lo, hi)
	if err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(c.seed, uint64(lo)))
	var out []*array.Block
	for at, n := 0, hi-lo; at < n || out == nil; {
		next := min(n, at+1+rng.IntN(c.most))
		out = append(out, all[0].Slice(at, next))
		at = next
	}
	return out, nil
}

// stepped is such a column that is read in steps.
type stepped struct {
	brokenUp
	reads *atomic.Int64 // the longest
}

func (c *stepped) Read(ctx context.Context, lo, hi int) ([]*array.Block, error) {
	for {
		most := c.reads.Load()
		if int64(hi-lo) <= most || c.reads.CompareAndSwap(most, int64(hi-lo)) {
			break
		}
	}
	return c.brokenUp.Read(ctx, lo, hi)
}

func (c *stepped) Steps(lo, hi int) []int {
	var ends []int
	for end := lo / c.most * c.most; end < hi; {
		if end += c.most; end > lo {
			ends = append(ends, min(end, hi))
		}
	}
	return ends
}

// TestPieces: columns that come in pieces give what they give in one, whatever reads them.
func TestPieces(t *testing.T) {
	leak.Check(t)
	rng := rand.New(rand.NewPCG(5, 5))
	n := 100*array.LeafSize + 77
	blocks := map[string]*array.Block{
		"x": ref.Random(rng, array.Float64, array.Shape{n}, 0.1), "y": ref.Random(rng, array.Float64, array.Shape{n}, 0), "b": ref.Random(rng, array.Bool, array.Shape{n}, 0.1),
	}
	for _, most := range []int{n, 60 * array.LeafSize, 9 * array.LeafSize, 1000, -20 * array.LeafSize, -3*array.LeafSize - 5, -700} { // negative: in steps
		for _, p := range []int{1, 2, 3} {
			var longest atomic.Int64
			cl := local(t, p, func(rank int, c *exec.Config) {
				c.Open = func(_ context.Context, s *array.Source) (exec.Reader, error) {
					c := brokenUp{column{blocks[s.Column], new(bool)}, uint64(rank) + uint64(len(s.Column)) + uint64(s.Column[0]), max(most, -most)}
					if most < 0 {
						return &stepped{c, &longest}, nil
					}
					return &c, nil
				}
			})
			exprs := func(col func(string) *array.Node) []*array.Node {
				x, y, b := col("x"), col("y"), col("b")
				return []*array.Node{
					apply(array.Sum, x), apply(array.Var, apply(array.Add, x, y)), apply(array.ArgMax, y), apply(array.All, b), apply(array.Count, b),
					apply(array.Max, apply(array.Multiply, apply(array.Subtract, x, apply(array.Mean, x)), y)), apply(array.Add, x, y), apply(array.CumSum, y),
					masked(x, array.Truth(blocks["b"])),
				}
			}
			file := exprs(func(name string) *array.Node {
				return array.File(&array.Source{Format: "test", Paths: []string{"a"}, Column: name, Name: "f." + name}, blocks[name].DType(), n, 0)
			})
			data := exprs(func(name string) *array.Node { return array.Data(blocks[name], 0) })
			if most < 0 { // what only reduces never has more than a step
				if _, _, err := cl.Collect(t.Context(), file[:2]); err != nil || longest.Load() > int64(-most) {
					t.Errorf("%d ranks: %d elements are read at once, a step has %d, %v", p, longest.Load(), -most, err)
				}
			}
			for _, together := range []bool{true, false} {
				var got []*array.Block
				var err error
				if together {
					got, _, err = cl.Collect(t.Context(), file)
				} else {
					got = make([]*array.Block, len(file))
					for i, f := range file {
						one, _, wrong := cl.Collect(t.Context(), []*array.Node{f})
						if wrong != nil {
							t.Fatal(wrong)
						}
						got[i] = one[0]
					}
				}
				if err != nil {
					t.Fatal(err)
				}
				want, _, err := cl.Collect(t.Context(), data) // which TestFilter and the others hold against the reference
				if err != nil {
					t.Fatal(err)
				}
				for i := range file {
					if err := ref.Equal(got[i], want[i]); err != nil {
						t.Errorf("%d ranks, pieces of %d, together %v: %s: %v", p, most, together, file[i], err)
					}
				}
			}
			cl.stop()
		}
	}
}
