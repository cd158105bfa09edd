package comm_test

import (
	"fmt"
	"testing"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
	"github.com/darray-go/darray/net/link"
	"github.com/darray-go/darray/net/quiclink"
)

// The collectives over QUIC whose large payloads go by lanes: of TCP, and of more QUIC connections, which carry what is
// at least 8 MiB.
func TestCollectivesLanes(t *testing.T) {
	leak.Check(t)
	for _, tt := range []struct {
		bulk   string
		lanes  int
		scheme string
	}{
		{quiclink.BulkTCP, 1, "quic+tcp"},
		{quiclink.BulkTCP, 3, "quic+tcp"},
		{"", 2, "quic+quic"},
	} {
		for _, p := range ranksOf([]int{2, 4}, []int{3}) {
			t.Run(fmt.Sprintf("%s/lanes=%d/p=%d", tt.scheme, tt.lanes, p), func(t *testing.T) {
				ts := make([]link.Transport, p)
				for r := range ts {
					tr, err := quiclink.Listen(quiclink.Config{
						Rank: r, Size: p, Job: "lanes", Token: make([]byte, 32), Bulk: tt.bulk, Lanes: tt.lanes,
					})
					if err != nil {
						t.Fatal(err)
					}
					ts[r] = tr
				}
				spmd(t, joined(t, ts), func(c *comm.Comm) error {
					for i, n := range []int{0, p + 1, 20_000} {
						if err := checkAll(t.Context(), c, i%p, n); err != nil {
							return err
						}
					}
					const large = 9 << 20 / 8
					if err := checkBcast(comm.ByAlgorithm(t.Context(), "binomial", nil), c, p-1, large); err != nil {
						return err
					}
					for _, s := range c.Stats() {
						if s.Scheme != tt.scheme {
							return fmt.Errorf("rank %d speaks with rank %d by %s", c.Rank(), s.Rank, s.Scheme)
						}
					}
					return nil
				})
			})
		}
	}
}
