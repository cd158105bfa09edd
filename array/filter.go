package array

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"github.com/darray-go/darray/partition"
)

// Selection is how many elements a mask keeps of each piece of so many elements: enough for every rank to know which elements of the
// result it has, and the same on all of them.
type Selection struct {
	Step int   `json:"step"` // elements of a piece, a multiple of 64; the last piece may have fewer
	Kept []int `json:"kept"` // by piece
}

// selectionPieces is about how many pieces a mask is cut into: ranks' parts differ by one piece, and all of them travel with the graph.
const selectionPieces = 4096

// Select counts what a mask keeps. The mask has no nulls: see Truth.
func Select(mask *Block) *Selection {
	n := mask.Len()
	s := &Selection{Step: max(64, (n/selectionPieces+63)&^63)}
	for lo := 0; lo < n; lo += s.Step {
		s.Kept = append(s.Kept, CountBits(mask.values, mask.offset+lo, min(s.Step, n-lo)))
	}
	return s
}

// Len is the number of elements that are kept.
func (s *Selection) Len() int {
	n := 0
	for _, k := range s.Kept {
		n += k
	}
	return n
}

// Before is how many of the first n elements are kept, n being a multiple of Step, or all there are.
func (s *Selection) Before(n int) int {
	kept := 0
	for _, k := range s.Kept[:min((n+s.Step-1)/s.Step, len(s.Kept))] {
		kept += k
	}
	return kept
}

// check holds a selection against the length of its mask.
func (s *Selection) check(n int) error {
	if s.Step < 64 || s.Step%64 != 0 || len(s.Kept) != n/s.Step+int(min(1, n%s.Step)) {
		return fmt.Errorf("%w: a selection of %d pieces of %d elements over %d", ErrGraph, len(s.Kept), s.Step, n)
	}
	for i, k := range s.Kept {
		if k < 0 || k > min(s.Step, n-i*s.Step) {
			return fmt.Errorf("%w: a selection that keeps %d of %d elements", ErrGraph, k, min(s.Step, n-i*s.Step))
		}
	}
	return nil
}

// Filter is the rows of a along its first axis for which mask, 1-D and bool, is true; where it is null they go. How many there are is
// Unknown until mask has been computed: see Resolve. ErrShape where mask has not a row's length, ErrDType where it is not bool.
func Filter(a, mask *Node, pc uintptr) *Node {
	if failed := mask.failed(pc); failed != nil {
		return failed
	}
	if a.err != nil && a.carried() == nil {
		return a
	}
	switch {
	case mask.dtype != Bool:
		return Failed(pc, fmt.Errorf("filter: %w: the mask is %s; make it bool, as by a comparison", ErrDType, mask.dtype))
	case len(mask.shape) != 1 || len(a.shape) == 0 || mask.shape[0] != a.shape[0]:
		return Failed(pc, fmt.Errorf("filter: %w: the mask has shape %v, what it filters %v; it takes one bool a row", ErrShape, mask.shape, a.shape))
	}
	shape := slices.Clone(a.shape)
	shape[0] = Unknown
	return &Node{kind: KindFilter, dtype: a.dtype, shape: shape, args: []*Node{a, mask}, err: a.err, pc: pc}
}

// Filtered is Filter of a 1-D array where it is known what mask keeps; mask has no nulls.
func Filtered(a, mask *Node, s *Selection, pc uintptr) *Node {
	err := func() error {
		switch {
		case len(a.shape) != 1 || !a.shape.Equal(mask.shape) || mask.dtype != Bool:
			return fmt.Errorf("%w: a mask of %s%v over %v", ErrShape, mask.dtype, mask.shape, a.shape)
		}
		return s.check(a.shape[0])
	}()
	if err != nil {
		return Failed(pc, fmt.Errorf("filter: %w", err))
	}
	n := &Node{kind: KindFilter, dtype: a.dtype, shape: Shape{s.Len()}, few: [maxArity]*Node{a, mask}, of: s, err: a.err, pc: pc}
	n.args = n.few[:2]
	return n
}

// Selection is what is kept by KindFilter; nil until that is known.
func (n *Node) Selection() *Selection {
	s, _ := n.of.(*Selection)
	return s
}

// unresolved reports whether it is not known yet which elements n has.
func (n *Node) unresolved() bool { return n.kind == KindSlice || n.kind == KindFilter && n.of == nil }

// Truth is a bool block as a mask: what is null becomes false.
func Truth(b *Block) *Block {
	if !b.HasNulls() {
		return b
	}
	out := NewBlock(Bool, b.shape, false)
	CopyBits(out.values, 0, b.values, b.offset, b.n)
	valid := AllocBytes(bitmapBytes(b.n))
	CopyBits(valid, 0, b.validity, b.offset, b.n)
	for i := range out.values {
		out.values[i] &= valid[i]
	}
	return out
}

// Compress copies the elements of src for which mask, of as many bools, is true to the start of out, which has room for just those and
// has validity if src has nulls: for i := range src { if mask[i] { out[k] = src[i]; k++ } }.
func Compress(out, src, mask *Block) error {
	if n := CountBits(mask.values, mask.offset, mask.n); mask.n != src.n || out.n != n || out.dtype != src.dtype {
		return fmt.Errorf("%w: %d elements of %s to compress to %d of %s by %d of %d", ErrShape, src.n, src.dtype, out.n, out.dtype, n, mask.n)
	}
	if src.validity != nil && out.validity == nil {
		return errors.New("compress: nulls, and no room for them; this is a fault of the planner")
	}
	m := maskBits{mask.values, mask.offset, mask.n}
	switch src.dtype.Size() {
	case 1:
		if src.dtype == Bool {
			m.bits(out.values, out.offset, src.values, src.offset)
			break
		}
		compress(View[uint8](out.bytes()), View[uint8](src.bytes()), m)
	case 2:
		compress(View[uint16](out.bytes()), View[uint16](src.bytes()), m)
	case 4:
		compress(View[uint32](out.bytes()), View[uint32](src.bytes()), m)
	case 8:
		compress(View[uint64](out.bytes()), View[uint64](src.bytes()), m)
	}
	switch {
	case src.validity != nil:
		m.bits(out.validity, out.offset, src.validity, src.offset)
	case out.validity != nil:
		SetBits(out.validity, out.offset, out.n)
	}
	return nil
}

// maskBits is n bits of a bitmap from an offset on.
type maskBits struct {
	b         []byte
	offset, n int
}

// word is bits [i, i+64), as many of them as there are.
func (m maskBits) word(i int) uint64 { return bitsAt(m.b, m.offset+i, min(64, m.n-i)) }

// bitsAt is n <= 64 bits of a bitmap from bit at on.
func bitsAt(b []byte, at, n int) uint64 {
	first, shift := at>>3, at&7
	var w uint64
	if first+8 <= len(b) {
		w = binary.LittleEndian.Uint64(b[first:]) >> shift
	} else {
		for i, x := range b[first:] {
			w |= uint64(x) << (8 * i)
		}
		w >>= shift
	}
	if shift > 0 && shift+n > 64 { // the last bits lie in a ninth byte
		w |= uint64(b[first+8]) << (64 - shift)
	}
	if n < 64 {
		w &= 1<<n - 1
	}
	return w
}

func compress[T uint8 | uint16 | uint32 | uint64](out, src []T, m maskBits) {
	k := 0
	for i := 0; i < m.n; i += 64 {
		w := m.word(i)
		if w == 1<<64-1 {
			k += copy(out[k:], src[i:i+64])
			continue
		}
		for ; w != 0; w &= w - 1 {
			out[k] = src[i+bits.TrailingZeros64(w)]
			k++
		}
	}
}

// bits compresses a bitmap: bits of src from bit from on, to dst from bit to on.
func (m maskBits) bits(dst []byte, to int, src []byte, from int) {
	for i := 0; i < m.n; i += 64 {
		n := min(64, m.n-i)
		values := bitsAt(src, from+i, n)
		for w := m.word(i); w != 0; w &= w - 1 {
			b := byte(1) << (to & 7)
			if values>>bits.TrailingZeros64(w)&1 != 0 {
				dst[to>>3] |= b
			} else {
				dst[to>>3] &^= b
			}
			to++
		}
	}
}

// check holds a source of a peer against the number of elements that it is said to have.
func (s *Source) check(n int) error {
	if len(s.Index) != 0 && len(s.Index) != len(s.Paths) || s.Width < 0 || s.Width > 0 && n%s.Width != 0 {
		return fmt.Errorf("%w: a source of %d files with %d indexes, of %d elements in rows of %d", ErrGraph, len(s.Paths), len(s.Index), n, s.Width)
	}
	if s.Rows == nil {
		return nil
	}
	rows, last := 0, 0
	for _, r := range s.Rows {
		if r.Lo < last || r.Hi < r.Lo {
			return fmt.Errorf("%w: rows %v of a source after row %d", ErrGraph, r, last)
		}
		rows, last = rows+r.Len(), r.Hi
	}
	if rows*max(1, s.Width) != n {
		return fmt.Errorf("%w: a source of %d rows has %d elements", ErrGraph, rows, n)
	}
	return nil
}

// Whole is the column with all rows of its files.
func (s *Source) Whole() *Source {
	if s.Rows == nil {
		return s
	}
	whole := *s
	whole.Rows = nil
	return &whole
}

// Spans gives the elements of the whole column that elements [lo, hi) of s are.
func (s *Source) Spans(lo, hi int) []partition.Range {
	if s.Rows == nil {
		return []partition.Range{{Lo: lo, Hi: hi}}
	}
	var out []partition.Range
	at, width := 0, max(1, s.Width)
	for _, r := range s.Rows {
		n := r.Len() * width
		if part := (partition.Range{Lo: lo, Hi: hi}).Intersect(partition.Range{Lo: at, Hi: at + n}); !part.Empty() {
			out = append(out, partition.Range{Lo: part.Lo - at + r.Lo*width, Hi: part.Hi - at + r.Lo*width})
		}
		at += n
	}
	return out
}

// within is the rows of s that are rows ranges of the column.
func (s *Source) within(ranges []partition.Range, n int) *Source {
	have := s.Rows
	if have == nil {
		have = []partition.Range{{Lo: 0, Hi: n}}
	}
	part := *s
	part.Rows = []partition.Range{}
	at := 0
	for _, h := range have {
		for _, r := range ranges {
			if w := r.Intersect(partition.Range{Lo: at, Hi: at + h.Len()}); !w.Empty() {
				w.Lo, w.Hi = w.Lo-at+h.Lo, w.Hi-at+h.Lo
				if k := len(part.Rows); k > 0 && part.Rows[k-1].Hi == w.Lo {
					part.Rows[k-1].Hi = w.Hi
					continue
				}
				part.Rows = append(part.Rows, w)
			}
		}
		at += h.Len()
	}
	return &part
}
