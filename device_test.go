package darray_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/internal/leak"
)

// notThere is an accelerator that cannot be opened.
type notThere struct{ darray.Accelerator }

func (notThere) Rates(context.Context) (array.Rates, error) { return array.Rates{}, nil }

// TestUse: what a program adds is opened when it may be worth it, or at once where it was asked for by name; and what it does not
// add cannot be asked for.
func TestUse(t *testing.T) {
	leak.Check(t)
	asked := darray.Config{Device: "cuda"}
	if _, err := asked.Local(1); err == nil || !strings.Contains(err.Error(), "darray.Use(") {
		t.Errorf("a device that nobody added: %v", err)
	}
	opened := 0
	t.Cleanup(darray.ForgetDevice)
	darray.Use("cuda", func(local int, simulated bool) (notThere, error) {
		opened++
		return notThere{}, errors.New("no driver")
	})
	if _, err := asked.Local(1); err == nil || !strings.Contains(err.Error(), "no driver; device cuda was asked for") || opened != 1 {
		t.Errorf("a device that is not there, opened %d times: %v", opened, err)
	}
	c, err := darray.Config{}.Local(1)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, tt := range []struct {
		n    int
		says bool
	}{{10, false}, {1 << 17, true}} {
		plan, err := c.Explain(t.Context(), darray.Sqrt(darray.Arange(0.0, float64(tt.n), 1)))
		if err != nil {
			t.Fatal(err)
		}
		if says := strings.Contains(plan.String(), "device: cpu alone; no driver"); says != tt.says {
			t.Errorf("%d elements: the plan says so: %v\n%v", tt.n, says, plan)
		}
	}
	if opened != 2 {
		t.Errorf("opened %d times, want once for each cluster that had to know", opened)
	}
	processor, err := darray.Config{Device: "cpu"}.Local(1)
	if err != nil {
		t.Fatal(err)
	}
	if err := processor.Close(); err != nil || opened != 2 {
		t.Errorf("the processor alone opened a device: %v", err)
	}
}
