package exec_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
	"github.com/darray-go/darray/internal/leak"
)

// countedColumn is a column of one number that counts those that are open.
type countedColumn struct {
	column
	open *atomic.Int64
}

func (c *countedColumn) Close() error {
	c.open.Add(-1)
	return c.column.Close()
}

// TestManyFiles: an executor that reads many files, or many versions of one, keeps few open, and what it needs of those that it has closed
// it opens again.
func TestManyFiles(t *testing.T) {
	leak.Check(t)
	const n, most = 100, 32
	for _, overQUIC := range []bool{false, true} {
		open := make([]atomic.Int64, 3)
		cl := make3(t, overQUIC, func(rank int, c *exec.Config) {
			c.Open = func(_ context.Context, s *array.Source) (exec.Reader, error) {
				if overQUIC && rank == 2 && s.Column == "1" {
					return nil, fmt.Errorf("no such file on rank %d", rank)
				}
				xs := make([]float64, n)
				if _, err := fmt.Sscan(s.Column, &xs[n-1]); err != nil {
					return nil, err
				}
				b, err := array.FromSlice(xs)
				open[rank].Add(1)
				return &countedColumn{column{b, new(bool)}, &open[rank]}, err
			}
		})
		file := func(i int) *array.Node {
			name := fmt.Sprint(i)
			return array.File(&array.Source{Format: "test", Paths: []string{"a"}, Column: name, Name: "f." + name}, array.Float64, n, 0)
		}
		check := func(what string, limit int64, first, last int) {
			t.Helper()
			var roots []*array.Node
			for i := first; i < last; i++ {
				roots = append(roots, apply(array.Sum, file(i)))
			}
			blocks, _, err := cl.Collect(t.Context(), roots)
			if err != nil {
				t.Fatal(err)
			}
			for i, b := range blocks {
				if got, err := array.Values[float64](b); err != nil || got[0] != float64(first+i) {
					t.Errorf("%s: column %d adds up to %v, %v", what, first+i, got, err)
				}
			}
			few(t, open, what, limit)
		}
		for i := range 3 * most {
			check("one after another", most+1, i, i+1)
		}
		for i := range 3 * most { // which only asks who can read it
			if _, err := cl.Explain(t.Context(), []*array.Node{apply(array.Sum, file(1000+i))}); err != nil {
				t.Fatal(err)
			}
		}
		few(t, open, "asked about", most+1)
		check("again", most+1, 0, 1)
		check("again, from the root", most+1, 1, 2)
		check("at once", 4*most, 0, 3*most)
		check("and then one", most+1, 0, 1)
		cl.stop()
		for rank := range open {
			if is := open[rank].Load(); is != 0 {
				t.Errorf("rank %d has %d columns open in the end", rank, is)
			}
		}
	}
}

// few fails where a rank has more than so many columns open.
func few(t *testing.T, open []atomic.Int64, what string, limit int64) {
	t.Helper()
	for rank := range open {
		if is := open[rank].Load(); is > limit {
			t.Errorf("%s: rank %d has %d columns open, at most %d are to be", what, rank, is, limit)
		}
	}
}
