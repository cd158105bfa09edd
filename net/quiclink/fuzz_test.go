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
	f.Fuzz(func(t *testing.T, b []byte) {
		if quiclink.CheckHello(b, 1) != nil {
			return
		}
		got, err := link.DecodeFrame(b, 0)
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
