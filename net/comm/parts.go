package comm

import (
	"encoding/binary"
	"fmt"
)

// part is one rank's share of a collective while it travels in a tree message: its length, and its bytes if they are
// few enough to ride along (see inline). A larger one comes by itself.
type part struct {
	size int
	data []byte // nil where it comes by itself
}

func partOf(data []byte) part {
	if len(data) > inline {
		return part{size: len(data)}
	}
	return part{size: len(data), data: data}
}

func (p part) large() bool { return p.size > inline }

// packParts lays parts out for one message: a length of 8 bytes each, then the bytes of the small ones.
func packParts(parts []part) [][]byte {
	lengths := make([]byte, 0, 8*len(parts))
	bufs := make([][]byte, 1, 1+len(parts))
	for _, p := range parts {
		lengths = binary.LittleEndian.AppendUint64(lengths, uint64(p.size))
		if len(p.data) > 0 {
			bufs = append(bufs, p.data)
		}
	}
	bufs[0] = lengths
	return bufs
}

// maxPart bounds the length that a peer may claim for one share, and the sum of all: 64 TiB, as for a link's message.
const maxPart = 1 << 46

// unpackParts reads n parts of whole elements, without copying.
func unpackParts(raw []byte, n, elemSize int) ([]part, error) {
	if n < 0 || len(raw) < 8*n {
		return nil, fmt.Errorf("%d bytes for %d shares", len(raw), n)
	}
	parts := make([]part, n)
	rest := raw[8*n:]
	for i := range parts {
		size := binary.LittleEndian.Uint64(raw[8*i:])
		if size > maxPart || size%uint64(elemSize) != 0 {
			return nil, fmt.Errorf("share %d of %d bytes", i, size)
		}
		parts[i].size = int(size)
		if parts[i].large() {
			continue
		}
		if len(rest) < parts[i].size {
			return nil, fmt.Errorf("share %d of %d bytes, %d are there", i, size, len(rest))
		}
		parts[i].data, rest = rest[:size:size], rest[size:]
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("%d bytes too many", len(rest))
	}
	return parts, nil
}

// sizeOfParts is the largest message that n parts make.
func sizeOfParts(n int) uint64 { return uint64(n) * (8 + inline) }
