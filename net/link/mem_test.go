package link_test

import (
	"fmt"
	"testing"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/link"
	"github.com/darray-go/darray/net/link/linktest"
)

func TestMem(t *testing.T) {
	linktest.Run(t, func(_ *testing.T, p int) []link.Transport { return link.NewMem(p) })
}

// A transport that no fault befalls is as good as the one inside.
func TestNoFault(t *testing.T) {
	linktest.Run(t, func(_ *testing.T, p int) []link.Transport {
		ts := link.NewMem(p)
		for i := range ts {
			ts[i] = link.NewFault(ts[i], link.Plan{})
		}
		return ts
	})
}

// A reference is the very value that was sent, takes no credit and does not wait.
func TestMemReference(t *testing.T) {
	leak.Check(t)
	a, b := faulty(t, link.Plan{})
	block := make([]byte, 1<<20)
	const n = 3 * link.EagerCredit >> 20
	for range n {
		if err := a.Send(t.Context(), link.Header{}, link.Payload{Bufs: [][]byte{block}, Ref: &block}); err != nil {
			t.Fatal(err)
		}
	}
	for range n {
		m, err := b.Recv(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ref, ok := m.Ref()
		if !ok || ref != any(&block) || m.Size != 1<<20 {
			t.Fatalf("got %v, %v of size %d, want the block itself", ref, ok, m.Size)
		}
		m.Discard()
	}
	if got, want := a.Stats(), (link.Stats{Scheme: "mem", MessagesSent: n, RefsSent: n}); got != want {
		t.Errorf("stats %+v, want %+v", got, want)
	}
}

func BenchmarkMem(b *testing.B) {
	for _, size := range []int{8, 64 << 10, 64 << 20} {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			ts := link.NewMem(2)
			defer ts[0].Close()
			from, _ := ts[0].Dial(b.Context(), 1, ts[1].Addr())
			to, err := ts[1].Accept(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			block, dst := make([]byte, size), make([]byte, size)
			go func() {
				for from.Send(b.Context(), link.Header{}, link.Payload{Bufs: [][]byte{block}}) == nil {
				}
			}()
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				m, err := to.Recv(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				if err := m.ReadInto(b.Context(), dst); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
