package comm

import (
	"bytes"
	"testing"

	"github.com/darray-go/darray/net/link"
)

// told is rank 0 of 2 without a network, and what its reader does with a message of rank 1.
func told() (*mesh, func(h link.Header, payload []byte)) {
	m := newMesh(0, make([]member, 2), nil, 2, Config{Warn: func(string) {}}.roll())
	m.world()
	return m, func(h link.Header, payload []byte) {
		h.Size = uint64(len(payload))
		msg := link.NewMessage(h, &selfBody{data: payload})
		if h.Kind == kindControl {
			m.heed(m.peer(1), msg)
		} else {
			m.box.deliver(letter{source: 1, Message: msg})
		}
	}
}

// What a rank says of communicators and collectives that do not exist leaves nothing behind that grows.
func TestAbsurdMessages(t *testing.T) {
	m, tell := told()
	for i := range uint32(3 * maxAhead) {
		for _, seq := range []uint64{0, 1 << 40, uint64(i)} {
			tell(link.Header{Kind: kindCall, Context: worldContext + 1 + i, Seq: seq}, nil)
			for _, op := range []uint8{ctlFailed, ctlRollcall, ctlShrink} {
				tell(link.Header{Kind: kindControl, Op: op, Flags: councilJoin, Context: worldContext + i, Seq: seq}, []byte("why"))
				tell(link.Header{Kind: kindControl, Op: op, Flags: councilJoin, Context: worldContext + i, Seq: seq}, nil)
				tell(link.Header{Kind: kindControl, Op: op, Context: worldContext, Seq: seq + uint64(i)}, []byte("why"))
			}
		}
		tell(link.Header{Kind: kindCall, Context: worldContext}, nil) // collectives count from 1
	}
	if n := len(m.box.states); n > 1+maxUnmade {
		t.Errorf("%d communicators, want at most %d", n, 1+maxUnmade)
	}
	if n := len(m.councils.all); n > maxCouncils {
		t.Errorf("%d calls of Shrink are remembered, want at most %d", n, maxCouncils)
	}
	for context, s := range m.box.states {
		limit := maxAheadUnmade
		if context == worldContext {
			limit = maxAhead
		}
		if len(s.failed) > limit || len(s.asked) > limit {
			t.Errorf("of communicator %d %d failures and %d questions are remembered, want at most %d", context, len(s.failed), len(s.asked), limit)
		}
	}
	if err := m.close(); err != nil {
		t.Error(err)
	}
}

// FuzzMessages: no message of a peer, to a rank in a collective, does more than end it.
func FuzzMessages(f *testing.F) {
	add := func(hs ...link.Header) {
		var b []byte
		for _, h := range hs {
			h.Size = 3
			fr := link.Frame{Header: h}
			b = append(fr.AppendTo(b), "why"...)
		}
		f.Add(b)
	}
	for op := ctlHello; op <= ctlHere; op++ {
		add(link.Header{Kind: kindControl, Op: op, Context: worldContext, Seq: 1, Root: 1, Aux: uint64(opGather)})
	}
	add(link.Header{Kind: kindCall, Op: uint8(opBarrier), Context: worldContext, Seq: 1},
		link.Header{Kind: kindCall, Op: 200, DType: 200, Context: worldContext, Seq: 1, Root: -1, Count: 1 << 63})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, tell := told()
		defer m.close()
		c := &Comm{m: m, st: m.box.states[worldContext]}
		var ended error
		k, err := m.box.begin(c, signature{op: opBarrier}, nil, func(err error) { ended = err })
		if err != nil {
			t.Fatal(err)
		}
		for len(b) > 0 {
			fr, err := link.DecodeFrame(b, uint64(len(b)))
			if err != nil {
				break
			}
			b = b[link.HeaderSize:]
			n := min(int(fr.Size), len(b))
			tell(fr.Header, bytes.Clone(b[:n]))
			b = b[n:]
		}
		if ended != nil && ended.Error() == "" {
			t.Errorf("the collective ended with %#v, which says nothing", ended)
		}
		_, _, _ = m.box.finish(k, ended)
	})
}
