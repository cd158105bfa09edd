package exec_test

import (
	"context"
	"errors"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
	"github.com/darray-go/darray/exec/cpu/mem"
	"github.com/darray-go/darray/internal/leak"
)

// TestRoomInto: what is computed in the caller's memory needs none of the pool; what is only copied there does.
func TestRoomInto(t *testing.T) {
	leak.Check(t)
	const n = 300_000
	x := data(t, floats(n))
	sum := apply(array.Add, x, x)
	centred := apply(array.Multiply, apply(array.Subtract, sum, apply(array.Mean, sum)), sum)
	flags := apply(array.Less, reshape(data(t, floats(9*n)), 9*n), number(3.0))
	result := mem.Size(array.Float64.BufferSize(n))
	for _, p := range []int{1, 3} {
		for _, tt := range []struct {
			name  string
			root  *array.Node
			in    int // bytes of the result that are not taken
			fails bool
		}{
			{"add", sum, result, false},
			{"a stored temporary", centred, result, false},
			{"what is given", x, result, p > 1}, // a copy of one rank's data, or nothing
			{"bools", flags, mem.Size(array.Bool.BufferSize(9 * n)), true},
		} {
			roots := []*array.Node{tt.root}
			plan, err := exec.NewPlan(roots, exec.Setting{Ranks: p, Device: "cpu", InProcess: true, Options: exec.Options{SmallWork: dealOut}})
			if err != nil {
				t.Fatal(err)
			}
			all := 0
			for _, peak := range plan.Peak {
				all += peak
			}
			pool := mem.New(mem.Config{Limit: max(all-tt.in, 1), Idle: -1})
			cl := local(t, p, func(_ int, c *exec.Config) { c.Memory = pool })
			if _, _, err := cl.Collect(context.Background(), roots); !errors.Is(err, exec.ErrMemory) {
				t.Errorf("%s on %d ranks: Collect gives %v", tt.name, p, err)
			}
			dst := array.NewBlock(tt.root.DType(), tt.root.Shape(), false)
			if _, err := cl.CollectInto(context.Background(), tt.root, dst); (err != nil) != tt.fails || tt.fails && !errors.Is(err, exec.ErrMemory) {
				t.Errorf("%s on %d ranks: CollectInto gives %v", tt.name, p, err)
			}
			cl.stop()
			pool.Close()
		}
	}
}
