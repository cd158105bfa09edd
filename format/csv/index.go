package csv

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/darray-go/darray/format"
)

// An index is, after its mark and version: the input's size and Version, the size of the text, a sum of CSVOptions, the dialect, the columns,
// and the entries as differences, all as varints or strings after their length; then a CRC-32 of all that.

const indexMark = "csvindex\x01"

var errOtherIndex = errors.New("Options.Index is of another file, of other CSVOptions, or not whole; open the file without it")

// layout is what Open finds out.
type layout struct {
	dialect
	names   []string
	types   []arrow.DataType
	entries []entry // one more for the end
}

// rows is how many there are.
func (l *layout) rows() int { return l.entries[len(l.entries)-1].row }

// encode is the layout of an input as File.Index.
func (l *layout) encode(t *text, options uint32) []byte {
	b := []byte(indexMark)
	b = binary.AppendUvarint(b, uint64(t.in.Size))
	b = appendString(b, t.in.Version)
	b = binary.AppendUvarint(b, uint64(t.size))
	b = binary.BigEndian.AppendUint32(b, options)
	b = append(b, l.comma)
	b = binary.AppendUvarint(b, uint64(len(l.names)))
	for i, name := range l.names {
		b = appendString(b, name)
		b = appendType(b, l.types[i])
	}
	b = binary.AppendUvarint(b, uint64(len(l.entries)))
	var last entry
	for _, e := range l.entries {
		b = binary.AppendUvarint(b, uint64(e.at-last.at))
		b = binary.AppendUvarint(b, uint64(e.row-last.row))
		b = binary.AppendUvarint(b, uint64(e.line-last.line))
		last = e
	}
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// appendType adds a type that newColumn takes: its number, then what else there is to it, the same for all.
func appendType(b []byte, t arrow.DataType) []byte {
	var unit arrow.TimeUnit
	zone := ""
	var digits, scale int32
	switch t := t.(type) {
	case *arrow.Time32Type:
		unit = t.Unit
	case *arrow.Time64Type:
		unit = t.Unit
	case *arrow.TimestampType:
		unit, zone = t.Unit, t.TimeZone
	case *arrow.Decimal128Type:
		digits, scale = t.Precision, t.Scale
	}
	b = append(b, byte(t.ID()), byte(unit), byte(digits), byte(scale))
	return appendString(b, zone)
}

// decodeLayout reads an index that may be of any origin.
func decodeLayout(b []byte, t *text, options uint32) (*layout, error) {
	n := len(b) - crc32.Size
	if n < len(indexMark) || string(b[:len(indexMark)]) != indexMark || crc32.ChecksumIEEE(b[:n]) != binary.BigEndian.Uint32(b[n:]) {
		return nil, errOtherIndex
	}
	r := &indexReader{b: b[len(indexMark):n]}
	same := r.number() == t.in.Size
	same = r.string() == t.in.Version && same
	same = r.number() == t.size && same
	same = binary.BigEndian.Uint32(r.take(4)) == options && same
	l := &layout{}
	l.comma = r.take(1)[0]
	if !same || r.bad || !isDelimiter(rune(l.comma)) {
		return nil, errOtherIndex
	}
	for range r.count(6) {
		l.names = append(l.names, r.string())
		l.types = append(l.types, r.datatype())
	}
	var e entry
	for range r.count(3) {
		last := e
		e = entry{e.at + r.number(), e.row + r.number(), e.line + r.number()}
		if len(l.entries) > 0 && (e.row <= last.row || e.row-last.row > e.at-last.at || e.line-last.line > e.at-last.at) || e.at > t.size || e.at < 0 {
			return nil, errOtherIndex
		}
		l.entries = append(l.entries, e)
	}
	if r.bad || len(r.b) > 0 || len(l.entries) == 0 || l.entries[0].row != 0 || len(l.names) == 0 || l.entries[len(l.entries)-1].at != t.size {
		return nil, errOtherIndex
	}
	return l, nil
}

// agrees reports whether the columns have the types that somebody names.
func (l *layout) agrees(types []arrow.Field) bool {
	for _, f := range types {
		if at := slices.Index(l.names, f.Name); at < 0 || !arrow.TypeEqual(l.types[at], f.Type) {
			return false
		}
	}
	return true
}

// indexReader reads what may be cut or wrong: then it is bad, and all is zero.
type indexReader struct {
	b   []byte
	bad bool
}

func (r *indexReader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.bad, r.b = true, nil
		return make([]byte, max(4, min(n, 8)))
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *indexReader) number() int {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > 1<<56 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return int(v)
}

func (r *indexReader) string() string {
	n := r.number()
	if n > len(r.b) {
		r.bad, r.b = true, nil
		return ""
	}
	return string(r.take(n))
}

// count is a number of things of some bytes each at least.
func (r *indexReader) count(size int) int {
	n := r.number()
	if n > len(r.b)/size {
		r.bad = true
		return 0
	}
	return n
}

// datatype is the type that appendType wrote.
func (r *indexReader) datatype() arrow.DataType {
	b := r.take(4)
	zone := r.string()
	unit := arrow.TimeUnit(b[1])
	switch t := arrow.Type(b[0]); {
	case unit > arrow.Nanosecond:
	case t == arrow.TIME32:
		return &arrow.Time32Type{Unit: unit}
	case t == arrow.TIME64:
		return &arrow.Time64Type{Unit: unit}
	case t == arrow.TIMESTAMP:
		return &arrow.TimestampType{Unit: unit, TimeZone: zone}
	case t == arrow.DECIMAL128:
		return &arrow.Decimal128Type{Precision: int32(b[2]), Scale: int32(b[3])}
	default:
		for _, d := range plainTypes {
			if d.ID() == t {
				return d
			}
		}
	}
	r.bad = true
	return arrow.Null
}

// plainTypes are the readable ones that have no parameters.
var plainTypes = []arrow.DataType{
	arrow.FixedWidthTypes.Boolean, arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Int16, arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64,
	arrow.PrimitiveTypes.Uint8, arrow.PrimitiveTypes.Uint16, arrow.PrimitiveTypes.Uint32, arrow.PrimitiveTypes.Uint64,
	arrow.PrimitiveTypes.Float32, arrow.PrimitiveTypes.Float64, arrow.BinaryTypes.String, arrow.BinaryTypes.LargeString,
	arrow.FixedWidthTypes.Date32, arrow.FixedWidthTypes.Date64,
}

// sumOptions tells options apart that would give other layouts or values. Types are compared with those that the index has.
func sumOptions(o format.CSVOptions) uint32 {
	text := fmt.Sprintf("%v %d %t %q", o.NoHeader, o.Comma, o.Nulls == nil, o.Nulls)
	return crc32.ChecksumIEEE([]byte(text))
}
