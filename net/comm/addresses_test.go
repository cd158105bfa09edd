package comm_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/link"
)

// TestJoinBySeveralAddresses: rank 0 may be known by addresses of which only some lead to it.
func TestJoinBySeveralAddresses(t *testing.T) {
	leak.Check(t)
	for _, root := range []string{"mem:7,mem:0", "mem:0,mem:7", "mem:0,mem:0,mem:0"} {
		synctest.Test(t, func(t *testing.T) {
			cfgs := configs(link.NewMem(3))
			for r := range cfgs {
				cfgs[r].Root = root
			}
			comms, errs := joinAll(t.Context(), cfgs)
			if err := errors.Join(errs...); err != nil {
				t.Errorf("%s: %v", root, err)
			}
			for _, c := range comms {
				if c != nil {
					defer c.Close()
				}
			}
		})
	}
}

// TestMissingSaysWhere: the message names the launcher and the host, and those who wait say so before.
func TestMissingSaysWhere(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		cfgs := configs(link.NewMem(3))[:2]
		var lines []string
		for r := range cfgs {
			cfgs[r].Timeout = 7 * time.Second
			cfgs[r].Launcher = "srun"
			cfgs[r].Expected = func(rank int) string { return "node" + string(rune('0'+rank)) }
		}
		cfgs[0].Waiting = func(line string) { lines = append(lines, line) }
		cfgs[0].Root = "10.0.0.1:5"
		_, errs := joinAll(t.Context(), cfgs)
		want := "2 of 3 ranks joined in 7s; missing: rank 2 (launcher srun; expected on node2). Rank 0 listens on 10.0.0.1:5/udp: is UDP"
		for r, err := range errs {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("rank %d: %v", r, err)
			}
		}
		if len(lines) != 1 || !strings.HasPrefix(lines[0], "2 of 3 ranks joined in 5s; waiting for rank 2 (launcher srun") {
			t.Errorf("says %q", lines)
		}
	})
}
