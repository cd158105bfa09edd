package csv

import (
	"bytes"
	"context"
	"fmt"

	"github.com/darray-go/darray/format"
)

// The records of a text are counted in parallel over ranges of bytes. Whether a range begins within quotes is known only when those before it
// are counted, so each is counted both ways at once, and the right way is picked afterwards. A quote changes sides wherever it is, so
// that both ways differ in nothing but the side that they begin on.

// entry is the beginning of a record: its byte, its number among the rows, and its line in the file, both from zero.
type entry struct{ at, row, line int }

// Of the index of a file: bytes from one entry to the next, and how many entries there are at most.
const (
	stepUsual  = 1 << 20
	entriesMax = 64 << 10
)

// span is what one range has. What is there twice is first for a range that begins outside quotes, then for one that begins within.
type span struct {
	lines int    // line feeds of any kind
	flips bool   // the side that it ends on is not the one that it begins on
	rows  [2]int // lines that end outside quotes and are not empty
	first [2]int // where the line begins after the first line feed outside quotes; 0: there is none
	rowAt [2]int // rows that end before that
	lnAt  [2]int // line feeds before that
	bad   [2]int // 1 + where the first quote is that breaks the grammar; 0: there is none
}

// scanner counts records.
type scanner struct {
	text  *text
	start int // where the first record begins
	line  int // how many lines end before that
	comma byte
	step  int
}

// scan counts the records from s.start on: the index, one entry more for the end, or where the grammar is broken.
func (s *scanner) scan(ctx context.Context) ([]entry, error) {
	size := s.text.size - s.start
	s.step = max(s.step, (size+entriesMax-1)/entriesMax)
	spans := make([]span, (size+s.step-1)/s.step)
	err := format.Each(ctx, len(spans), func(ctx context.Context, i int) (err error) {
		lo := s.start + i*s.step
		spans[i], err = s.count(ctx, lo, min(lo+s.step, s.text.size))
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.stitch(ctx, spans)
}

// stitch picks the right side of each range, from the first on.
func (s *scanner) stitch(ctx context.Context, spans []span) ([]entry, error) {
	here := entry{at: s.start, line: s.line}
	index := []entry{here}
	side := 0
	for i := range spans {
		p := &spans[i]
		if p.bad[side] > 0 {
			return nil, s.broken(ctx, s.start+i*s.step, p.bad[side]-1, side, here)
		}
		if at := p.first[side]; at > 0 && here.row+p.rowAt[side] > index[len(index)-1].row {
			index = append(index, entry{at, here.row + p.rowAt[side], here.line + p.lnAt[side]})
		}
		here.row += p.rows[side]
		here.line += p.lines
		if p.flips {
			side = 1 - side
		}
	}
	if side == 1 {
		return nil, s.unclosed(ctx)
	}
	here.at = s.text.size
	rest, err := s.unended(ctx)
	if err != nil {
		return nil, err
	}
	here.row += rest
	if last := index[len(index)-1]; last.row == here.row { // nothing but empty lines follow, or there is nothing
		index = index[:len(index)-1]
	}
	return append(index, here), nil
}

// unended is 1 if the text's last record has no end of line.
func (s *scanner) unended(ctx context.Context) (int, error) {
	n := min(2, s.text.size-s.start)
	b, release, err := s.text.view(ctx, s.text.size-n, n)
	if err != nil {
		return 0, err
	}
	defer release()
	switch {
	case n == 0, b[n-1] == '\n', b[n-1] == '\r' && (n == 1 || b[0] == '\n'):
		return 0, nil
	}
	return 1, nil
}

// count counts bytes [lo, hi), some at a time.
func (s *scanner) count(ctx context.Context, lo, hi int) (span, error) {
	var c counter
	c.comma = s.comma
	for at := lo; at < hi; at += stepBytes {
		if err := ctx.Err(); err != nil {
			return span{}, err
		}
		before := min(at-s.start, lookBack)
		n := min(at+stepBytes, hi) - at
		b, release, err := s.text.view(ctx, at-before, before+n)
		if err != nil {
			return span{}, err
		}
		c.add(b, before, at-before)
		release()
	}
	c.flips = c.side == 1
	return c.span, nil
}

// broken is the error of a quote at a position in the range from lo on, which begins on a side, with what is before it.
func (s *scanner) broken(ctx context.Context, lo, at, side int, here entry) error {
	p, err := s.count(ctx, lo, at)
	if err != nil {
		return err
	}
	return &placed{row: here.row + p.rows[side], line: here.line + p.lines, at: at, err: errBareQuote}
}

// unclosed is the error of the text's last quote, which opens.
func (s *scanner) unclosed(ctx context.Context) error {
	for hi := s.text.size; hi > s.start; {
		lo := max(s.start, hi-stepBytes)
		b, release, err := s.text.view(ctx, lo, hi-lo)
		if err != nil {
			return err
		}
		i := bytes.LastIndexByte(b, '"')
		release()
		if i < 0 {
			hi = lo
			continue
		}
		p, err := s.count(ctx, s.start, lo+i)
		if err != nil {
			return err
		}
		return &placed{row: p.rows[0], line: s.line + p.lines, at: lo + i, err: errUnclosed}
	}
	return errChanged
}

// placed is an error at a place: a row and a line, both from zero, and a byte.
type placed struct {
	row, line, at int
	column        string // "" where it is of no column
	err           error
}

func (p *placed) Error() string {
	what := fmt.Sprintf("row %d (line %d, byte %d)", p.row, p.line+1, p.at)
	if p.column != "" {
		what += fmt.Sprintf(", column %q", p.column)
	}
	return what + ": " + p.err.Error()
}

func (p *placed) Unwrap() error { return p.err }
