package comm

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/darray-go/darray/net/link"
)

// What a message about a call of Shrink says (link.Header.Flags). Do not renumber.
const (
	councilJoin     uint8 = iota + 1 // the sender is in it, takes the receiver for the coordinator and has no decision
	councilAsk                       // the sender is the coordinator: does the receiver have a decision?
	councilDecision                  // the payload is the decision
	councilAbsent                    // the sender has closed the communicator
	councilRefusal                   // the sender has given up; the payload says why
)

// councilWord is one such message.
type councilWord struct {
	key      councilKey
	what     uint8
	decision *decision
	err      *RankError // of a refusal
}

// Layout of a decision, little-endian: its context, or 0 where it has failed, by (uint32) and text (a string) of the
// failure, and the members as a set of bits, rank 0 of the job the lowest of the first byte, in as many bytes as it takes,
// then as ranks (uint32 each) where they do not ascend.
func (d *decision) encode() []byte {
	b := binary.LittleEndian.AppendUint32(nil, d.context)
	if d.err != nil {
		b = binary.LittleEndian.AppendUint32(b, uint32(d.err.Rank))
		b = append(b, codeOf(d.err.Cause))
		text := d.err.Cause.Error()
		return append(b, text[:min(len(text), maxNewsText)]...)
	}
	if ascending(d.members) {
		bits := make([]byte, d.members[len(d.members)-1]/8+1)
		for _, w := range d.members {
			bits[w/8] |= 1 << (w % 8)
		}
		return append(append(b, 0), bits...)
	}
	b = append(b, 1)
	for _, w := range d.members {
		b = binary.LittleEndian.AppendUint32(b, uint32(w))
	}
	return b
}

func ascending(xs []int) bool {
	for i := 1; i < len(xs); i++ {
		if xs[i] <= xs[i-1] {
			return false
		}
	}
	return true
}

// decodeDecision reads one about ranks below size, without hosts.
func decodeDecision(b []byte, size int) (*decision, error) {
	if len(b) < 5 {
		return nil, fmt.Errorf("bad decision: %w", errShort)
	}
	d := &decision{context: binary.LittleEndian.Uint32(b)}
	b = b[4:]
	switch {
	case d.context == 0:
		if len(b) < 5 {
			return nil, fmt.Errorf("bad decision: %w", errShort)
		}
		by := binary.LittleEndian.Uint32(b)
		if by >= uint32(size) {
			return nil, fmt.Errorf("bad decision: by rank %d of %d", by, size)
		}
		d.err = &RankError{Rank: int(by), Cause: &remoteError{string(b[5:]), errOf(b[4])}}
		return d, nil
	case d.context == worldContext:
		return nil, fmt.Errorf("bad decision: communicator %d", d.context)
	case b[0] == 0:
		for i, bits := range b[1:] {
			for k := range 8 {
				if bits&(1<<k) != 0 {
					d.members = append(d.members, 8*i+k)
				}
			}
		}
	case len(b)%4 != 1:
		return nil, fmt.Errorf("bad decision: %w", errShort)
	default:
		for rest := b[1:]; len(rest) > 0; rest = rest[4:] {
			d.members = append(d.members, int(binary.LittleEndian.Uint32(rest)))
		}
	}
	seen := make(map[int]bool, len(d.members))
	for _, w := range d.members {
		if w >= size || seen[w] {
			return nil, fmt.Errorf("bad decision: rank %d of %d, or twice", w, size)
		}
		seen[w] = true
	}
	if len(seen) == 0 {
		return nil, fmt.Errorf("bad decision: nobody is left")
	}
	return d, nil
}

// reportedCouncil decodes a message about a call of Shrink; false where it makes no sense.
func (m *mesh) reportedCouncil(msg *link.Message) (councilWord, bool) {
	w := councilWord{key: councilKey{msg.Context, msg.Seq}, what: msg.Flags}
	switch {
	case msg.Size > link.EagerLimit:
		return w, false
	case w.what == councilRefusal:
		w.err = m.reported(msg)
		return w, w.err != nil
	case msg.Size == 0:
		return w, w.what != councilDecision
	}
	raw := make([]byte, msg.Size)
	if msg.ReadInto(context.Background(), raw) != nil {
		return w, false // the reader will see why
	}
	d, err := decodeDecision(raw, m.size)
	if err != nil {
		return w, false
	}
	if d.err != nil {
		d.err.Host = m.hostOf(d.err.Rank)
	}
	w.decision = d
	return w, true
}
