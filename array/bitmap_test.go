package array_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/darray-go/darray/array"
)

// bitsOf spreads a bitmap to a bool a bit; bitmapOf is the inverse.
func bitsOf(bitmap []byte) []bool {
	bits := make([]bool, 8*len(bitmap))
	for i := range bits {
		bits[i] = bitmap[i/8]&(1<<(i%8)) != 0
	}
	return bits
}

func bitmapOf(bits []bool) []byte {
	bitmap := make([]byte, len(bits)/8)
	for i, b := range bits {
		if b {
			bitmap[i/8] |= 1 << (i % 8)
		}
	}
	return bitmap
}

// TestBitmaps holds SetBits, CountBits and CopyBits against a slice of bools, over every offset in a byte.
func TestBitmaps(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	random := func() []byte {
		bitmap := make([]byte, 40)
		for i := range bitmap {
			bitmap[i] = byte(rng.Uint32())
		}
		return bitmap
	}
	for range 2000 {
		dst, src := random(), random()
		n := rng.IntN(200)
		lo, from := rng.IntN(8*len(dst)-n+1), rng.IntN(8*len(src)-n+1)
		want, source := bitsOf(dst), bitsOf(src)

		count := 0
		for _, b := range source[from : from+n] {
			count += btoi(b)
		}
		if got := array.CountBits(src, from, n); got != count {
			t.Fatalf("CountBits(%d, %d) = %d, want %d", from, n, got, count)
		}

		copy(want[lo:lo+n], source[from:])
		array.CopyBits(dst, lo, src, from, n)
		if !bytes.Equal(dst, bitmapOf(want)) {
			t.Fatalf("CopyBits(%d, %d, %d):\ngot  %08b\nwant %08b", lo, from, n, dst, bitmapOf(want))
		}

		for i := lo; i < lo+n; i++ {
			want[i] = true
		}
		array.SetBits(dst, lo, n)
		if !bytes.Equal(dst, bitmapOf(want)) {
			t.Fatalf("SetBits(%d, %d):\ngot  %08b\nwant %08b", lo, n, dst, bitmapOf(want))
		}
	}
}

// TestBitmapEnds: no byte behind the last bit is read or written, however short the slices.
func TestBitmapEnds(t *testing.T) {
	for n := range 70 {
		for from := range 9 {
			src := make([]byte, (from+n+7)/8)
			array.SetBits(src, from, n)
			for lo := range 9 {
				dst := make([]byte, (lo+n+7)/8)
				array.CopyBits(dst, lo, src, from, n)
				if got := array.CountBits(dst, lo, n); got != n {
					t.Fatalf("%d bits from %d to %d: %d arrive", n, from, lo, got)
				}
			}
		}
	}
}

func BenchmarkCopyBits(b *testing.B) {
	dst, src := make([]byte, 1<<16), make([]byte, 1<<16)
	b.SetBytes(1 << 16)
	for b.Loop() {
		array.CopyBits(dst, 3, src, 6, 8<<16-8)
	}
}
