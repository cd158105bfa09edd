package csv

import (
	"bytes"
	"context"

	"github.com/apache/arrow-go/v18/arrow"
)

// class is what one field of a sample could be; a set of them is what a column's could.
type class uint16

const (
	isEmpty class = 1 << iota
	isBool
	isInt    // fits int64
	isMinus  // is below zero
	isBig    // fits uint64 alone
	isNaN    // null, but of floats
	isFloat  // fits float64
	isDate   //
	isMoment // a date and a time
	isZoned  // a date and a time with Z or an offset
	isNano   // is finer than microseconds
	isText
)

// classify tells what a text could be that is not null.
func classify(b []byte) class {
	b = trim(b)
	if len(b) == 0 {
		return isEmpty
	}
	if _, ok := parseBool(b); ok {
		return isBool
	}
	switch v, next, err := scanInt(b, 0); {
	case next < len(b):
	case err == nil && v < 0:
		return isInt | isMinus
	case err == nil && !(b[0] == '-' && v == 0): // -0 is a float
		return isInt
	case err != nil:
		if _, next, err := scanUint(b, 0); err == nil && next == len(b) {
			return isBig
		}
		if allDigits(b) {
			return isText // a float would lose digits
		}
	}
	if _, err := parseFloat(b); err == nil {
		if bytes.EqualFold(b, []byte("nan")) {
			return isNaN
		}
		return isFloat
	}
	m, err := parseMoment(b)
	if err != nil {
		return isText
	}
	c := isMoment
	if m.dated {
		c = isDate
	}
	if m.zoned {
		c = isZoned
	}
	if _, err := m.in(arrow.Microsecond); err != nil {
		if _, err := m.in(arrow.Nanosecond); err != nil {
			return isText
		}
		c |= isNano
	}
	return c
}

// allDigits reports whether a text is an integer, of any length.
func allDigits(b []byte) bool {
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		b = b[1:]
	}
	for _, c := range b {
		if c-'0' > 9 {
			return false
		}
	}
	return len(b) > 0
}

// only reports whether c has some of want, and nothing but it and what may be.
func (c class) only(want, may class) bool { return c&want != 0 && c&^(want|may) == 0 }

// datatype is the narrowest type of a column of such fields.
func (c class) datatype() arrow.DataType {
	zone := ""
	if c&isZoned != 0 {
		zone = "UTC"
	}
	unit := arrow.Microsecond
	if c&isNano != 0 {
		unit = arrow.Nanosecond
	}
	switch c &^= isEmpty; {
	case c.only(isBool, isNaN):
		return arrow.FixedWidthTypes.Boolean
	case c.only(isInt, isNaN|isMinus):
		return arrow.PrimitiveTypes.Int64
	case c.only(isBig, isNaN|isInt):
		return arrow.PrimitiveTypes.Uint64
	case c.only(isFloat, isNaN|isInt|isMinus|isBig), c == isNaN:
		return arrow.PrimitiveTypes.Float64
	case c.only(isDate, isNaN):
		return arrow.FixedWidthTypes.Date32
	case c.only(isMoment, isDate|isNano|isNaN), c.only(isZoned, isNano|isNaN):
		return &arrow.TimestampType{Unit: unit, TimeZone: zone}
	}
	return arrow.BinaryTypes.String
}

// Of a sample: how many pieces of a file are looked at beside its beginning, and the bytes of each at most.
const (
	samplePieces = 64
	sampleBytes  = 16 << 10
)

// tellTypes tells the columns' types by the beginning of a text and by pieces across it.
func (l *layout) tellTypes(ctx context.Context, t *text, n *nulls) ([]arrow.DataType, error) {
	classes := make([]class, len(l.names))
	pieces := len(l.entries) - 1
	for k := range min(pieces, samplePieces) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		i := k * pieces / min(pieces, samplePieces)
		at, size := l.entries[i].at, sampleBytes
		if k == 0 {
			size = stepBytes
		}
		size = min(size, t.size-at)
		b, release, err := t.view(ctx, at, size)
		if err != nil {
			return nil, err
		}
		s := splitter{b: b, comma: l.comma, whole: at+size == t.size}
		for {
			fields, err := s.next()
			if err != nil || fields == nil { // what is wrong with it Read tells, with the place
				break
			}
			for c, f := range fields[:min(len(fields), len(classes))] {
				classes[c] |= n.classify(f)
			}
		}
		release()
	}
	types := make([]arrow.DataType, len(classes))
	for i, c := range classes {
		types[i] = c.datatype()
	}
	return types, nil
}

// trim takes the blanks around a value away.
func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

func parseBool(b []byte) (v, ok bool) {
	switch string(b) {
	case "true", "True", "TRUE":
		return true, true
	case "false", "False", "FALSE":
		return false, true
	}
	return false, false
}

// nulls are the texts that are null.
type nulls struct {
	texts   map[string]bool
	longest int
	nan     bool // NaN is null, but of floats
	empty   bool
}

// usualNulls are those where CSVOptions say none, beside NaN.
var usualNulls = []string{"", "NA", "N/A", "null", "NULL", "None"}

func newNulls(texts []string) *nulls {
	n := &nulls{texts: make(map[string]bool)}
	if texts == nil {
		texts, n.nan, n.longest = usualNulls, true, len("NaN")
	}
	for _, t := range texts {
		n.texts[t] = true
		n.longest = max(n.longest, len(t))
	}
	n.empty = n.texts[""]
	return n
}

// are reports whether a text is null in a column that is one of floats or not.
func (n *nulls) are(b []byte, floats bool) bool {
	return len(b) <= n.longest && (n.texts[string(b)] || n.nan && !floats && string(b) == "NaN")
}

// classify is what a field of a sample could be.
func (n *nulls) classify(f field) class {
	b := trim(f.text)
	if n.are(b, true) && (!f.quoted || len(b) == 0) {
		return isEmpty
	}
	if len(b) == 0 {
		return isText
	}
	c := classify(b)
	if c == isNaN && !n.nan {
		return isFloat
	}
	return c
}
