package exec_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/link"
)

// equals are the ranks of a program that all of them run: none is in Serve.
func equals(t testing.TB, transports []link.Transport, each ...func(rank int, c *exec.Config)) *cluster {
	t.Helper()
	cl := &cluster{comms: commsOver(t, transports), served: make([]error, len(transports))}
	cl.make(t, each...)
	t.Cleanup(cl.stop)
	return cl
}

// collectSPMD has all ranks collect.
func (cl *cluster) collectSPMD(ctx context.Context, roots []*array.Node) error {
	errs := make([]error, len(cl.execs))
	var all sync.WaitGroup
	for r, e := range cl.execs {
		all.Go(func() { _, _, errs[r] = e.CollectSPMD(ctx, roots) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// TestExplainAlone: any rank explains while no other rank listens. What rank 0 has learnt by then it says.
func TestExplainAlone(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		n, files := everyStep(t)
		roots := []*array.Node{n}
		cl := equals(t, apart(3, 1), files)
		defer cl.stop()
		const apart = "for ranks [2]: not on this rank"
		for _, collected := range []bool{false, true} {
			for r, e := range cl.execs {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				plan, err := e.ExplainSPMD(ctx, roots)
				cancel()
				if err != nil {
					t.Fatalf("rank %d: %v", r, err)
				}
				if says := strings.Contains(plan.String(), apart); says != (collected && r == 0) {
					t.Errorf("rank %d, collected %v:\n%v", r, collected, plan)
				}
			}
			if err := cl.collectSPMD(t.Context(), roots); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// silent is an accelerator that does not say how fast it is.
type silent struct{ *afar }

func (silent) Rates(ctx context.Context) (array.Rates, error) {
	<-ctx.Done()
	return array.Rates{}, ctx.Err()
}

// TestLateRank: ranks of one program may be far apart when the first of them has a plan for accelerators. It waits for all to come; not
// for one that has come and does not answer, nor for anybody once a rank has refused.
func TestLateRank(t *testing.T) {
	leak.Check(t)
	const late = 90 * time.Second
	for _, tt := range []struct {
		name   string
		of     func(a *afar) exec.Accelerator // rank 1's
		always bool
		says   string // why there are no accelerators
		until  time.Duration
	}{
		{"in time", func(a *afar) exec.Accelerator { return a }, false, "", late},
		{"in time for all", func(a *afar) exec.Accelerator { return a }, true, "", late},
		{"refused", func(a *afar) exec.Accelerator { return absent{a} }, true, "rank 1: no driver", 0},
		{"no answer", func(a *afar) exec.Accelerator { return silent{a} }, true, "did not answer within 1m0s", late + time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cl := equals(t, apart(3, 1), func(rank int, c *exec.Config) {
					a := newAfar(t)
					if c.Accelerator, c.Accelerate = a, tt.always; rank == 1 {
						c.Accelerator = tt.of(a)
					}
				})
				defer cl.stop()
				root := apply(array.Square, data(t, floats(1<<17)))
				var all sync.WaitGroup
				for r, e := range cl.execs {
					all.Go(func() {
						if r == 2 {
							<-time.After(late)
						}
						blocks, stats, err := e.CollectSPMD(t.Context(), []*array.Node{root})
						if (err != nil) != (tt.says != "") || err != nil && !strings.Contains(err.Error(), tt.says) {
							t.Errorf("rank %d: %v, want %q", r, err, tt.says)
						}
						if r > 0 {
							return
						}
						if took := time.Since(start()); took.Truncate(time.Second) != tt.until {
							t.Errorf("it took %v, want %v", took, tt.until)
						}
						if stats.NoAccelerator != "" {
							t.Errorf("no accelerators: %s", stats.NoAccelerator)
						}
						if err == nil {
							same(t, blocks[0], root)
						}
					})
				}
				all.Wait()
			})
		})
	}
}
