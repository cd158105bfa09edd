package shmlink

import (
	"sync/atomic"

	"github.com/darray-go/darray/net/link"
)

// Arena hands memory out of n bytes, without peers.
type Arena struct{ a *arena }

// NewArena makes one; Close ends it.
func NewArena(n uint64) (Arena, error) {
	a, err := newArena(n)
	return Arena{a}, err
}

func (a Arena) Alloc(n int) []byte { return a.a.alloc(n) }
func (a Arena) Free(b []byte)      { a.a.free(b) }
func (a Arena) Close() error       { return a.a.close() }
func (a Arena) Fd() int            { return a.a.fd }

// OpenMemory maps memory as a peer does, and Unmap ends that; it takes fd over.
func OpenMemory(fd, want, limit int) (unmap func(), b []byte, err error) {
	m, err := openMemory(fd, want, limit)
	if err != nil {
		return nil, nil, err
	}
	return m.release, m.b, nil
}

// Knocks is how often c has woken its peer by a system call.
func Knocks(c link.Conn) int { return int(c.(*conn).knocks.Load()) }

// What a rank can write into the memory that it shares: the words and the ring of its own lane.
const (
	HeadAt, WantAt, TailAt, SleepAt, ReadAt = headAt, wantAt, tailAt, sleepAt, readAt
	RingAt, RingSize                        = ringAt, ringSize
)

// Lane is the memory that c's end writes.
func Lane(c link.Conn) []byte { return c.(*conn).s.own.b }

// Word is a word of it.
func Word(c link.Conn, off int) *atomic.Uint64 { return c.(*conn).s.own.word(off) }

// Knock wakes c's peer.
func Knock(c link.Conn) { c.(*conn).knock() }

// SocketName is where t meets the ranks of its host.
func SocketName(t link.Transport) string { return t.(*transport).host.name }

// Strangers is how many may be at the socket without having proved anything.
const Strangers = strangers

// Pretend makes t say that it is elsewhere.
func Pretend(t link.Transport, boot, socket string) {
	h := t.(*transport).host
	if boot != "" {
		h.boot = boot
	}
	if socket != "" {
		h.name = socket
	}
}

// DecodeNote reads what ranks tell each other, and EncodeNote writes it again.
func DecodeNote(b []byte) (any, error) { return decodeNote(b) }

// EncodeNote encodes what DecodeNote gave.
func EncodeNote(n any) []byte { v := n.(note); return v.encode() }

// DecodeSpans reads where a message lies in an arena.
func DecodeSpans(b []byte, size uint64, arena int) (runs [][2]int, err error) {
	spans, err := decodeSpans(b, size, arena)
	for _, s := range spans {
		runs = append(runs, [2]int{s.off, s.n})
	}
	return runs, err
}

// SendRaw sends one frame with what follows it, whatever they are.
func SendRaw(c link.Conn, f link.Frame, following []byte) {
	s := c.(*conn)
	s.mu.Lock()
	s.queue(f, len(following), following)
	s.unlock()
}

// Frame types, for tests that write frames themselves.
const (
	FrameEager, FrameRequest, FrameLent, FrameGrant, FramePiece = frameEager, frameRequest, frameLent, frameGrant, framePiece
	FrameTaken, FrameByeAck, FrameBeyond                        = frameTaken, frameByeAck, frameByeAck + 1
)

// ServeRing has a conn without a peer read a ring with b in it, written up to head. Message 1 is on its way out.
func ServeRing(b []byte, head, maxMessage uint64) error {
	var lanes [3]*memory
	for i := range lanes {
		lanes[i] = &memory{b: make([]byte, slotsAt)}
		lanes[i].refs.Store(1)
	}
	copy(lanes[1].b[ringAt:ringAt+ringSize], b)
	lanes[1].word(headAt).Store(head)
	c := &conn{
		t: &transport{cfg: Config{MaxMessage: maxMessage}}, s: &shared{own: lanes[0], peer: lanes[1], peerArena: lanes[2]},
		inbox: link.NewInbox(), parted: make(chan struct{}),
		in: newInRing(lanes[0], lanes[1]), out: newOutRing(lanes[0], lanes[1]),
		sending: make(map[uint64]*outgoing), receiving: make(map[uint64]*incoming),
		readHere: lanes[0].word(readAt), readThere: lanes[1].word(readAt),
	}
	c.sending[1] = &outgoing{c: c, id: 1, event: make(chan struct{}, 1), held: []place{6}}
	_, err := c.in.drain(maxMessage, c.handle)
	return err
}

// Stall keeps c from reading its ring until resume.
func Stall(c link.Conn) (resume func()) {
	s := c.(*conn)
	s.rx.Lock()
	return func() { s.take(0) }
}

// Spilled is how many bytes wait for room in c's ring.
func Spilled(c link.Conn) int {
	s := c.(*conn)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.bytes
}

// Silence keeps c from writing what its ring had no room for, and anything more, until resume.
func Silence(c link.Conn) (resume func()) {
	s := c.(*conn)
	s.mu.Lock()
	return s.mu.Unlock
}
