package quiclink

import (
	"encoding/binary"
	"fmt"
	"sort"

	"github.com/darray-go/darray/net/link"
)

// A part is what a lane carries: a head of partHead bytes, little-endian, and length bytes of one message.
//
//	0  magic "dapt"   4  length   8  message ID   16  number of the part in its message
//
// All parts of a message but the last are partSize long, so a number says where a part belongs whatever came before it:
// parts may come over several lanes, and of a message that was withdrawn they just stop.
const (
	partHead  = 24
	partMagic = 'd' | 'a'<<8 | 'p'<<16 | 't'<<24

	// partSize is what one message may write before another has its turn. At 1 GB/s a part takes 0.25 ms; its head costs
	// less than a hundredth of that.
	partSize = 256 << 10
)

type part struct {
	length uint32
	id     uint64
	number uint64
}

func (p part) appendTo(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, partMagic)
	b = le.AppendUint32(b, p.length)
	b = le.AppendUint64(b, p.id)
	return le.AppendUint64(b, p.number)
}

// decodePart reads the head at the start of b, which holds partHead bytes. The length it returns is at most partSize.
func decodePart(b []byte) (part, error) {
	le := binary.LittleEndian
	p := part{length: le.Uint32(b[4:]), id: le.Uint64(b[8:]), number: le.Uint64(b[16:])}
	if m := le.Uint32(b); m != partMagic {
		return part{}, fmt.Errorf("%w: magic %#08x on a lane, want %#08x", link.ErrFrame, m, uint32(partMagic))
	}
	if p.length == 0 || p.length > partSize {
		return part{}, fmt.Errorf("%w: a part of %d bytes, limit %d", link.ErrTooLarge, p.length, partSize)
	}
	return p, nil
}

// partsOf is how many parts a message of size bytes has.
func partsOf(size uint64) uint64 { return (size + partSize - 1) / partSize }

// partOf is the head of part number of message id, which has size bytes.
func partOf(id, size, number uint64) part {
	return part{id: id, number: number, length: uint32(min(partSize, size-number*partSize))}
}

// run is a message's buffers seen as one run of bytes, which parts are cut from.
type run struct {
	bufs [][]byte
	ends []uint64 // of each buffer in the run
}

func newRun(bufs [][]byte) run {
	r := run{bufs: bufs, ends: make([]uint64, len(bufs))}
	end := uint64(0)
	for i, b := range bufs {
		end += uint64(len(b))
		r.ends[i] = end
	}
	return r
}

// cut returns the memory of bytes [lo, hi), which the run has.
func (r run) cut(lo, hi uint64) [][]byte {
	var out [][]byte
	for i := sort.Search(len(r.ends), func(i int) bool { return r.ends[i] > lo }); lo < hi; i++ {
		start := r.ends[i] - uint64(len(r.bufs[i]))
		end := min(hi, r.ends[i])
		if lo < end {
			out = append(out, r.bufs[i][lo-start:end-start])
			lo = end
		}
	}
	return out
}

// span is where in the run p belongs.
func (r run) span(p part) [][]byte {
	lo := p.number * partSize
	return r.cut(lo, lo+uint64(p.length))
}
