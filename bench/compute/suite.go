package compute

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/darray-go/darray/bench/report"
	"github.com/darray-go/darray/bench/talk"
)

// run is one run of a suite.
type run struct {
	o          Options
	suite      Suite
	report     *report.Comparison
	contenders []*contender
	failed     []error
}

// Run measures one suite. It blocks for minutes, and ends soon after ctx. The report is complete but for what failed, which
// the error names; it is nil only if nothing could be measured.
func Run(ctx context.Context, o Options) (*Result, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	suite, err := FindSuite(o.Suite)
	if err != nil {
		return nil, err
	}
	r := &run{o: o, suite: suite, report: report.New(o.Suite, o.how())}
	r.report.Simulated = suite.gpu && o.Device == simulated
	dir, err := os.MkdirTemp("", "darray-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	defer func() {
		for _, c := range r.contenders {
			if ctx.Err() != nil {
				c.process.Kill() // who waits for us is not to wait for it
			}
			_ = c.process.Stop() // what it was asked for it has answered
		}
	}()
	if err := r.start(ctx, dir); err != nil {
		return nil, err
	}
	for _, name := range o.Cases {
		k, _ := findKernel(name)
		for _, dtype := range o.DTypes {
			for _, n := range o.sizes(suite, name) {
				if ctx.Err() == nil {
					r.group(ctx, k, dtype, n)
				}
			}
		}
	}
	r.report.Summarise()
	r.ratios()
	return &Result{r.report}, errors.Join(append(r.failed, context.Cause(ctx))...)
}

// askLimit ends a contender that does not answer a question: those of the largest cases take seconds.
const askLimit = 3 * time.Minute

func (r *run) ask(ctx context.Context, c *contender, q talk.Question) (talk.Answer, error) {
	limited, cancel := context.WithTimeoutCause(ctx, askLimit, fmt.Errorf("no answer within %v", askLimit))
	defer cancel()
	return c.process.Ask(limited, q)
}

// turn is one contender in one mode of a group.
type turn struct {
	c     *contender
	mode  string
	inner int // calls in a batch; 0: not known yet
	out   bool
}

// group measures a kernel over operands of one type and size, in all modes.
func (r *run) group(ctx context.Context, k kernel, dtype string, n int) {
	start := time.Now()
	r.revive(ctx)
	g := &group{run: r, k: k, dtype: dtype, n: n, want: k.check(dtype, n)}
	for _, mode := range r.o.Modes {
		if mode == Into && k.reduces || k.modes != nil && !slices.Contains(k.modes, mode) {
			continue
		}
		for _, c := range r.contenders {
			if c.takesPart(k.name, mode) && (c.side != limit || c.modes != nil || mode == r.o.Modes[len(r.o.Modes)-1]) {
				t := &turn{c: c, mode: mode}
				g.turns = append(g.turns, t)
				g.row(t) // in the order of the report
			}
		}
	}
	apart := g.apart()
	how := ""
	if apart {
		how = ", each contender's operands only in its turn"
	}
	fmt.Fprintf(r.o.Log, "%s, %s, n=%.3g%s", k.title, dtype, float64(n), how)
	if apart {
		g.runApart(ctx)
	} else {
		g.runTogether(ctx)
	}
	fmt.Fprintf(r.o.Log, ": %.1f s\n", time.Since(start).Seconds())
}

// fail notes that a contender broke off.
func (r *run) fail(c *contender, what string, err error) {
	err = fmt.Errorf("%s: %s: %w", what, c.name, err)
	fmt.Fprintln(r.o.Log, "\nFAILED:", err)
	r.failed = append(r.failed, err)
	line, _, _ := strings.Cut(err.Error(), "\n")
	if !slices.Contains(r.report.Failed, line) {
		r.report.Failed = append(r.report.Failed, line)
	}
}

// leaveOut says loudly who takes no part.
func (r *run) leaveOut(name, why string) {
	line := fmt.Sprintf("%s is left out: %s", name, why)
	fmt.Fprintln(r.o.Log, "WARNING:", line)
	r.report.LeftOut = append(r.report.LeftOut, line)
}
