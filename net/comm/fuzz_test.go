package comm

import (
	"bytes"
	"testing"
	"time"
)

func FuzzHello(f *testing.F) {
	f.Add(hello{rank: 2, size: 9, build: "v1", member: member{"h", 7, "127.0.0.1:9"}}.encode())
	f.Add([]byte{})
	f.Add([]byte{1, 0, 0, 0, 1, 0, 0, 0, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := decodeHello(b)
		if err == nil && !bytes.Equal(h.encode(), b) {
			t.Errorf("%x decodes to %+v, which encodes to %x", b, h, h.encode())
		}
	})
}

func FuzzTable(f *testing.F) {
	f.Add(encodeTable([]member{{"a", 1, "x:1"}, {"b", 2, "y:2"}}))
	f.Add([]byte{255, 255, 15, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		table, err := decodeTable(b)
		if err == nil && !bytes.Equal(encodeTable(table), b) {
			t.Errorf("%x decodes to %+v", b, table)
		}
	})
}

func FuzzParts(f *testing.F) {
	f.Add(bytes.Join(packParts([]part{partOf([]byte("12345678")), {size: inline + 8}, partOf(nil)}), nil), uint8(3))
	f.Add([]byte{}, uint8(0))
	f.Fuzz(func(t *testing.T, b []byte, n uint8) {
		parts, err := unpackParts(b, int(n), 8)
		if err == nil && !bytes.Equal(bytes.Join(packParts(parts), nil), b) {
			t.Errorf("%x unpacks to %+v", b, parts)
		}
	})
}

func FuzzRecords(f *testing.F) {
	f.Add(encodeRecords([]record{
		{Position{Op: "Recv", Peer: -1, Tag: AnyTag, Waited: time.Second, Blocked: true}, here()},
		{Position{Op: "Iallreduce", Peer: 3, Tag: 9, Seq: 1 << 40, Size: 3, Members: []int{0, 2, 5}}, -7},
		{Position{Op: "Bcast", Peer: -1, Tag: AnyTag, Seq: 2, Ended: true}, 0},
	}))
	f.Add([]byte{255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := decodeRecords(b)
		if err != nil {
			return
		}
		if !bytes.Equal(encodeRecords(all), b) {
			t.Errorf("%x decodes to %+v", b, all)
		}
		for _, r := range all {
			_ = r.position().String()
		}
		_, _ = sentence([]answer{{at: all}, {rank: 1, silent: true}}, time.Second)
	})
}
