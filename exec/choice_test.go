package exec_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
	"github.com/darray-go/darray/internal/leak"
)

// paper is an accelerator that is only planned with.
type paper struct {
	*afar
	refused error
}

func (p *paper) Takes(*array.Program) error { return p.refused }

// TestChoice holds the planner's choice against what follows by hand from bytes and bandwidths: c = a + b of float64 moves 16
// bytes an element up and 8 down, and the processor takes 24 bytes over its bandwidth.
func TestChoice(t *testing.T) {
	const n, giga = 1 << 24, 1e9
	x, y := array.Data(array.NewBlock(array.Float64, array.Shape{n}, false), 0), array.Data(array.NewBlock(array.Float64, array.Shape{n}, false), 0)
	sum := apply(array.Add, x, y)
	functions := sum
	for range 8 {
		functions = apply(array.Sin, functions)
	}
	square := func() *array.Node { return array.Reshape(x, array.Shape{4096, 4096}, 0) }
	steps := array.Matmul(square(), array.Matmul(square(), square(), 0), 0)
	for _, tt := range []struct {
		name            string
		link, processor float64 // GB/s
		root            *array.Node
		always          bool
		refused         error
		on              int // runs and products there
		stays           int
	}{
		{"a sum over a link that is slower than memory", 25, 50, sum, false, nil, 0, 0},
		{"a sum over a link as fast as memory", 52, 50, sum, false, nil, 1, 0},
		{"a sum over a link that is slower than a server's memory", 52, 200, sum, false, nil, 0, 0},
		{"the link of one package", 346, 200, sum, false, nil, 1, 0},
		{"much to compute", 25, 50, functions, false, nil, 1, 0},
		{"products, the first of which stays there", 25, 50, steps, false, nil, 2, 1},
		{"whatever it costs", 1, 50, sum, true, nil, 1, 0},
		{"what it does not take", 346, 1, sum, true, errors.New("no such op"), 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			plan, err := exec.NewPlan([]*array.Node{tt.root}, exec.Setting{Ranks: 1, Device: "cpu", Choice: exec.Choice{
				Accelerator: &paper{newAfar(t), tt.refused}, Always: tt.always,
				Rates:     array.Rates{Launch: 10 * time.Microsecond, Up: tt.link * giga, Down: tt.link * giga, Memory: 4300 * giga, Ops: 3e12},
				Processor: array.Rates{Launch: time.Microsecond, Memory: tt.processor * giga, Ops: 1e11},
			}})
			if err != nil {
				t.Fatal(err)
			}
			on := 0
			for _, s := range plan.Steps {
				if s.Device == "afar" {
					on++
				}
			}
			if on != tt.on || plan.Staying() != tt.stays {
				t.Errorf("%d steps on the accelerator with %d results that stay, want %d and %d:\n%v", on, plan.Staying(), tt.on, tt.stays, plan)
			}
			if refused := plan.Refused(); (tt.refused != nil) != (len(refused) > 0) {
				t.Errorf("refused: %v", refused)
			}
			if tt.root != sum || tt.refused != nil {
				return
			}
			up, down, here := 16*n/tt.link/1e6, 8*n/tt.link/1e6, 24*n/tt.processor/1e6+1e-3 // ms
			text := fmt.Sprintf("(up %.3g ms, down %.3g ms), processor %.3g ms", up, down, here)
			if up < 1 || down < 1 {
				text = fmt.Sprintf("(up %.3g us, down %.3g us), processor %.3g ms", up*1e3, down*1e3, here)
			}
			if !strings.Contains(plan.String(), text) {
				t.Errorf("the plan does not say %q:\n%v", text, plan)
			}
		})
	}
}

// TestNoAccelerator: a plan says why there is no accelerator where somebody asked for one.
func TestNoAccelerator(t *testing.T) {
	root := apply(array.Square, data(t, []float64{1, 2}))
	for _, why := range []string{"", "no driver: libcuda.so.1 is not there"} {
		plan, err := exec.NewPlan([]*array.Node{root}, exec.Setting{Ranks: 1, Device: "cpu", Choice: exec.Choice{Why: why}})
		if err != nil {
			t.Fatal(err)
		}
		if says := strings.Contains(plan.String(), "device: cpu alone; "+why); says != (why != "") {
			t.Errorf("%q: %v", why, plan)
		}
	}
}

// tardy is an accelerator that takes the time that there is to measure itself, and a processor that has none then.
type tardy struct {
	*afar
	cancel context.CancelFunc
	asked  int
}

func (d *tardy) Rates(ctx context.Context) (array.Rates, error) {
	d.asked++
	d.cancel()
	return d.afar.Rates(ctx)
}

type untimed struct{ exec.Device }

func (untimed) Rates(ctx context.Context) (array.Rates, error) {
	return array.Rates{Launch: 1, Memory: 1e11, Ops: 1e11}, ctx.Err()
}

// TestBriefCollects: what a Collect that was cut short has measured the next one need not.
func TestBriefCollects(t *testing.T) {
	leak.Check(t)
	device := &tardy{afar: newAfar(t)}
	cl := local(t, 1, func(_ int, c *exec.Config) { c.Accelerator, c.Device = device, untimed{c.Device} })
	root := apply(array.Square, data(t, floats(1<<17)))
	for _, want := range []error{context.Canceled, nil, nil} {
		ctx, cancel := context.WithCancel(t.Context())
		device.cancel = cancel
		_, stats, err := cl.Collect(ctx, []*array.Node{root})
		cancel()
		if !errors.Is(err, want) || stats.NoAccelerator != "" {
			t.Errorf("%v, %q; want %v", err, stats.NoAccelerator, want)
		}
	}
	if device.asked != 1 {
		t.Errorf("it was measured %d times", device.asked)
	}
}

// absent is an accelerator that is not there.
type absent struct{ *afar }

func (absent) Rates(context.Context) (array.Rates, error) {
	return array.Rates{}, errors.New("no driver")
}

// TestAbsent: where the accelerator is not there a run goes on without it and says why, once it has something to gain from one;
// unless it was to take all that it can.
func TestAbsent(t *testing.T) {
	for _, n := range []int{10, 1 << 16} {
		cl := local(t, 1, func(_ int, c *exec.Config) { c.Accelerator = absent{newAfar(t)} })
		_, stats, err := cl.Collect(t.Context(), []*array.Node{apply(array.Square, data(t, floats(n)))})
		if want := map[bool]string{true: "no driver"}[n >= 1<<16]; err != nil || stats.NoAccelerator != want {
			t.Errorf("%d elements: stats say %q, want %q: %v", n, stats.NoAccelerator, want, err)
		}
		cl.stop()
	}
	cl := local(t, 1, func(_ int, c *exec.Config) { c.Accelerator, c.Accelerate = absent{newAfar(t)}, true })
	if _, _, err := cl.Collect(t.Context(), []*array.Node{apply(array.Square, data(t, floats(10)))}); err == nil || !strings.Contains(err.Error(), "no driver") {
		t.Errorf("an accelerator that must take all and is not there: %v", err)
	}
}
