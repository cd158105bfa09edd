package darray

import (
	"encoding/binary"
	"slices"
	"testing"
)

// FuzzBlockHead: what a peer says of a block is refused, or is what SendBlock says of such a block.
func FuzzBlockHead(f *testing.F) {
	f.Add(uint8(0), uint64(6), uint64(Float64)|2<<8, uint64(64), appendShape(nil, Shape{2, 3}))
	f.Add(uint8(1), uint64(1)<<62, uint64(Bool), ^uint64(0), []byte{255})
	f.Fuzz(func(t *testing.T, flags uint8, count, aux, size uint64, extents []byte) {
		h, err := readHead(flags, count, aux, size)
		if err == nil && (!h.dtype.Valid() || h.n < 0 || h.bytes() < 0 || uint64(8*h.axes+h.bytes()) != size) {
			t.Errorf("%#x, %d, %#x of %d bytes is taken for %+v", flags, count, aux, size, h)
		}
		shape, err := readShape(extents)
		if whole := extents[:len(extents)/8*8]; err == nil && (shape.Len() < 0 || !slices.Equal(appendShape(nil, shape), whole)) {
			t.Errorf("%x is taken for %v", extents, shape)
		}
	})
}

// FuzzBlockNotes: what ranks say at the beginning of a collective is refused, or is what such ranks say.
func FuzzBlockNotes(f *testing.F) {
	add := func(p uint8, words []uint64) {
		var raw []byte
		for _, w := range words {
			raw = binary.LittleEndian.AppendUint64(raw, w)
		}
		f.Add(p, raw)
	}
	one := blockNote{call: blockCall{gatherBlock, 2}, memory: 1 << 34, dtype: Int16, nulls: true, shape: Shape{4, 0, 7}}
	none := blockNote{call: blockCall{bcastBlock, -1}}
	add(2, none.append(one.append(nil)))
	add(3, []uint64{1 | 1<<8 | 200<<24, 1 << 63, 5})
	f.Fuzz(func(t *testing.T, p uint8, raw []byte) {
		var words, again []uint64
		for ; len(raw) >= 8; raw = raw[8:] {
			words = append(words, binary.LittleEndian.Uint64(raw))
		}
		notes, err := readNotes(words, int(p))
		if err != nil {
			return
		}
		for _, n := range notes {
			again = n.append(again)
		}
		if !slices.Equal(again, words) {
			t.Errorf("%x is taken for %v", words, notes)
		}
		_, _ = sum(slices.Concat([]blockNote{one}, notes), func(_ int, err error) error { return err })
	})
}

// The bytes of a block are refused before they are taken, also where nobody knows how many there are.
func TestRoomFor(t *testing.T) {
	for _, tt := range []struct {
		bytes, memory int
		ok            bool
	}{
		{0, 1, true}, {10, 10, true}, {11, 10, false}, {-1, 10, false}, {1 << 39, 0, true}, {1 << 41, 0, false},
	} {
		if err := roomFor(tt.bytes, tt.memory); (err == nil) != tt.ok {
			t.Errorf("%d bytes of %d: %v", tt.bytes, tt.memory, err)
		}
	}
}
