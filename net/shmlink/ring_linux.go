package shmlink

import (
	"fmt"
	"sync/atomic"

	"github.com/darray-go/darray/net/link"
)

// The lane: memory that one end of a conn writes and the other maps read-only. Each end has one.
const (
	controlSize = 4 << 10
	ringSize    = 256 << 10
	smallPiece  = 64 << 10 // both copies of a piece stay within a core's L2 cache
	slots       = 32
	laneSize    = controlSize + ringSize + slots*smallPiece

	ringAt  = controlSize
	slotsAt = ringAt + ringSize

	headAt  = 0   // line 0: written as it sends
	wantAt  = 8   //
	tailAt  = 128 // line 2, as processors fetch pairs of lines: written as it receives
	sleepAt = 136 //
	readAt  = 144 //
)

// record is the length of a frame and n bytes after it in a ring.
func record(n int) int { return link.HeaderSize + (n+link.HeaderSize-1)&^(link.HeaderSize-1) }

// outRing is the ring that this end writes, seen from here. Its user locks it.
type outRing struct {
	data       []byte         // own
	head, want *atomic.Uint64 // own
	tail       *atomic.Uint64 // the peer's
	sleep      *atomic.Uint64 // the peer's

	pos   uint64   // head
	seen  uint64   // tail as last read
	woken uint64   // the value of sleep for which the peer has been woken
	spill [][]byte // records for which there was no room
	bytes int      // in spill
	held  bool     // want stays odd
	shut  bool     // nothing is written any more; the memory may be gone
}

func newOutRing(own, peer *memory) outRing {
	return outRing{
		data: own.b[ringAt : ringAt+ringSize],
		head: own.word(headAt), want: own.word(wantAt), tail: peer.word(tailAt), sleep: peer.word(sleepAt),
	}
}

// put appends a record or, where there is no room, keeps it for flush. An error is the peer's: it says it has read what
// was not written.
func (r *outRing) put(f *link.Frame, size int, bufs [][]byte) error {
	if r.shut {
		return nil
	}
	n := record(size)
	if len(r.spill) == 0 {
		ok, err := r.room(n)
		if err != nil {
			return err
		}
		if ok {
			at := int(r.pos % ringSize)
			f.AppendTo(r.data[at:at:ringSize])
			at += link.HeaderSize
			for _, b := range bufs {
				at = r.write(at, b)
			}
			r.publish(n)
			return nil
		}
	}
	kept := f.AppendTo(make([]byte, 0, n))
	for _, b := range bufs {
		kept = append(kept, b...)
	}
	r.spill = append(r.spill, kept[:n])
	r.bytes += n
	return r.flush()
}

// write copies b to the ring from at on, around its end, and returns where it ended.
func (r *outRing) write(at int, b []byte) int {
	at %= ringSize
	if n := copy(r.data[at:], b); n < len(b) {
		copy(r.data, b[n:])
	}
	return at + len(b)
}

func (r *outRing) publish(n int) {
	r.pos += uint64(n)
	r.head.Swap(r.pos)
}

// room reports whether n more bytes fit.
func (r *outRing) room(n int) (bool, error) {
	if r.pos-r.seen+uint64(n) <= ringSize {
		return true, nil
	}
	tail := r.tail.Load()
	if tail-r.seen > r.pos-r.seen || tail%link.HeaderSize != 0 {
		return false, fmt.Errorf("%w: the peer has read up to %d of %d", link.ErrFrame, tail, r.pos)
	}
	r.seen = tail
	return r.pos-r.seen+uint64(n) <= ringSize, nil
}

// flush writes what was kept as far as there is room. If some is left, the peer sees want odd and wakes this end when it
// has read something.
func (r *outRing) flush() error {
	if r.shut {
		return nil
	}
	waiting := false
	for len(r.spill) > 0 {
		n := len(r.spill[0])
		ok, err := r.room(n)
		if err != nil || !ok && waiting {
			return err
		}
		if !ok { // then look once more, as it may have read meanwhile and not seen want
			r.more()
			waiting = true
			continue
		}
		r.write(int(r.pos%ringSize), r.spill[0])
		r.publish(n)
		r.spill[0] = nil
		r.spill = r.spill[1:]
		r.bytes -= n
	}
	if r.want.Load()%2 == 1 && !r.held {
		r.want.Add(1)
	}
	r.spill = nil
	return nil
}

// more tells the peer that not all is in the ring, by the next odd value of want.
func (r *outRing) more() { r.want.Swap(r.want.Load()/2*2 + 3) }

// hold tells the peer that there is more which it will never get: it is lost here.
func (r *outRing) hold() {
	if !r.shut {
		r.held = true
		r.more()
	}
}

// wake reports whether the peer sleeps and has not been woken from that sleep: its caller then does.
func (r *outRing) wake() bool {
	if r.shut {
		return false
	}
	s := r.sleep.Load()
	if s%2 == 0 || s == r.woken {
		return false
	}
	r.woken = s
	return true
}

// inRing is the ring that the peer writes, seen from here. Its user locks it.
type inRing struct {
	data        []byte         // the peer's
	head, want  *atomic.Uint64 // the peer's
	tail, sleep *atomic.Uint64 // own

	pos    uint64 // tail
	served uint64 // the value of want for which the peer has been woken
}

func newInRing(own, peer *memory) inRing {
	return inRing{
		data: peer.b[ringAt : ringAt+ringSize],
		head: peer.word(headAt), want: peer.word(wantAt), tail: own.word(tailAt), sleep: own.word(sleepAt),
	}
}

// The words that somebody sleeps over are written by Swap, which is a full barrier everywhere. Store is one too, by the
// rules of sync/atomic, but not in programs built with the race detector: there it may come after a later Load.

func (r *inRing) news() bool { return r.head.Load() != r.pos }

// awake tells the peer that this end looks by itself, asleep that it must be woken from now on. Who falls asleep looks
// once more after it: the peer writes head and then looks at sleep, this end writes sleep and then looks at head, so one
// of the two sees the other.
func (r *inRing) awake() {
	if s := r.sleep.Load(); s%2 == 1 {
		r.sleep.Store(s + 1)
	}
}

// asleep takes a new odd value each time, since the peer wakes this end once for each.
func (r *inRing) asleep() { r.sleep.Swap(r.sleep.Load()/2*2 + 3) }

// drain hands every record that is here to handle, with what follows its frame, and gives the room back. Of the ring,
// which the peer may change at any time, handle sees private copies.
func (r *inRing) drain(maxSize uint64, handle func(f link.Frame, rest ringPart) error) (found bool, err error) {
	head := r.head.Load()
	if head == r.pos {
		return false, nil
	}
	if head-r.pos > ringSize || head%link.HeaderSize != 0 {
		return false, fmt.Errorf("%w: the ring has been written from %d to %d", link.ErrFrame, r.pos, head)
	}
	var frame [link.HeaderSize]byte
	for r.pos != head && err == nil {
		copy(frame[:], r.data[r.pos%ringSize:])
		var f link.Frame
		if f, err = link.DecodeFrame(frame[:], maxSize); err != nil {
			break
		}
		var size int
		if size, err = following(f); err != nil {
			break
		}
		n := uint64(record(size))
		if n > head-r.pos {
			err = fmt.Errorf("%w: a record of %d bytes, %d are here", link.ErrFrame, n, head-r.pos)
			break
		}
		err = handle(f, ringPart{r.data, int((r.pos + link.HeaderSize) % ringSize), size})
		r.pos += n
	}
	r.tail.Swap(r.pos)
	return true, err
}

// more reports whether the peer has something to say that is not in the ring, by now or when drain is called next.
func (r *inRing) more() bool { return r.want.Load()%2 == 1 }

// roomGiven reports whether the peer waits for room in the ring and has not been woken for it: its caller then does.
func (r *inRing) roomGiven() bool {
	w := r.want.Load()
	if w%2 == 0 || w == r.served {
		return false
	}
	r.served = w
	return true
}

// ringPart is size bytes of a ring.
type ringPart struct {
	data     []byte
	at, size int
}

// copyTo fills b, which has size bytes.
func (p ringPart) copyTo(b []byte) {
	if n := copy(b, p.data[p.at:]); n < len(b) {
		copy(b[n:], p.data)
	}
}
