package comm_test

import (
	"testing"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
)

// A rank that closes as soon as its part of a collective is over takes nothing away from one that is still reading it.
func TestCloseBehindPayload(t *testing.T) {
	leak.Check(t)
	const p, n = 3, 400_000
	for range 5 {
		comms := overQUIC(t, p)
		for r, err := range each(comms, func(c *comm.Comm) error {
			got, err := comm.Gather(t.Context(), c, 0, input(c.Rank(), n, 0))
			if c.Rank() > 0 {
				return c.Close()
			}
			for r := range p {
				if err == nil {
					err = same(got[r*n:(r+1)*n], input(r, n, 0))
				}
			}
			return err
		}) {
			if err != nil {
				t.Fatalf("rank %d: %v", r, err)
			}
		}
	}
}
