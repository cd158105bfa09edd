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
