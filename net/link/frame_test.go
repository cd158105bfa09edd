package link_test

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"github.com/darray-go/darray/net/link"
)

func sample() link.Frame {
	return link.Frame{Type: 0x11, ID: 0x2122232425262728, Header: link.Header{
		Kind: 0x31, Op: 0x32, DType: 0x33, Flags: 0x34,
		Context: 0x41424344, Tag: -2, Root: 7,
		Seq: 0x5152535455565758, Count: 0x6162636465666768, Aux: 0x7172737475767778, Size: 0x8182,
	}}
}

// The wire is a promise: these bytes were written down by hand from the table in frame.go.
func TestFrameBytes(t *testing.T) {
	want := []byte{
		'd', 'a', 'r', 'y', 1, 0x11, 0, 0,
		0x28, 0x27, 0x26, 0x25, 0x24, 0x23, 0x22, 0x21,
		0x31, 0x32, 0x33, 0x34, 0x44, 0x43, 0x42, 0x41,
		0xfe, 0xff, 0xff, 0xff, 7, 0, 0, 0,
		0x58, 0x57, 0x56, 0x55, 0x54, 0x53, 0x52, 0x51,
		0x68, 0x67, 0x66, 0x65, 0x64, 0x63, 0x62, 0x61,
		0x78, 0x77, 0x76, 0x75, 0x74, 0x73, 0x72, 0x71,
		0x82, 0x81, 0, 0, 0, 0, 0, 0,
	}
	f := sample()
	if got := f.AppendTo(nil); !bytes.Equal(got, want) {
		t.Errorf("bytes\n got % x\nwant % x", got, want)
	}
	back, err := link.DecodeFrame(want, 0x8182)
	if err != nil || back != f {
		t.Errorf("decoded %+v, %v; want %+v", back, err, f)
	}
}

func TestFrameRefused(t *testing.T) {
	for _, tc := range []struct {
		name string
		edit func(b []byte) []byte
		want error
	}{
		{"short", func(b []byte) []byte { return b[:63] }, link.ErrFrame},
		{"empty", func([]byte) []byte { return nil }, link.ErrFrame},
		{"magic", func(b []byte) []byte { b[3] = 'r'; return b }, link.ErrFrame},
		{"version", func(b []byte) []byte { b[4]++; return b }, link.ErrFrame},
		{"reserved", func(b []byte) []byte { b[7] = 1; return b }, link.ErrFrame},
		{"one byte too large", func(b []byte) []byte { b[56] = 0x83; return b }, link.ErrTooLarge},
		{"huge", func(b []byte) []byte { b[63] = 0xff; return b }, link.ErrTooLarge},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := sample()
			if _, err := link.DecodeFrame(tc.edit(f.AppendTo(nil)), 0x8182); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
}

func FuzzHeader(f *testing.F) {
	s := sample()
	f.Add(s.AppendTo(nil), uint64(math.MaxUint64))
	f.Add([]byte("dary\x01"), uint64(0))
	f.Add(bytes.Repeat([]byte{0xff}, 80), uint64(1))
	f.Fuzz(func(t *testing.T, b []byte, limit uint64) {
		got, err := link.DecodeFrame(b, limit)
		if err != nil {
			return
		}
		if got.Size > limit {
			t.Fatalf("size %d let through a limit of %d", got.Size, limit)
		}
		if again := got.AppendTo(nil); !bytes.Equal(again, b[:link.HeaderSize]) {
			t.Fatalf("encoding what was decoded gives\n% x, was\n% x", again, b[:link.HeaderSize])
		}
	})
}
