package comm

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

const (
	maxRecords = 32 // a rank says no more of where it is
	maxOpName  = 24
	minRecord  = 4 + 7*4 + 8 + 4
)

// encodeRecords puts where a rank is into at most 16 KiB (link.EagerLimit), the end of a long list left out. Layout as in
// hello.go: the number of records, and of each the name of the operation, flags, peer + 1, tag + 1, site, milliseconds,
// size, number of members, sequence number (64 bits), and the members.
func encodeRecords(all []record) []byte {
	if len(all) > maxRecords {
		all = append(all[:maxRecords-1:maxRecords-1], all[len(all)-1]) // the last one is of another kind
	}
	le := binary.LittleEndian
	b := le.AppendUint32(nil, uint32(len(all)))
	for _, r := range all {
		var flags uint32
		if r.Blocked {
			flags |= 1
		}
		if r.Ended {
			flags |= 2
		}
		b = appendString(b, r.Op[:min(len(r.Op), maxOpName)])
		for _, n := range []uint32{
			flags, uint32(r.Peer + 1), uint32(r.Tag + 1), uint32(r.site),
			uint32(min(r.Waited.Milliseconds(), math.MaxUint32)), uint32(r.Size), uint32(len(r.Members)),
		} {
			b = le.AppendUint32(b, n)
		}
		b = le.AppendUint64(b, r.Seq)
		for _, w := range r.Members {
			b = le.AppendUint32(b, uint32(w))
		}
	}
	return b
}

func decodeRecords(b []byte) ([]record, error) {
	c := &cursor{rest: b}
	n := c.number(maxRecords)
	if len(c.rest) < n*minRecord {
		return nil, fmt.Errorf("bad positions: %d in %d bytes", n, len(b))
	}
	all := make([]record, n)
	for i := range all {
		r := &all[i]
		if r.Op = c.string(); len(r.Op) > maxOpName || !isName(r.Op) {
			return nil, fmt.Errorf("bad positions: an operation of the name %.30q", r.Op)
		}
		flags := c.number(3)
		r.Blocked, r.Ended = flags&1 != 0, flags&2 != 0
		r.Peer = c.number(maxRanks) - 1
		r.Tag = c.number(math.MaxInt32+1) - 1
		r.site = site(uint32(c.number(math.MaxUint32)))
		r.Waited = time.Duration(c.number(math.MaxUint32)) * time.Millisecond
		r.Size = c.number(maxRanks)
		members := c.number(maxNamed)
		r.Seq = c.long()
		for range members {
			r.Members = append(r.Members, c.number(maxRanks))
		}
		if c.err == nil && len(r.Members) > r.Size {
			c.err = fmt.Errorf("%d members of %d", len(r.Members), r.Size)
		}
	}
	if err := c.end(); err != nil {
		return nil, fmt.Errorf("bad positions: %w", err)
	}
	return all, nil
}

// isName: letters only.
func isName(s string) bool {
	for _, c := range []byte(s) {
		if c|0x20 < 'a' || c|0x20 > 'z' {
			return false
		}
	}
	return true
}
