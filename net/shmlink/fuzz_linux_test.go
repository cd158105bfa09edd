package shmlink_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/darray-go/darray/net/link"
	"github.com/darray-go/darray/net/shmlink"
)

func FuzzNote(f *testing.F) {
	f.Add([]byte{1, 2, 0})
	f.Add(append([]byte{1, 1, 2, 'n', 'o'}, make([]byte, 4+4+32+2)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := shmlink.DecodeNote(b)
		if err == nil && !bytes.Equal(shmlink.EncodeNote(n), b) {
			t.Fatalf("%x was read as %+v, which is written as %x", b, n, shmlink.EncodeNote(n))
		}
	})
}

func FuzzSpans(f *testing.F) {
	le := binary.LittleEndian
	f.Add(le.AppendUint64(le.AppendUint64(nil, 64), 100), uint64(100), 4096)
	f.Fuzz(func(t *testing.T, b []byte, size uint64, arena int) {
		if arena < 0 {
			return
		}
		runs, err := shmlink.DecodeSpans(b, size, arena)
		if err != nil {
			return
		}
		total := uint64(0)
		for _, r := range runs {
			if r[0] < 0 || r[1] <= 0 || r[0] > arena || r[1] > arena-r[0] {
				t.Fatalf("run %v of an arena of %d", r, arena)
			}
			total += uint64(r[1])
		}
		if total != size {
			t.Fatalf("%d bytes of %d", total, size)
		}
	})
}

// FuzzRing feeds a conn with whatever a peer may have written.
func FuzzRing(f *testing.F) {
	frame := func(typ uint8, id uint64, h link.Header, rest ...byte) []byte {
		fr := link.Frame{Type: typ, ID: id, Header: h}
		b := append(fr.AppendTo(nil), rest...)
		return append(b, make([]byte, (64-len(b)%64)%64)...)
	}
	request := frame(shmlink.FrameRequest, 9, link.Header{Size: 1 << 20})
	for _, b := range [][]byte{
		frame(shmlink.FrameEager, 0, link.Header{Size: 3}, 1, 2, 3),
		append(request, frame(shmlink.FramePiece, 9, link.Header{Size: 65536, Count: 1})...),
		frame(shmlink.FrameLent, 1, link.Header{Size: 8}, 1, 0, 0, 0, 0, 0, 0, 0, 8),
		frame(shmlink.FrameTaken, 1, link.Header{Count: 6}),
		frame(shmlink.FrameGrant, 1, link.Header{}),
	} {
		f.Add(b, uint64(len(b)))
	}
	f.Fuzz(func(t *testing.T, b []byte, head uint64) {
		const limit = 1 << 30
		if err := shmlink.ServeRing(b, head, limit); err == nil && head > shmlink.RingSize {
			t.Fatalf("a head of %d was accepted", head)
		}
	})
}
