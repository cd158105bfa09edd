package shmlink_test

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/link"
	"github.com/darray-go/darray/net/shmlink"
)

// joined dials from rank 1 to rank 0.
func joined(t testing.TB, ts []link.Transport) (atLo, atHi link.Conn) {
	t.Helper()
	atHi, err := ts[1].Dial(t.Context(), 0, ts[0].Addr())
	if err != nil {
		t.Fatal(err)
	}
	atLo, err = ts[0].Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return atLo, atHi
}

func reason(c link.Conn) string { return c.(interface{ Reason() string }).Reason() }

// TestScribble: whatever the peer writes into its memory, this end gets an error, and nothing worse.
func TestScribble(t *testing.T) {
	le := binary.LittleEndian
	frame := func(typ uint8, id uint64, h link.Header) func(link.Conn) {
		return func(c link.Conn) { shmlink.SendRaw(c, link.Frame{Type: typ, ID: id, Header: h}, nil) }
	}
	head := func(move uint64) func(link.Conn) {
		return func(c link.Conn) {
			w := shmlink.Word(c, shmlink.HeadAt)
			w.Store(w.Load() + move)
			shmlink.Knock(c)
		}
	}
	for _, tc := range []struct {
		name     string
		scribble func(c link.Conn)
		want     error
	}{
		{"head too far", head(shmlink.RingSize + 64), link.ErrFrame},
		{"head far back", head(math.MaxUint64 - 63), link.ErrFrame},
		{"head between frames", head(8), link.ErrFrame},
		{"no frame", head(64), link.ErrFrame},
		{"unknown type", frame(shmlink.FrameBeyond, 0, link.Header{}), link.ErrFrame},
		{"type 0", frame(0, 0, link.Header{}), link.ErrFrame},
		{"eager too large", frame(shmlink.FrameEager, 0, link.Header{Size: link.EagerLimit + 1}), link.ErrTooLarge},
		{"eager without its bytes", frame(shmlink.FrameEager, 0, link.Header{Size: 100}), link.ErrFrame},
		{"request too large", frame(shmlink.FrameRequest, 1, link.Header{Size: 1 << 60}), link.ErrTooLarge},
		{"request again", func(c link.Conn) {
			frame(shmlink.FrameRequest, 5, link.Header{Size: 1})(c)
			frame(shmlink.FrameRequest, 5, link.Header{Size: 1})(c)
		}, link.ErrFrame},
		{"piece too large", func(c link.Conn) {
			frame(shmlink.FrameRequest, 5, link.Header{Size: 1 << 30})(c)
			frame(shmlink.FramePiece, 5, link.Header{Size: 1 << 29})(c)
		}, link.ErrFrame},
		{"piece beyond the end", func(c link.Conn) {
			frame(shmlink.FrameRequest, 5, link.Header{Size: 10})(c)
			frame(shmlink.FramePiece, 5, link.Header{Size: 11})(c)
		}, link.ErrFrame},
		{"piece in no slot", func(c link.Conn) {
			frame(shmlink.FrameRequest, 5, link.Header{Size: 10})(c)
			frame(shmlink.FramePiece, 5, link.Header{Size: 1, Count: 1 << 40})(c)
		}, link.ErrFrame},
		{"lent from beyond the arena", func(c link.Conn) {
			at := le.AppendUint64(le.AppendUint64(nil, 1<<62), 10)
			shmlink.SendRaw(c, link.Frame{Type: shmlink.FrameLent, ID: 1, Header: link.Header{Size: 10}}, append(at, make([]byte, 48)...))
		}, link.ErrFrame},
		{"answer to no goodbye", frame(shmlink.FrameByeAck, 0, link.Header{}), link.ErrFrame},
	} {
		t.Run(tc.name, func(t *testing.T) {
			leak.Check(t)
			a, b := joined(t, overQUIC(t, 2, shmlink.Config{}))
			tc.scribble(b)
			var err error
			for err == nil {
				var m *link.Message
				if m, err = a.Recv(t.Context()); err == nil {
					err = m.ReadInto(t.Context(), make([]byte, min(m.Size, 100)))
					if m.Size > 100 { // nothing was read
						err = nil
					}
				}
			}
			if !errors.Is(err, link.ErrPeerLost) || !errors.Is(err, tc.want) {
				t.Fatalf("got %v, want ErrPeerLost and %v", err, tc.want)
			}
		})
	}
}

// TestScribbleOnSender: what the peer claims to have read is checked by who has sent it.
func TestScribbleOnSender(t *testing.T) {
	for _, tc := range []struct {
		name string
		word int
		v    uint64
	}{
		{"more read than was written", shmlink.TailAt, 1 << 40},
		{"less read than before", shmlink.TailAt, math.MaxUint64 - 63},
		{"read to between frames", shmlink.TailAt, 8},
		{"more credit than was used", shmlink.ReadAt, 1 << 40},
	} {
		t.Run(tc.name, func(t *testing.T) {
			leak.Check(t)
			a, b := joined(t, overQUIC(t, 2, shmlink.Config{}))
			shmlink.Word(b, tc.word).Store(tc.v)
			payload := link.Payload{Bufs: [][]byte{make([]byte, link.EagerLimit)}}
			var err error
			for range 10_000 {
				if err = a.Send(t.Context(), link.Header{}, payload); err != nil {
					break
				}
				m, recvErr := b.Recv(t.Context())
				if recvErr != nil {
					break
				}
				m.Discard()
				shmlink.Word(b, tc.word).Store(tc.v)
			}
			for err == nil {
				err = a.Send(t.Context(), link.Header{}, payload)
			}
			if !errors.Is(err, link.ErrPeerLost) {
				t.Fatalf("got %v, want ErrPeerLost", err)
			}
		})
	}
}

// TestScribbleAtRandom writes random bytes over all that the peer shares while messages pass.
func TestScribbleAtRandom(t *testing.T) {
	leak.Check(t)
	for seed := range uint64(20) {
		ts := overQUIC(t, 2, shmlink.Config{LocalRanks: 1})
		a, b := joined(t, ts)
		stop, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			r := rand.New(rand.NewPCG(seed, 1))
			lane := shmlink.Lane(b)
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				at := r.IntN(shmlink.RingAt + 4096)
				if i%4 == 0 {
					at = []int{shmlink.HeadAt, shmlink.WantAt, shmlink.TailAt, shmlink.SleepAt, shmlink.ReadAt}[r.IntN(5)]
				}
				lane[at] ^= byte(r.Uint32())
				shmlink.Knock(b)
			}
		}()
		ctx, cancel := context.WithCancel(t.Context())
		sending := make(chan error, 1)
		go func() {
			for i := 0; ; i++ {
				err := a.Send(ctx, link.Header{}, link.Payload{Bufs: [][]byte{make([]byte, i*977%100_000)}})
				if err != nil {
					sending <- err
					return
				}
			}
		}()
		for {
			m, err := a.Recv(t.Context())
			if err != nil {
				if !errors.Is(err, link.ErrPeerLost) {
					t.Fatal(err)
				}
				break
			}
			m.Discard()
		}
		cancel()
		<-sending
		close(stop)
		<-done
		for _, tr := range ts {
			if err := tr.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
