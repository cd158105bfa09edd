package csv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"unicode/utf8"
)

// parser reads records of one piece of a text into sinks.
type parser struct {
	b       []byte // the piece, from the beginning of a record on
	at      int    // where it lies in the text
	row     int    // number of its first record
	line    int    // and line
	comma   byte
	names   []string
	sinks   []sink // one for each column
	nulls   *nulls
	scratch []byte // of a text with quotes
	budget  *budget

	safe   bool // all is UTF-8 without NUL
	i      int  // where the parser is
	record int  // number of records before
}

// check looks at the bytes as a whole, so that most texts need not be looked at one by one.
func (p *parser) check() {
	p.safe = bytes.IndexByte(p.b, 0) < 0
	if p.safe {
		for c := range p.sinks {
			if p.sinks[c].text() {
				p.safe = utf8.Valid(p.b)
				return
			}
		}
	}
}

// skip goes over n records, of which nothing is wanted.
func (p *parser) skip(n int) error {
	for range n {
		p.i = skipBlank(p.b, p.i)
		if p.i == len(p.b) {
			return errChanged
		}
		for quotes := 0; ; {
			k := bytes.IndexByte(p.b[p.i:], '\n') + 1
			if k == 0 {
				k = len(p.b) - p.i
			}
			quotes += bytes.Count(p.b[p.i:p.i+k], []byte{'"'})
			if p.i += k; quotes%2 == 0 || p.i == len(p.b) {
				break
			}
		}
		p.record++
	}
	return nil
}

// checkBytes is how many bytes are parsed between looks at the context.
const checkBytes = 1 << 20

// parse reads n records.
func (p *parser) parse(ctx context.Context, n int) error {
	look := p.i
	for row := range n {
		if p.i >= look {
			if err := ctx.Err(); err != nil {
				return err
			}
			look = p.i + checkBytes
		}
		if p.i < len(p.b) && (p.b[p.i] == '\n' || p.b[p.i] == '\r') {
			p.i = skipBlank(p.b, p.i)
		}
		if p.i == len(p.b) {
			return errChanged
		}
		start := p.i
		if err := p.one(row); err != nil {
			return err
		}
		if !p.safe {
			if k := bytes.IndexByte(p.b[start:p.i], 0); k >= 0 {
				return p.fail(start+k, -1, errors.New("there is a NUL byte; is this text, and UTF-8?"))
			}
		}
		p.record++
	}
	return nil
}

// one reads the fields of the record at p.i as row number row of the sinks, and goes to the next line.
func (p *parser) one(row int) error {
	b, comma, i := p.b, p.comma, p.i
	last := len(p.sinks) - 1
	for c := range p.sinks {
		s := &p.sinks[c]
		next := -1
		switch {
		case s.floats != nil:
			if v, end, err := scanFloat(b, i); err == nil && (end < len(b) && b[end] == comma || endsField(b, end, comma)) {
				s.floats[row] = v
				next = end
			}
		case s.longs != nil:
			if v, end, err := scanInt(b, i); err == nil && (end < len(b) && b[end] == comma || endsField(b, end, comma)) {
				s.longs[row] = v
				next = end
			}
		}
		if next < 0 {
			var err error
			if next, err = p.field(s, c, i, row); err != nil {
				return err
			}
		}
		if c == last {
			if next < len(b) && b[next] == comma {
				return p.ragged()
			}
			p.i = afterLine(b, next)
			return nil
		}
		if next == len(b) || b[next] != comma {
			return p.ragged()
		}
		i = next + 1
	}
	return nil
}

// field reads a field of any kind, and tells where it ends.
func (p *parser) field(s *sink, c, i, row int) (next int, err error) {
	b := p.b
	var text []byte
	quoted := i < len(b) && b[i] == '"'
	if quoted {
		if text, next, err = p.unquote(i, s.kind != skipped); err != nil {
			return 0, p.fail(i, c, err)
		}
	} else {
		end := fieldEnd(b, i, p.comma)
		if end < len(b) && b[end] == '"' {
			return 0, p.fail(end, c, errBareQuote)
		}
		next = beforeReturn(b, i, end)
		text = b[i:next]
	}
	switch {
	case s.kind == skipped:
		return next, nil
	case s.text():
		if !quoted && p.nulls.are(text, false) {
			s.null(row)
			return next, nil
		}
		if !p.safe && !validText(text) {
			return 0, p.fail(i, c, fmt.Errorf("%q is not UTF-8, or has a NUL; save the file as UTF-8", clip(text)))
		}
		err = s.append(row, text)
	default:
		text = trim(text)
		if p.nulls.are(text, s.kind == float64s || s.kind == float32s) {
			s.null(row)
			return next, nil
		}
		if err = s.set(row, text); err != nil {
			err = fmt.Errorf("%q %w; the column is read as %s: name it in CSVOptions.Types as a type that holds such text, as utf8 does; "+
				"or name the text in CSVOptions.Nulls, if it stands for null", clip(text), err, s.datatype)
		}
	}
	if err != nil {
		return 0, p.fail(i, c, err)
	}
	return next, nil
}

// unquote is the text of the field in quotes at i, good until the next one, and where the field ends.
func (p *parser) unquote(i int, wanted bool) (text []byte, next int, err error) {
	p.scratch = p.scratch[:0]
	for from := i + 1; ; {
		n := bytes.IndexByte(p.b[from:], '"')
		if n < 0 {
			return nil, 0, errUnclosed
		}
		end := from + n
		if end+1 == len(p.b) || p.b[end+1] != '"' {
			if !endsField(p.b, end+1, p.comma) {
				return nil, 0, errBareQuote
			}
			if len(p.scratch) == 0 {
				return p.b[from:end], end + 1, nil
			}
			err = p.keep(p.b[from:end], wanted)
			return p.scratch, end + 1, err
		}
		if err = p.keep(p.b[from:end+1], wanted); err != nil {
			return nil, 0, err
		}
		from = end + 2
	}
}

// keep adds a part of a text with quotes to the scratch.
func (p *parser) keep(b []byte, wanted bool) error {
	if !wanted {
		return nil
	}
	if need := len(p.scratch) + len(b); need > cap(p.scratch) {
		room := max(need, 2*cap(p.scratch), 256)
		if err := p.budget.take(room); err != nil {
			return fmt.Errorf("a text of more than %d bytes: %w", need, err)
		}
		more := make([]byte, len(p.scratch), room)
		copy(more, p.scratch)
		p.budget.left.Add(int64(cap(p.scratch)))
		p.scratch = more
	}
	p.scratch = append(p.scratch, b...)
	return nil
}

// ragged is the error of a record that does not have one field for each column.
func (p *parser) ragged() error {
	n := 1
	for i := p.i; ; n++ {
		var next int
		if i < len(p.b) && p.b[i] == '"' {
			_, end, err := p.unquote(i, false)
			if err != nil {
				return p.fail(i, -1, err)
			}
			next = end
		} else {
			next = fieldEnd(p.b, i, p.comma)
		}
		if next == len(p.b) || p.b[next] != p.comma {
			break
		}
		i = next + 1
	}
	return p.fail(p.i, -1, fmt.Errorf("the record has %d fields, the first one of the file %d; put quotes around fields with delimiters, or mend the record",
		n, len(p.sinks)))
}

// fail is err at a position of the piece, of a column or of none (-1).
func (p *parser) fail(i, column int, err error) error {
	f := &placed{row: p.row + p.record, line: p.line + bytes.Count(p.b[:i], []byte{'\n'}), at: p.at + i, err: err}
	if column >= 0 {
		f.column = p.names[column]
	}
	return f
}
