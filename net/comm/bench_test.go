package comm_test

import (
	"fmt"
	"testing"

	"github.com/darray-go/darray/net/comm"
)

var benchLinks = []struct {
	name  string
	comms func(t testing.TB, p int) []*comm.Comm
}{{"mem", local}, {"quic", overQUIC}}

// One message there and one back.
func BenchmarkPingPong(b *testing.B) {
	for _, l := range benchLinks {
		for _, bytes := range []int{8, 4 << 10, 1 << 20, 64 << 20} {
			b.Run(fmt.Sprintf("%s/%d", l.name, bytes), func(b *testing.B) {
				comms := l.comms(b, 2)
				b.SetBytes(int64(2 * bytes))
				b.ReportAllocs()
				bench(b, comms, func(c *comm.Comm, xs []float64) error {
					if c.Rank() == 0 {
						if err := comm.Send(b.Context(), c, 1, 0, xs); err != nil {
							return err
						}
					}
					_, err := comm.Recv(b.Context(), c, 1-c.Rank(), 0, xs)
					if err == nil && c.Rank() == 1 {
						err = comm.Send(b.Context(), c, 0, 0, xs)
					}
					return err
				}, bytes/8)
			})
		}
	}
}

func BenchmarkCollective(b *testing.B) {
	type run struct {
		name string
		f    func(c *comm.Comm, xs []float64) error
	}
	for _, l := range benchLinks {
		for _, bytes := range []int{8, 1 << 20, 16 << 20} {
			for _, r := range []run{
				{"barrier", func(c *comm.Comm, _ []float64) error { return comm.Barrier(b.Context(), c) }},
				{"bcast", func(c *comm.Comm, xs []float64) error { return comm.Bcast(b.Context(), c, 0, xs) }},
				{"gather", func(c *comm.Comm, xs []float64) error {
					_, err := comm.Gather(b.Context(), c, 0, xs[:len(xs)/c.Size()])
					return err
				}},
				{"allreduce", func(c *comm.Comm, xs []float64) error {
					_, err := comm.Allreduce(b.Context(), c, comm.Sum, xs)
					return err
				}},
			} {
				b.Run(fmt.Sprintf("%s/%s/%d", l.name, r.name, bytes), func(b *testing.B) {
					comms := l.comms(b, 4)
					b.SetBytes(int64(bytes))
					bench(b, comms, r.f, bytes/8)
				})
			}
		}
	}
}

// bench runs f b.N times on every rank, each with n elements of its own.
func bench(b *testing.B, comms []*comm.Comm, f func(c *comm.Comm, xs []float64) error, n int) {
	rounds := func(times int) {
		spmd(b, comms, func(c *comm.Comm) error {
			xs := make([]float64, n)
			for range times {
				if err := f(c, xs); err != nil {
					return err
				}
			}
			return nil
		})
	}
	rounds(1) // dials and first touches
	b.ResetTimer()
	rounds(b.N)
}
