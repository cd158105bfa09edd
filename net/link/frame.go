package link

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The 64 bytes of a frame, little-endian:
//
//	0  magic "dary"      16  Kind, Op, DType, Flags      32  Seq
//	4  version           20  Context                     40  Count
//	5  Type              24  Tag                         48  Aux
//	6  zero (2 bytes)    28  Root                        56  Size
//	8  ID
const (
	// HeaderSize is the length of an encoded Frame in bytes.
	HeaderSize = 64
	// Version of the frame; a peer of another version is refused.
	Version = 1

	magic = 'd' | 'a'<<8 | 'r'<<16 | 'y'<<24
)

// ErrFrame: bytes that are no frame of this version; the peer is not a darray of this kind, or is broken.
var ErrFrame = errors.New("link: bad frame")

// Frame is a Header as it travels, with two words that belong to the link which carries it.
type Frame struct {
	Type uint8  // what the link does with it; each link has its own numbers
	ID   uint64 // number of the message on its Conn and direction
	Header
}

// AppendTo appends the HeaderSize bytes of f to b.
func (f *Frame) AppendTo(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, magic)
	b = append(b, Version, f.Type, 0, 0)
	b = le.AppendUint64(b, f.ID)
	b = append(b, f.Kind, f.Op, f.DType, f.Flags)
	b = le.AppendUint32(b, f.Context)
	b = le.AppendUint32(b, uint32(f.Tag))
	b = le.AppendUint32(b, uint32(f.Root))
	b = le.AppendUint64(b, f.Seq)
	b = le.AppendUint64(b, f.Count)
	b = le.AppendUint64(b, f.Aux)
	return le.AppendUint64(b, f.Size)
}

// DecodeFrame reads the frame at the start of b. It refuses what is no frame of this version (ErrFrame) and a Size above
// maxSize (ErrTooLarge), so that the caller may allocate Size bytes.
func DecodeFrame(b []byte, maxSize uint64) (Frame, error) {
	if len(b) < HeaderSize {
		return Frame{}, fmt.Errorf("%w: %d bytes, want %d", ErrFrame, len(b), HeaderSize)
	}
	le := binary.LittleEndian
	if m := le.Uint32(b); m != magic {
		return Frame{}, fmt.Errorf("%w: magic %#08x, want %#08x", ErrFrame, m, uint32(magic))
	}
	if b[4] != Version {
		return Frame{}, fmt.Errorf("%w: version %d, this program speaks %d; run the same build on every rank", ErrFrame, b[4], Version)
	}
	if b[6] != 0 || b[7] != 0 {
		return Frame{}, fmt.Errorf("%w: reserved bytes are set", ErrFrame)
	}
	f := Frame{
		Type: b[5],
		ID:   le.Uint64(b[8:]),
		Header: Header{
			Kind: b[16], Op: b[17], DType: b[18], Flags: b[19],
			Context: le.Uint32(b[20:]),
			Tag:     int32(le.Uint32(b[24:])),
			Root:    int32(le.Uint32(b[28:])),
			Seq:     le.Uint64(b[32:]),
			Count:   le.Uint64(b[40:]),
			Aux:     le.Uint64(b[48:]),
			Size:    le.Uint64(b[56:]),
		},
	}
	if f.Size > maxSize {
		return Frame{}, fmt.Errorf("%w: %d bytes announced, limit %d", ErrTooLarge, f.Size, maxSize)
	}
	return f, nil
}
