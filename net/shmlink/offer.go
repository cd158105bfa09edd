package shmlink

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/darray-go/darray/net/link"
)

// offerVersion changes with anything that two ranks of one host must agree on: frames, words, sizes of the lane.
const offerVersion = 1

const nonceSize = 32

// What a note is.
const (
	noteHello = 1 + iota // who and where this end is
	noteReady            // this end has what it needs, or has not, and why
)

// note is what the two ends tell each other over the inner conn before it is handed out.
type note struct {
	kind   uint8
	refuse string // why this end stays with the inner transport; empty: it does not

	uid    uint32 // the rest is in a hello only
	pid    uint32
	nonce  [nonceSize]byte
	boot   string // which start of which kernel
	socket string // abstract name, as far as the network namespace reaches
}

var errNote = errors.New("shmlink: bad note")

const maxText = 255

// noteHeader marks the messages that carry notes; net/comm sends none like it.
func noteHeader() link.Header {
	return link.Header{Kind: 0xff, Context: math.MaxUint32, Tag: math.MinInt32, Aux: 0x6d68_7379_6172_7261}
}

func isNote(h link.Header) bool {
	h.Size = 0
	return h == noteHeader()
}

func (n *note) encode() []byte {
	b := []byte{offerVersion, n.kind}
	b = appendText(b, n.refuse)
	if n.kind != noteHello {
		return b
	}
	b = binary.LittleEndian.AppendUint32(b, n.uid)
	b = binary.LittleEndian.AppendUint32(b, n.pid)
	b = append(b, n.nonce[:]...)
	b = appendText(b, n.boot)
	return appendText(b, n.socket)
}

func appendText(b []byte, s string) []byte {
	s = s[:min(len(s), maxText)]
	return append(append(b, byte(len(s))), s...)
}

func decodeNote(b []byte) (note, error) {
	r := reader{b: b}
	if v := r.take(1)[0]; v != offerVersion {
		return note{}, fmt.Errorf("%w: version %d, this program speaks %d; run the same build on every rank", errNote, v, offerVersion)
	}
	n := note{kind: r.take(1)[0], refuse: r.text()}
	switch n.kind {
	case noteHello:
		n.uid = binary.LittleEndian.Uint32(r.take(4))
		n.pid = binary.LittleEndian.Uint32(r.take(4))
		copy(n.nonce[:], r.take(nonceSize))
		n.boot, n.socket = r.text(), r.text()
	case noteReady:
	default:
		return note{}, fmt.Errorf("%w: kind %d", errNote, n.kind)
	}
	if r.short || len(r.b) > 0 {
		return note{}, fmt.Errorf("%w: %d bytes", errNote, len(b))
	}
	return n, nil
}

// reader takes bytes off b; beyond its end they are zero and short is set.
type reader struct {
	b     []byte
	short bool
}

func (r *reader) take(n int) []byte {
	if n > len(r.b) {
		r.b, r.short = nil, true
		return make([]byte, n)
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) text() string { return string(r.take(int(r.take(1)[0]))) }

// against is why two ends cannot share memory, or empty. Both ends compute it of the same two hellos, so they agree.
func against(dialer, accepter note) string {
	switch {
	case dialer.refuse != "":
		return dialer.refuse
	case accepter.refuse != "":
		return accepter.refuse
	case dialer.boot != accepter.boot:
		return "the peer is on another host"
	case dialer.uid != accepter.uid:
		return fmt.Sprintf("the peers run as users %d and %d", dialer.uid, accepter.uid)
	default:
		return ""
	}
}
