package comm

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// hello is what a rank tells rank 0 about itself.
type hello struct {
	rank, size int
	build      string
	member
}

// String names the process for messages: "rank 1 on h2 (pid 4711)".
func (h hello) String() string { return fmt.Sprintf("rank %d on %s (pid %d)", h.rank, h.host, h.pid) }

// Layout of the rendezvous, little-endian: numbers are uint32; a string is its length (uint32) and its bytes; a member
// is pid, host, addr; a hello is rank, size, build, member; a table is the number of members and those.
const (
	maxString = 1 << 10
	maxRanks  = 1 << 20
	maxHello  = 8 + 4 + 3*(4+maxString)
	minMember = 3 * 4
)

func maxTable(ranks int) uint64 { return 4 + uint64(ranks)*(minMember+2*maxString) }

var errShort = errors.New("it ends too early")

func appendString(b []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(s))), s...)
}

func (m member) append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(m.pid))
	return appendString(appendString(b, m.host), m.addr)
}

func (h hello) encode() []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(h.rank))
	b = binary.LittleEndian.AppendUint32(b, uint32(h.size))
	return h.member.append(appendString(b, h.build))
}

func encodeTable(table []member) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(table)))
	for _, m := range table {
		b = m.append(b)
	}
	return b
}

// cursor reads the pieces of a message; the first error stays.
type cursor struct {
	rest []byte
	err  error
}

// number reads one in [0, limit].
func (c *cursor) number(limit uint32) int {
	if c.err != nil || len(c.rest) < 4 {
		c.err = errors.Join(c.err, errShort)
		return 0
	}
	n := binary.LittleEndian.Uint32(c.rest)
	c.rest = c.rest[4:]
	if n > limit {
		c.err = fmt.Errorf("%d is above the limit of %d", n, limit)
		return 0
	}
	return int(n)
}

// long reads a number of 64 bits.
func (c *cursor) long() uint64 {
	if c.err != nil || len(c.rest) < 8 {
		c.err = errors.Join(c.err, errShort)
		return 0
	}
	n := binary.LittleEndian.Uint64(c.rest)
	c.rest = c.rest[8:]
	return n
}

func (c *cursor) string() string {
	n := c.number(maxString)
	if c.err == nil && len(c.rest) < n {
		c.err = errShort
	}
	if c.err != nil {
		return ""
	}
	s := string(c.rest[:n])
	c.rest = c.rest[n:]
	return s
}

func (c *cursor) member() member {
	const maxPID = 1<<31 - 1
	return member{pid: c.number(maxPID), host: c.string(), addr: c.string()}
}

func (c *cursor) end() error {
	if c.err == nil && len(c.rest) > 0 {
		c.err = fmt.Errorf("%d bytes too many", len(c.rest))
	}
	return c.err
}

func decodeHello(b []byte) (hello, error) {
	c := &cursor{rest: b}
	h := hello{rank: c.number(maxRanks), size: c.number(maxRanks), build: c.string(), member: c.member()}
	if err := c.end(); err != nil {
		return hello{}, fmt.Errorf("bad hello: %w", err)
	}
	return h, nil
}

func decodeTable(b []byte) ([]member, error) {
	c := &cursor{rest: b}
	n := c.number(maxRanks)
	if len(c.rest) < n*minMember {
		return nil, fmt.Errorf("bad table: %d ranks in %d bytes", n, len(b))
	}
	table := make([]member, n)
	for r := range table {
		table[r] = c.member()
	}
	if err := c.end(); err != nil {
		return nil, fmt.Errorf("bad table: %w", err)
	}
	return table, nil
}
