package csv

import (
	"bytes"
	"math/bits"
)

const (
	lookBack   = 2        // bytes before a position that say what a line feed or a quote there is
	blockBytes = 16 << 10 // that are looked at for quotes first, within the first level of caches
)

// counter counts the records of a span, piece by piece.
type counter struct {
	span
	comma byte
	side  int // 1 where the next byte is on the other side than the first one of the span
}

// add counts b[from:], which lies at base+from. Of what is before there are lookBack bytes, or all of the text's.
func (c *counter) add(b []byte, from, base int) {
	for lo := from; lo < len(b); lo += blockBytes {
		hi := min(lo+blockBytes, len(b))
		block := b[lo:hi]
		switch {
		case bytes.IndexByte(block, '"') >= 0 || lo > 0 && b[lo-1] == '"' || lo > 1 && b[lo-2] == '"':
			c.quoted(b, lo, hi, base)
		case c.first[c.side] == 0 && bytes.IndexByte(block, '\n') >= 0:
			at := lo + bytes.IndexByte(block, '\n') + 1
			c.plain(b, lo, at)
			c.begin(c.side, base+at, c.rows[c.side], c.lines)
			c.plain(b, at, hi)
		default:
			c.plain(b, lo, hi)
		}
	}
}

// begin notes the first line that begins in the span, if the span begins on that side.
func (c *counter) begin(side, at, rows, lines int) {
	c.span.first[side], c.rowAt[side], c.lnAt[side] = at, rows, lines
}

// plain counts b[lo:hi], where there are no quotes.
func (c *counter) plain(b []byte, lo, hi int) {
	if lo == hi {
		return
	}
	lines, blank := 0, 0
	if bytes.IndexByte(b[max(0, lo-1):hi], '\r') >= 0 {
		lines, blank = countReturns(b, lo, hi)
	} else {
		lines, blank = countFeeds(b, lo, hi)
	}
	c.lines += lines
	c.rows[c.side] += lines - blank
}

// feedBefore reports whether a line begins at i.
func feedBefore(b []byte, i int) bool { return i <= 0 || b[i-1] == '\n' }

// countFeeds counts the lines that end in b[lo:hi] and those of them that are empty, where there is no carriage return.
func countFeeds(b []byte, lo, hi int) (lines, blank int) {
	lines = bytes.Count(b[lo:hi], []byte{'\n'})
	if mayBeBlank(b, lo, hi) {
		for i := lo; i < hi; i++ {
			if b[i] == '\n' && feedBefore(b, i) {
				blank++
			}
		}
	}
	return lines, blank
}

// mayBeBlank reports whether two line feeds follow each other; it may say so of other bytes behind a line feed, never the contrary.
func mayBeBlank(b []byte, lo, hi int) bool {
	carry := uint64(0)
	if feedBefore(b, lo) {
		carry = 0x80
	}
	feeds := spread('\n')
	i := lo
	for ; i+32 <= hi; i += 32 {
		m0, m1 := first(word(b, i), feeds), first(word(b, i+8), feeds)
		m2, m3 := first(word(b, i+16), feeds), first(word(b, i+24), feeds)
		if m0&(m0<<8|carry)|m1&(m1<<8|m0>>56)|m2&(m2<<8|m1>>56)|m3&(m3<<8|m2>>56) != 0 {
			return true
		}
		carry = m3 >> 56
	}
	for ; i < hi; i++ {
		if b[i] == '\n' && feedBefore(b, i) {
			return true
		}
	}
	return false
}

// countReturns is countFeeds where there are carriage returns.
func countReturns(b []byte, lo, hi int) (lines, blank int) {
	feeds, returns := spread('\n'), spread('\r')
	var feed, ret uint64 // of the word before, moved to where they come before this one
	for i := max(0, lo-2); i < lo; i++ {
		feed, ret = feed>>8, ret>>8
		if b[i] == '\n' {
			feed |= 0x80 << 56
		}
		if b[i] == '\r' {
			ret |= 0x80 << 56
		}
	}
	if lo == 0 {
		feed = 0x80 << 56
	} else if lo == 1 {
		feed |= 0x80 << 48
	}
	i := lo
	for ; i+8 <= hi; i += 8 {
		x := word(b, i)
		m, r := equal(x, feeds), equal(x, returns)
		lines += bits.OnesCount64(m)
		before := m<<8 | feed>>56
		beforeTwo := m<<16 | feed>>48
		empty := m & (before | (r<<8|ret>>56)&beforeTwo)
		blank += bits.OnesCount64(empty)
		feed, ret = m, r
	}
	for ; i < hi; i++ {
		if b[i] == '\n' {
			lines++
			if feedBefore(b, i) || b[i-1] == '\r' && feedBefore(b, i-1) {
				blank++
			}
		}
	}
	return lines, blank
}

// masks are 64 bytes of text, a bit for each: which are a quote, a line feed, a carriage return, a delimiter.
type masks struct{ quote, feed, ret, comma uint64 }

// wide is how many bytes masks are of.
const wide = 64

func newMasks(b []byte, i int, comma uint64) (m masks) {
	for k := 0; k < wide; k += 8 {
		x := word(b, i+k)
		m.quote |= gather(equal(x, spread('"'))) << k
		m.feed |= gather(equal(x, spread('\n'))) << k
		m.ret |= gather(equal(x, spread('\r'))) << k
		m.comma |= gather(equal(x, comma)) << k
	}
	return m
}

// toggled has in each bit whether the number of bits of x up to it is odd.
func toggled(x uint64) uint64 {
	x ^= x << 1
	x ^= x << 2
	x ^= x << 4
	x ^= x << 8
	x ^= x << 16
	x ^= x << 32
	return x
}

// quoted counts b[lo:hi], where there are quotes; b[0] lies at base.
func (c *counter) quoted(b []byte, lo, hi, base int) {
	comma := spread(c.comma)
	before := c.before(b, lo)
	for i := lo; i < hi; i += wide {
		n := min(wide, hi-i)
		var m masks
		if n == wide {
			m = newMasks(b, i, comma)
		} else {
			var rest [wide]byte
			copy(rest[:], b[i:hi])
			m = newMasks(rest[:], 0, comma)
		}
		valid := ^uint64(0) >> (wide - n)
		in := toggled(m.quote) // within quotes, if the block begins outside; a quote is on the side after it
		for side := range 2 {
			if c.bad[side] > 0 { // the span does not begin on that side, or it is an error
				continue
			}
			within := in
			if side != c.side {
				within = ^in
			}
			c.half(side, m, before, within, valid, base+i)
		}
		if bits.OnesCount64(m.quote)%2 == 1 {
			c.side = 1 - c.side
		}
		c.lines += bits.OnesCount64(m.feed)
		before = m
	}
}

// before is the masks of what precedes b[i]: the text's first byte follows the end of a line.
func (c *counter) before(b []byte, i int) (m masks) {
	for k := range lookBack {
		bit := uint64(1) << (wide - 1 - k)
		at := i - 1 - k
		if at < 0 {
			m.feed |= bit
			continue
		}
		switch b[at] {
		case '"':
			m.quote |= bit
		case '\n':
			m.feed |= bit
		case '\r':
			m.ret |= bit
		case c.comma:
			m.comma |= bit
		}
	}
	return m
}

// half counts 64 bytes for a span that begins on one side. within says which are in quotes then; those before are on the side of the first.
func (c *counter) half(side int, m, before masks, within, valid uint64, at int) {
	opens, closes := m.quote&within, m.quote&^within
	// The quote before is the last one, so it closes if the first byte here is outside.
	start := (within ^ m.quote) & 1 // the first byte's side before it toggles
	closed := before.quote
	if start == 1 {
		closed = 0
	}
	mayOpen := shift(m.comma|m.feed|m.quote, before.comma|before.feed|before.quote, 1)
	after := shift(closes, closed, 1)
	mayFollow := m.comma | m.feed | m.ret | m.quote
	afterReturn := shift(after&m.ret, closed<<1&before.ret, 1)
	bad := (opens&^mayOpen | after&^mayFollow | afterReturn&^m.feed) & valid
	if bad != 0 {
		c.bad[side] = 1 + at + bits.TrailingZeros64(bad)
	}
	ends := m.feed &^ within
	feeds := before.feed // on the first byte's side, for the two before: no quote is between that they could be beyond
	if start == 1 {
		feeds = 0
	}
	empty := ends & (shift(ends, feeds, 1) | shift(m.ret, before.ret, 1)&shift(ends, feeds, 2))
	rows := ends &^ empty
	if ends != 0 && c.span.first[side] == 0 {
		k := bits.TrailingZeros64(ends)
		upTo := ^uint64(0) >> (wide - 1 - k)
		c.begin(side, at+k+1, c.rows[side]+bits.OnesCount64(rows&upTo), c.lines+bits.OnesCount64(m.feed&upTo))
	}
	c.rows[side] += bits.OnesCount64(rows)
}

// shift moves bits to later bytes, those of the block before into the first ones.
func shift(m, before uint64, n int) uint64 { return m<<n | before>>(wide-n) }
