package exec_test

import (
	"context"
	"errors"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
)

// TestPlanningEnds: making a large plan looks at its context again and again, and ends where that has.
func TestPlanningEnds(t *testing.T) {
	x := data(t, floats(8))
	y := x
	for range 20_000 {
		y = apply(array.Add, y, x)
	}
	setting := exec.Setting{Ranks: 3}
	whole := &ending{Context: context.Background()}
	if err := exec.PlanFor(whole, []*array.Node{y}, setting); err != nil {
		t.Fatal(err)
	}
	if whole.looks < 100 {
		t.Errorf("it looked %d times", whole.looks)
	}
	for end := 1; end <= whole.looks; end += 1 + whole.looks/20 {
		if err := exec.PlanFor(&ending{Context: context.Background(), end: end}, []*array.Node{y}, setting); !errors.Is(err, context.Canceled) {
			t.Errorf("look %d of %d: %v", end, whole.looks, err)
		}
	}
}
