package shmlink_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/darray-go/darray/net/link"
	"github.com/darray-go/darray/net/shmlink"
)

// One message there and one back between two processes; a half of it is reported, the best beside the mean. Open MPI's
// figures on this machine are in docs/rationale.md.
func BenchmarkPingPong(b *testing.B) {
	for _, size := range []int{8, 4 << 10, 16 << 10, 64 << 10, 1 << 20, 16 << 20, 64 << 20} {
		for _, from := range []struct {
			name string
			kind uint8
		}{{"heap", kindEcho}, {"arena", kindLent}} {
			b.Run(fmt.Sprintf("%d/%s", size, from.name), func(b *testing.B) { pingPong(b, size, from.kind) })
		}
	}
}

func pingPong(b *testing.B, size int, kind uint8) {
	p, tr, c := start(b, "echo", shmlink.Config{LocalRanks: spinners(), Spin: spin()})
	box := newMailbox(c)
	var out, in []byte
	if kind == kindLent {
		a := tr.(link.Allocator)
		out, in = a.Alloc(size), a.Alloc(size)
		defer a.Free(out)
		defer a.Free(in)
	} else {
		out, in = make([]byte, size), make([]byte, size)
	}
	round := func() {
		if err := c.Send(b.Context(), link.Header{Kind: kind}, link.Payload{Bufs: [][]byte{out}}); err != nil {
			b.Fatal(err)
		}
		m, err := box.recv(b.Context())
		if err == nil {
			err = m.ReadInto(b.Context(), in)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	for range 3 {
		round()
	}
	knocks, used := shmlink.Knocks(c), cpu()
	best := time.Duration(math.MaxInt64)
	b.ReportAllocs()
	for b.Loop() {
		began := time.Now()
		round()
		best = min(best, time.Since(began))
	}
	half := b.Elapsed() / time.Duration(2*b.N)
	mine := time.Duration(cpu() - used)
	theirs := p.end(b, c)
	b.ReportMetric(float64(half.Nanoseconds())/1e3, "us/half")
	b.ReportMetric(float64(best.Nanoseconds())/2e3, "us/best")
	b.ReportMetric(float64(2*size)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GB/s")
	b.ReportMetric((mine+theirs).Seconds()*1e9/(float64(2*size)*float64(b.N)), "cpu_s/GB")
	b.ReportMetric(float64(shmlink.Knocks(c)-knocks)/float64(b.N), "knocks/op")
	b.ReportMetric(0, "ns/op")
}
