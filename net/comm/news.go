package comm

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/darray-go/darray/net/link"
)

// Layout of news, little-endian: for each its rank and code (uint32 each; the flags lie above the code's 8 bits) and its
// text (a string, see hello.go).
const (
	maxNews     = 32 // in one message
	maxNewsText = 256

	newsLost    = 1 << 8
	newsCertain = 1 << 9
)

func encodeNews(log []news) []byte {
	var b []byte
	for _, n := range log {
		flags := uint32(codeOf(n.err.Cause))
		if n.lost {
			flags |= newsLost
		}
		if n.certain {
			flags |= newsCertain
		}
		b = binary.LittleEndian.AppendUint32(b, uint32(n.err.Rank))
		b = binary.LittleEndian.AppendUint32(b, flags)
		text := n.err.Cause.Error()
		b = appendString(b, text[:min(len(text), maxNewsText)])
	}
	return b
}

// decodeNews gives news of ranks below size, without their hosts.
func decodeNews(b []byte, size int) ([]news, error) {
	c := &cursor{rest: b}
	var log []news
	for len(c.rest) > 0 && c.err == nil && len(log) < maxNews {
		rank, flags, text := c.number(uint32(size-1)), c.number(newsCertain<<1-1), c.string()
		cause := &remoteError{text, errOf(uint8(flags))}
		lost := flags&newsLost != 0
		if lost == (cause.is == ErrLeft) {
			return nil, fmt.Errorf("bad news: rank %d has left and is lost, or neither", rank)
		}
		log = append(log, news{err: &RankError{Rank: rank, Cause: cause}, lost: lost, certain: flags&newsCertain != 0})
	}
	if err := c.end(); err != nil {
		return nil, fmt.Errorf("bad news: %w", err)
	}
	return log, nil
}

// reportedGone decodes the news in a message; none where they make no sense.
func (m *mesh) reportedGone(msg *link.Message) []news {
	if msg.Size > link.EagerLimit {
		return nil
	}
	raw := make([]byte, msg.Size)
	if msg.ReadInto(context.Background(), raw) != nil {
		return nil // the reader will see why
	}
	log, err := decodeNews(raw, m.size)
	if err != nil {
		return nil
	}
	for _, n := range log {
		n.err.Host = m.hostOf(n.err.Rank)
	}
	return log
}
