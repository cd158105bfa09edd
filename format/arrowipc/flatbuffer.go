package arrowipc

import "encoding/binary"

// The metadata of Arrow IPC is FlatBuffers. What is read here comes from files that nobody vouches for, so every
// position is checked against the buffer: a wrong one reads as zero and marks the buffer bad.

// flatbuffer is one metadata message.
type flatbuffer struct {
	b   []byte
	bad bool // some position pointed outside b
}

// root is the outermost table of a buffer.
func root(b []byte) (table, *flatbuffer) {
	f := &flatbuffer{b: b}
	return table{f, int(f.u32(0))}, f
}

// at gives n bytes at a position, or nil and a bad buffer.
func (f *flatbuffer) at(pos, n int) []byte {
	if pos < 0 || n < 0 || pos > len(f.b)-n {
		f.bad = true
		return nil
	}
	return f.b[pos : pos+n]
}

func (f *flatbuffer) u16(pos int) uint16 {
	if b := f.at(pos, 2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (f *flatbuffer) u32(pos int) uint32 {
	if b := f.at(pos, 4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (f *flatbuffer) i64(pos int) int64 {
	if b := f.at(pos, 8); b != nil {
		return int64(binary.LittleEndian.Uint64(b))
	}
	return 0
}

// table is a FlatBuffers table: fields by slot, each of which may be absent.
type table struct {
	f  *flatbuffer
	at int
}

// field is the position of a slot's value; 0 where it is absent (its default holds).
func (t table) field(slot int) int {
	vtable := t.at - int(int32(t.f.u32(t.at)))
	entry := 4 + 2*slot
	if entry >= int(t.f.u16(vtable)) { // as other readers take an odd size, so that they see no field that is not seen here
		return 0
	}
	if offset := int(t.f.u16(vtable + entry)); offset != 0 {
		return t.at + offset
	}
	return 0
}

func (t table) u8(slot int) uint8 {
	if pos := t.field(slot); pos != 0 {
		if b := t.f.at(pos, 1); b != nil {
			return b[0]
		}
	}
	return 0
}

func (t table) u16(slot int) uint16 {
	if pos := t.field(slot); pos != 0 {
		return t.f.u16(pos)
	}
	return 0
}

func (t table) i64(slot int) int64 {
	if pos := t.field(slot); pos != 0 {
		return t.f.i64(pos)
	}
	return 0
}

// table follows a slot to another table; false where it is absent.
func (t table) table(slot int) (table, bool) {
	pos := t.field(slot)
	if pos == 0 {
		return table{}, false
	}
	return table{t.f, pos + int(t.f.u32(pos))}, true
}

// vector follows a slot to a vector of elements of size bytes; an absent one is empty.
func (t table) vector(slot, size int) vector {
	pos := t.field(slot)
	if pos == 0 {
		return vector{}
	}
	start := pos + int(t.f.u32(pos))
	n := int(t.f.u32(start))
	if t.f.at(start+4, n*size) == nil {
		return vector{}
	}
	return vector{t.f, start + 4, n, size}
}

// vector is n elements of size bytes, all of them within the buffer.
type vector struct {
	f           *flatbuffer
	at, n, size int
}

// i64 reads eight bytes at an offset in element i.
func (v vector) i64(i, offset int) int64 { return v.f.i64(v.at + i*v.size + offset) }

// i32 reads four bytes at an offset in element i.
func (v vector) i32(i, offset int) int32 { return int32(v.f.u32(v.at + i*v.size + offset)) }

// table follows element i, an offset, to its table.
func (v vector) table(i int) table {
	pos := v.at + i*v.size
	return table{v.f, pos + int(v.f.u32(pos))}
}
