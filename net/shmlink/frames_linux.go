package shmlink

import (
	"encoding/binary"
	"fmt"

	"github.com/darray-go/darray/net/link"
)

// Frame types. ID is the message's number at its sender; Header is the message's own in eager, request and lent, else
// zero but for the fields named.
const (
	frameEager    = 1 + iota // a message, Size payload bytes follow
	frameRequest             // a message of Size bytes waits with its sender
	frameLent                // as request; where its bytes lie in the sender's arena follows, in at most fewSpans spans
	frameLentMany            // the same, at most manySpans
	frameGrant               // the receiver is reading request ID: send all of it
	framePiece               // the next Size bytes of request ID are at place Count
	frameTaken               // the bytes of message ID at place Count have been read
	frameDone                // the receiver has or wants no more of message ID
	frameWithdraw            // message ID, announced before, will not come whole; what was read of it does not count
	frameBye                 // nothing follows
	frameByeAck              // the goodbye and all before it was read
)

const (
	fewSpans, manySpans = 4, 64
	spanSize            = 16
)

// span is a run of bytes in an arena.
type span struct{ off, n int }

// following is the length of what stands after f in the ring.
func following(f link.Frame) (int, error) {
	switch f.Type {
	case frameEager:
		if f.Size > link.EagerLimit {
			return 0, fmt.Errorf("%w: %d bytes inline, limit %d", link.ErrTooLarge, f.Size, link.EagerLimit)
		}
		return int(f.Size), nil
	case frameLent:
		return fewSpans * spanSize, nil
	case frameLentMany:
		return manySpans * spanSize, nil
	default:
		return 0, nil
	}
}

// encodeSpans gives what follows a lent frame, and its type. Nil: there are too many.
func encodeSpans(spans []span) (typ uint8, b []byte) {
	n := fewSpans
	typ = frameLent
	if len(spans) > fewSpans {
		n, typ = manySpans, frameLentMany
	}
	if len(spans) > n {
		return 0, nil
	}
	b = make([]byte, n*spanSize)
	for i, s := range spans {
		binary.LittleEndian.PutUint64(b[i*spanSize:], uint64(s.off))
		binary.LittleEndian.PutUint64(b[i*spanSize+8:], uint64(s.n))
	}
	return typ, b
}

// decodeSpans reads what follows a lent frame: size bytes in all, each run inside an arena of so many bytes.
func decodeSpans(b []byte, size uint64, arena int) ([]span, error) {
	var spans []span
	left := size
	for ; len(b) >= spanSize; b = b[spanSize:] {
		off, n := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
		if n == 0 {
			break
		}
		if off > uint64(arena) || n > uint64(arena)-off || n > left {
			return nil, fmt.Errorf("%w: %d bytes at %d of an arena of %d, %d to come", link.ErrFrame, n, off, arena, left)
		}
		left -= n
		spans = append(spans, span{int(off), int(n)})
	}
	if left > 0 {
		return nil, fmt.Errorf("%w: the runs hold %d bytes less than the message", link.ErrFrame, left)
	}
	return spans, nil
}

// cursor walks over buffers as one run of bytes. It changes bufs, not what they hold.
type cursor struct{ bufs [][]byte }

// next cuts off at most n bytes that lie together. Empty: there are no more.
func (c *cursor) next(n int) []byte {
	for len(c.bufs) > 0 && len(c.bufs[0]) == 0 {
		c.bufs = c.bufs[1:]
	}
	if len(c.bufs) == 0 {
		return nil
	}
	b := c.bufs[0]
	b = b[:min(n, len(b))]
	c.bufs[0] = c.bufs[0][len(b):]
	return b
}
