package csv

import (
	"bytes"
	"errors"
)

// Errors of the grammar, shared by all that walk over text.
var (
	errBareQuote  = errors.New(`there is a quote within a field that has none around it, or text after a closing one; a field with quotes is written "a ""b"" c"`)
	errUnclosed   = errors.New("a quote opens here that nothing closes; write a quote within a field twice")
	errIncomplete = errors.New("the sample ends within a record")
)

// field is one field of a sample.
type field struct {
	text   []byte // without quotes
	quoted bool
}

// splitter walks over the records of a sample, with care instead of speed.
type splitter struct {
	b     []byte
	at    int // where the next record begins
	comma byte
	whole bool // the sample ends where the text does

	fields []field
}

// next is the fields of the next record, good until the one after it, or nil at the end. A record that the sample cuts is not given.
func (s *splitter) next() ([]field, error) {
	s.at = skipBlank(s.b, s.at)
	if s.at == len(s.b) {
		return nil, nil
	}
	s.fields = s.fields[:0]
	for i := s.at; ; {
		f, end, err := s.field(i)
		if errors.Is(err, errIncomplete) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		s.fields = append(s.fields, f)
		if end < len(s.b) && s.b[end] == s.comma {
			i = end + 1
			continue
		}
		if s.at = afterLine(s.b, end); s.at == len(s.b) && !s.whole && s.b[s.at-1] != '\n' {
			return nil, nil
		}
		return s.fields, nil
	}
}

// field is the field at i, and where it ends.
func (s *splitter) field(i int) (field, int, error) {
	if i == len(s.b) || s.b[i] != '"' {
		end := fieldEnd(s.b, i, s.comma)
		if end < len(s.b) && s.b[end] == '"' {
			return field{}, 0, errBareQuote
		}
		end = beforeReturn(s.b, i, end)
		return field{text: s.b[i:end]}, end, nil
	}
	var text []byte
	for from := i + 1; ; {
		n := bytes.IndexByte(s.b[from:], '"')
		if n < 0 {
			return field{}, 0, s.cut(errUnclosed)
		}
		end := from + n
		if end+1 < len(s.b) && s.b[end+1] == '"' {
			text = append(text, s.b[from:end+1]...)
			from = end + 2
			continue
		}
		if !endsField(s.b, end+1, s.comma) {
			return field{}, 0, s.cut(errBareQuote)
		}
		if text == nil {
			return field{s.b[from:end], true}, end + 1, nil
		}
		return field{append(text, s.b[from:end]...), true}, end + 1, nil
	}
}

// cut is err of a whole text; of a sample it may be the cut that does it.
func (s *splitter) cut(err error) error {
	if s.whole || errors.Is(err, errBareQuote) {
		return err
	}
	return errIncomplete
}

// skipBlank is the first byte at or after i, which begins a line, that is not of an empty line.
func skipBlank(b []byte, i int) int {
	for i < len(b) {
		switch {
		case b[i] == '\n':
			i++
		case b[i] == '\r' && (i+1 == len(b) || b[i+1] == '\n'):
			i = min(i+2, len(b))
		default:
			return i
		}
	}
	return i
}

// endsField reports whether a field may end at i: before a delimiter, the end of a line, or of the text.
func endsField(b []byte, i int, comma byte) bool {
	if i == len(b) {
		return true
	}
	c := b[i]
	return c == comma || c == '\n' || c == '\r' && (i+1 == len(b) || b[i+1] == '\n')
}

// beforeReturn is where a field without quotes that ends at end really does: before the carriage return of its line's end.
func beforeReturn(b []byte, i, end int) int {
	if end > i && b[end-1] == '\r' && (end == len(b) || b[end] == '\n') {
		return end - 1
	}
	return end
}

// afterLine is where the line goes on that ends at end.
func afterLine(b []byte, end int) int {
	if end < len(b) && b[end] == '\r' {
		end++
	}
	return min(end+1, len(b))
}
