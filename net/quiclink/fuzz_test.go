package quiclink_test

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/darray-go/darray/net/link"
	"github.com/darray-go/darray/net/quiclink"
)

func FuzzHello(f *testing.F) {
	f.Add(rightHello())
	f.Add(hello(link.Header{Root: -1, Tag: 1, Count: math.MaxUint64}))
	f.Add([]byte("dary"))
	f.Add(append(hello(link.Header{Root: 1, Kind: 1, Size: 4}), 1, 2, 3, 4))
	f.Add(append(hello(link.Header{Root: 1, Kind: 1, Size: 4}), 1, 2, 0, 0))
	f.Add(hello(link.Header{Root: 1, Kind: 1, Size: math.MaxUint64}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if quiclink.CheckHello(b, 1) != nil {
			return
		}
		got, err := link.DecodeFrame(b, 1<<10)
		if err != nil || got.Type != quiclink.FrameHello || got.Root != 1 || got.Tag != 0 {
			t.Fatalf("took %+v for the hello of rank 1 to rank 0", got)
		}
	})
}

// FuzzFrames: whatever comes on a control stream ends in an error, and what is held for it stays within the credit.
func FuzzFrames(f *testing.F) {
	f.Add(append(frame(quiclink.FrameEager, 0, link.Header{Size: 5}), "hello"...))
	f.Add(append(frame(quiclink.FrameRequest, 1, link.Header{Size: 1 << 30}), frame(quiclink.FrameGrant, 1, link.Header{})...))
	for typ := range uint8(quiclink.FrameBeyond + 1) {
		f.Add(bytes.Repeat(frame(typ, 1, link.Header{Count: 1}), 2))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		held, err := quiclink.Serve(bytes.NewReader(b), 1<<40)
		if err == nil {
			t.Fatal("the end of the stream gave no error")
		}
		if limit := len(b) + link.EagerLimit; held > limit {
			t.Fatalf("%d bytes held for %d that came", held, len(b))
		}
	})
}

// FuzzBlock: a block's stream gives exactly the block that was asked for, or an error, or was for nobody.
func FuzzBlock(f *testing.F) {
	const size = 100
	head := func(id, n uint64) []byte { return frame(quiclink.FrameBlock, id, link.Header{Size: n}) }
	block := bytes.Repeat([]byte{7}, size)
	f.Add(append(head(1, size), block...))
	f.Add(append(head(1, size), block[1:]...))
	f.Add(append(head(1, size), append(block, 7)...))
	f.Add(append(head(2, size), block...))
	f.Add(head(1, math.MaxUint64))
	f.Add(head(1, size)[:20])
	f.Fuzz(func(t *testing.T, b []byte) {
		got, taken, err := quiclink.ReadBlock(bytes.NewReader(b), size)
		if taken && err == nil && (len(b) != link.HeaderSize+size || !bytes.Equal(got, b[link.HeaderSize:])) {
			t.Fatalf("%d bytes were read as a block of %d", len(b), size)
		}
	})
}

func FuzzName(f *testing.F) {
	f.Add(quiclink.PeerName("a job", 0))
	f.Add(quiclink.PeerName("a job", 12))
	f.Add(strings.Replace(quiclink.PeerName("a job", 1), "rank-1", "rank-01", 1))
	f.Add("rank-1.example.org")
	f.Fuzz(func(t *testing.T, name string) {
		rank, err := quiclink.ParseName(name, "a job")
		if err == nil && (rank < 0 || name != quiclink.PeerName("a job", rank)) {
			t.Fatalf("%q read as rank %d", name, rank)
		}
	})
}

// FuzzParts: what comes on a lane fills the message that was asked for once and to its end, or ends in an error, or was
// for nobody.
func FuzzParts(f *testing.F) {
	const size = quiclink.PartSize + 100
	first, last := bytes.Repeat([]byte{7}, quiclink.PartSize), bytes.Repeat([]byte{9}, 100)
	f.Add(append(quiclink.Part(1, 0, first), quiclink.Part(1, 1, last)...))
	f.Add(append(quiclink.Part(1, 1, last), quiclink.Part(1, 1, last)...))
	f.Add(append(quiclink.Part(2, 5, last), quiclink.Part(1, 1, last)...))
	f.Add(quiclink.Part(1, math.MaxUint64, last))
	f.Add(quiclink.Part(1, 1, last[1:]))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, whole, err := quiclink.ReadParts(bytes.NewReader(b), size)
		if err == nil {
			t.Fatal("the end of the lane gave no error")
		}
		if whole && len(b) < size {
			t.Fatalf("%d bytes filled a message of %d", len(b), size)
		}
		if whole && !bytes.Contains(b, got[:quiclink.PartSize]) {
			t.Fatal("the message has bytes that did not come")
		}
	})
}

// FuzzCut: a run cut at any place gives the bytes that are there.
func FuzzCut(f *testing.F) {
	f.Add([]byte{3, 0, 0, 5, 1}, uint16(2), uint16(6))
	f.Fuzz(func(t *testing.T, lengths []byte, lo, n uint16) {
		var bufs [][]byte
		var all []byte
		for i, k := range lengths {
			bufs = append(bufs, bytes.Repeat([]byte{byte(i)}, int(k)))
			all = append(all, bufs[i]...)
		}
		from := min(int(lo), len(all))
		to := min(from+int(n), len(all))
		got := bytes.Join(quiclink.CutRun(bufs, uint64(from), uint64(to)), nil)
		if !bytes.Equal(got, all[from:to]) {
			t.Fatalf("[%d, %d) of %v gave %v", from, to, lengths, got)
		}
	})
}
