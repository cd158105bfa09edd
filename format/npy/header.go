package npy

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	magic     = "\x93NUMPY"
	prefixV1  = 10      // bytes before the text of a header: magic, version, 2 bytes of length
	prefixV2  = 12      // with 4 bytes of length
	maxHeader = 1 << 20 // bytes; NumPy itself reads 10,000 of files that it does not trust
	maxAxes   = 64      // as NumPy 2
	maxFields = 1 << 14
)

// header is what a .npy file says of its array.
type header struct {
	fields  []field
	record  int // bytes of an element: of all fields and what is between them
	shape   []int
	fortran bool
	length  int // bytes before the values
}

// field is a part of each element: all of it, or one of a record's.
type field struct {
	name string // "" for all of the element
	dtype
	at   int // bytes before it in the element
	axes []int
}

// readHeader reads the beginning of src and checks that the rest is what it says.
func readHeader(ctx context.Context, src source) (*header, error) {
	start, err := src.view(ctx, 0, min(src.size, prefixV2))
	if err != nil {
		return nil, err
	}
	h := &header{}
	var n int
	if h.length, n, err = headerLength(start, src.size); err != nil {
		return nil, err
	}
	text, err := src.view(ctx, h.length, n)
	if err != nil {
		return nil, err
	}
	if err := h.parse(text, start[6] < 3); err != nil {
		return nil, err
	}
	h.length += n
	return h, h.check(src.size)
}

// headerLength gives the bytes before a header's text and of it, out of the first bytes of a file of a size.
func headerLength(start []byte, size int) (begin, n int, err error) {
	if len(start) < prefixV1 || string(start[:len(magic)]) != magic {
		return 0, 0, fmt.Errorf("%d bytes do not begin as a .npy file does", size)
	}
	begin, n = prefixV1, int(binary.LittleEndian.Uint16(start[8:]))
	switch major, minor := start[6], start[7]; {
	case major < 1 || major > 3 || minor != 0:
		return 0, 0, fmt.Errorf("version %d.%d of the .npy format; 1.0, 2.0 and 3.0 are known", major, minor)
	case major > 1 && len(start) < prefixV2:
		return 0, 0, fmt.Errorf("truncated: %d bytes are no whole header", size)
	case major > 1:
		begin, n = prefixV2, int(binary.LittleEndian.Uint32(start[8:]))
	}
	if n > maxHeader {
		return 0, 0, fmt.Errorf("the header says that it is %d bytes long; at most %d are accepted", n, maxHeader)
	}
	if n > size-begin {
		return 0, 0, fmt.Errorf("truncated: a header of %d bytes in a file of %d", n, size)
	}
	return begin, n, nil
}

// parse reads the dictionary of a header, in Latin-1 or UTF-8.
func (h *header) parse(text []byte, latin bool) error {
	l := &literal{text: string(text), base: h.length}
	if latin {
		l.text = fromLatin(text)
	} else if !utf8.Valid(text) {
		return l.errorf("the text is not UTF-8")
	}
	if err := l.expect('{'); err != nil {
		return err
	}
	seen := make(map[string]bool)
	_, err := l.items('}', func() error {
		key, err := l.str()
		if err != nil {
			return err
		}
		if seen[key] {
			return l.errorf("%q comes twice", key)
		}
		seen[key] = true
		if err := l.expect(':'); err != nil {
			return err
		}
		switch key {
		case "descr":
			err = h.parseDescr(l)
		case "fortran_order":
			h.fortran, err = l.truth()
		case "shape":
			h.shape, err = l.numbers()
		default:
			err = l.errorf("the key %.40q is not known", key)
		}
		return err
	})
	if err != nil {
		return err
	}
	if l.next() != 0 || l.at < len(l.text) {
		return l.errorf("%q after the dictionary", l.text[l.at])
	}
	for _, key := range []string{"descr", "fortran_order", "shape"} {
		if !seen[key] {
			return l.errorf("there is no %q", key)
		}
	}
	return nil
}

// fromLatin is Latin-1 as UTF-8.
func fromLatin(text []byte) string {
	var out strings.Builder
	for _, c := range text {
		out.WriteRune(rune(c))
	}
	return out.String()
}

// parseDescr reads the element's type: a string, or a list of a record's fields.
func (h *header) parseDescr(l *literal) error {
	if l.next() != '[' {
		d, err := parseType(l)
		if err != nil {
			return err
		}
		if d.kind == padding {
			return l.errorf("elements of raw bytes have no Arrow type; view them as numbers, by a.view('u1')")
		}
		h.fields, h.record = []field{{dtype: d}}, d.size
		return nil
	}
	l.at++
	seen := make(map[string]bool)
	_, err := l.items(']', func() error {
		f, err := h.parseField(l)
		if err != nil {
			return err
		}
		n, err := product(f.size, f.axes)
		if err != nil || n > math.MaxInt32 {
			return l.errorf("field %q of %v values is too long", f.name, f.axes)
		}
		if f.at = h.record; f.at+n > math.MaxInt32 || len(h.fields) == maxFields {
			return l.errorf("a record of too many bytes or fields")
		}
		h.record += n
		if f.kind == padding {
			if f.name == "" {
				return nil
			}
			return l.errorf("field %q: raw bytes have no Arrow type; save the other fields alone", f.name)
		}
		if f.name == "" || seen[f.name] {
			return l.errorf("two fields are called %q, or one has no name", f.name)
		}
		seen[f.name] = true
		h.fields = append(h.fields, f)
		return nil
	})
	if err == nil && len(h.fields) == 0 {
		err = l.errorf("a record without fields")
	}
	return err
}

// parseField reads one field of a record: (name, type), (name, type, shape), or ((title, name), type).
func (h *header) parseField(l *literal) (f field, err error) {
	if err = l.expect('('); err != nil {
		return f, err
	}
	if l.accept('(') { // the title is dropped
		if _, err = l.str(); err == nil {
			err = l.expect(',')
		}
		if err != nil {
			return f, err
		}
		if f.name, err = l.str(); err == nil {
			err = l.expect(')')
		}
	} else {
		f.name, err = l.str()
	}
	if err == nil {
		err = l.expect(',')
	}
	if err != nil {
		return f, err
	}
	if l.next() == '[' {
		return f, l.errorf("field %q is a record itself; save its fields as arrays of their own", f.name)
	}
	if f.dtype, err = parseType(l); err != nil {
		return f, err
	}
	if l.accept(',') && l.next() == '(' {
		if f.axes, err = l.numbers(); err != nil {
			return f, err
		}
		l.accept(',')
	}
	return f, l.expect(')')
}

// product is size times the lengths of axes; an error where it, or that of the axes that are not empty, is beyond what can be addressed.
func product(size int, axes []int) (int, error) {
	n, empty := max(1, size), size == 0
	for _, d := range axes {
		if d == 0 {
			empty = true
			continue
		}
		if n > math.MaxInt/8/d {
			return 0, fmt.Errorf("shape %v of elements of %d bytes is more than can be addressed", axes, size)
		}
		n *= d
	}
	if empty {
		return 0, nil
	}
	return n, nil
}

// check compares what a header says with the bytes that there are.
func (h *header) check(size int) error {
	need, err := product(h.record, h.shape)
	if err != nil {
		return err
	}
	switch have := size - h.length; {
	case have < need:
		return fmt.Errorf("truncated: shape %v of elements of %d bytes needs %d bytes, %d are there", h.shape, h.record, need, have)
	case have > need:
		return fmt.Errorf("%d bytes follow the values; shape %v of elements of %d bytes has %d", have-need, h.shape, h.record, need)
	}
	for i := range h.fields {
		f := &h.fields[i]
		if _, err := product(1, slices.Concat(h.shape, f.axes)); err != nil { // of values that take no bytes, too
			return err
		}
		for _, d := range slices.Concat(h.shape[min(1, len(h.shape)):], f.axes) {
			if d == 0 {
				return fmt.Errorf("shape %v, and %v in each element: an axis beyond the first is empty, and Arrow for Go has no lists of 0 values; there is nothing to read",
					h.shape, f.axes)
			}
			if d > math.MaxInt32 {
				return fmt.Errorf("shape %v: an axis beyond the first is longer than Arrow's lists, %d; transpose the array", h.shape, math.MaxInt32)
			}
		}
	}
	return nil
}

// rows is the length of the first axis; an array without axes is one row.
func (h *header) rows() int {
	if len(h.shape) == 0 {
		return 1
	}
	return h.shape[0]
}

// width is the elements of a row.
func (h *header) width() int {
	n := 1
	for _, d := range h.shape[min(1, len(h.shape)):] {
		n *= d
	}
	return n
}
