package comm_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
)

// A rank that aborts at once and closes is heard by those that are on their way into a collective.
func TestAbortAndClose(t *testing.T) {
	leak.Check(t)
	for range 200 {
		comms, err := comm.NewLocal(3)
		if err != nil {
			t.Fatal(err)
		}
		errs := make([]error, 3)
		var all sync.WaitGroup
		for r, c := range comms {
			all.Go(func() {
				if r == 2 {
					c.Abort(errors.New("out of luck"))
				} else if errs[r] = comm.Barrier(t.Context(), c); errs[r] != nil {
					c.Abort(errs[r])
				}
				c.Close()
			})
		}
		all.Wait()
		for r, err := range errs[:2] {
			if err == nil || !strings.Contains(err.Error(), "out of luck") {
				t.Fatalf("rank %d: %v", r, err)
			}
		}
	}
}
