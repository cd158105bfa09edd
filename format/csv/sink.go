package csv

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync/atomic"

	"github.com/darray-go/darray/array"
)

// budget is the bytes that one Read may still allocate.
type budget struct{ left atomic.Int64 }

// take takes n bytes.
func (b *budget) take(n int) error {
	if left := b.left.Add(-int64(n)); left < 0 {
		b.left.Add(int64(n))
		return fmt.Errorf("takes %d bytes more, the budget of one Read has %d left; read fewer rows at a time, or raise Options.Budget", n, left+int64(n))
	}
	return nil
}

// sink is where the fields of one column of one piece of rows go: into its part of the whole where values have a width.
type sink struct {
	*column
	n      int       // rows
	values []byte    // of any width
	floats []float64 // of float64s, the same memory
	longs  []int64   // of int64s of eight bytes, the same memory
	short  []int32   // ends of texts in chars, of strings32
	long   []int64   // of strings64
	chars  []byte    // texts, one after the other
	bits   []byte    // of bools
	valid  []byte    // nil while there are no nulls
	nulls  int
	guess  int // bytes that chars may come to
	budget *budget
}

// whole is a column of all rows that are read.
type whole struct {
	*column
	values []byte // or the ends of texts after a first zero, as the array has them
}

// newWhole takes the memory of n values, and of bitmaps of the parts and of the whole; but not of texts.
func newWhole(c *column, n int, left *budget) (*whole, error) {
	w := &whole{column: c}
	bitmap := n/4 + 2
	size := 0
	switch c.kind {
	case bools:
		return w, left.take(2 * bitmap)
	case strings32:
		size = 4 * (n + 1)
	case strings64:
		size = 8 * (n + 1)
	default:
		size = c.width * n
	}
	if err := left.take(size + bitmap); err != nil {
		return nil, err
	}
	w.values = array.AllocBytes(size)
	return w, nil
}

// part is the sink of rows [at, at+n) of w.
func (w *whole) part(at, n int, left *budget) sink {
	s := sink{column: w.column, n: n, budget: left}
	switch w.kind {
	case bools:
		s.bits = make([]byte, (n+7)/8)
	case strings32:
		s.short = array.View[int32](w.values)[at+1 : at+1+n]
	case strings64:
		s.long = array.View[int64](w.values)[at+1 : at+1+n]
	default:
		s.values = w.values[at*w.width : (at+n)*w.width]
		switch {
		case w.kind == float64s:
			s.floats = array.View[float64](s.values)
		case w.kind == int64s && w.width == 8:
			s.longs = array.View[int64](s.values)
		}
	}
	return s
}

// null makes row i null.
func (s *sink) null(i int) {
	if s.valid == nil {
		s.valid = make([]byte, (s.n+7)/8)
		array.SetBits(s.valid, 0, s.n)
	}
	s.valid[i/8] &^= 1 << (i % 8)
	s.nulls++
	if s.text() {
		s.end(i)
	}
}

// end notes that the text of row i ends here; append has seen to it that the position fits.
func (s *sink) end(i int) {
	if s.kind == strings32 {
		s.short[i] = int32(len(s.chars))
	} else {
		s.long[i] = int64(len(s.chars))
	}
}

// errLong is more text than offsets of 32 bits can tell.
var errLong = errors.New("strings of more than 2 GiB at a time; read fewer rows at a time, or name the column in CSVOptions.Types as large_utf8")

// append adds a text as row i.
func (s *sink) append(i int, b []byte) error {
	if need := len(s.chars) + len(b); need > cap(s.chars) {
		if s.kind == strings32 && need > math.MaxInt32 {
			return errLong
		}
		if err := s.grow(need); err != nil {
			return err
		}
	}
	s.chars = append(s.chars, b...)
	s.end(i)
	return nil
}

// grow makes room for texts of so many bytes.
func (s *sink) grow(need int) error {
	room := max(need, 2*cap(s.chars), s.guess)
	if s.kind == strings32 {
		room = min(room, math.MaxInt32) // so that what is longer comes here again
	}
	if err := s.budget.take(room); err != nil {
		room = need
		if err := s.budget.take(room); err != nil {
			return fmt.Errorf("a text of %d bytes: %w", need-len(s.chars), err)
		}
	}
	more := make([]byte, len(s.chars), room)
	copy(more, s.chars)
	s.budget.left.Add(int64(cap(s.chars)))
	s.chars = more
	return nil
}

// set parses a text that is not null as row i of a column that is none of strings.
func (s *sink) set(i int, b []byte) error {
	switch s.kind {
	case float64s:
		v, err := parseFloat(b)
		s.floats[i] = v
		return err
	case float32s:
		v, err := parseFloat32(b)
		s.put(i, uint64(math.Float32bits(v)))
		return err
	case int64s:
		v, next, err := scanInt(b, 0)
		switch {
		case next < len(b) || errors.Is(err, errNotNumber):
			return errNotInteger
		case err != nil || v < s.lo || v > s.hi:
			return errRange
		}
		s.put(i, uint64(v))
	case uint64s:
		v, err := parseUint(b)
		if err == nil && v > s.top {
			err = errRange
		}
		s.put(i, v)
		return err
	case bools:
		v, ok := parseBool(b)
		if !ok && (len(b) != 1 || b[0] != '0' && b[0] != '1') {
			return errNotBool
		}
		if v || !ok && b[0] == '1' {
			s.bits[i/8] |= 1 << (i % 8)
		}
	case decimals:
		v, err := parseDecimal(b, s.digits, s.scale)
		binary.NativeEndian.PutUint64(s.values[16*i:], v.LowBits())
		binary.NativeEndian.PutUint64(s.values[16*i+8:], uint64(v.HighBits()))
		return err
	default:
		v, err := s.moment(b)
		s.put(i, uint64(v))
		return err
	}
	return nil
}

// Errors of texts that do not fit their columns.
var (
	errNotInteger = errors.New("is not an integer")
	errNotBool    = errors.New("is not true or false")
)

// put sets row i to the lowest bytes of v.
func (s *sink) put(i int, v uint64) {
	switch s.width {
	case 1:
		s.values[i] = byte(v)
	case 2:
		binary.NativeEndian.PutUint16(s.values[2*i:], uint16(v))
	case 4:
		binary.NativeEndian.PutUint32(s.values[4*i:], uint32(v))
	case 8:
		binary.NativeEndian.PutUint64(s.values[8*i:], v)
	}
}

// moment is a date or time as the column has it.
func (s *sink) moment(b []byte) (int64, error) {
	switch s.kind {
	case clocks:
		seconds, nanos, rest, err := parseClock(b)
		if err == nil && len(rest) > 0 {
			err = errNotClock
		}
		if err != nil {
			return 0, err
		}
		m := moment{seconds: seconds, nanos: nanos}
		return m.in(s.unit)
	case dates32, dates64:
		days, ok := parseDate(b)
		if !ok {
			return 0, errNotDate
		}
		if s.kind == dates64 {
			days *= daySeconds * 1000
		}
		return days, nil
	}
	m, err := parseMoment(b)
	switch {
	case err != nil:
		return 0, err
	case s.zoned && !m.zoned:
		return 0, errNoZone
	case !s.zoned && m.zoned:
		return 0, errZone
	}
	return m.in(s.unit)
}

// parseUint is a whole text as an integer that is not negative.
func parseUint(b []byte) (uint64, error) {
	if len(b) > 1 && b[0] == '+' {
		b = b[1:]
	}
	v, next, err := scanUint(b, 0)
	if next < len(b) || errors.Is(err, errNotNumber) {
		if v, next, err := scanInt(b, 0); next == len(b) && err == nil && v == 0 {
			return 0, nil // -0
		} else if next == len(b) && err == nil {
			return 0, errRange
		}
		return 0, errNotInteger
	}
	return v, err
}
