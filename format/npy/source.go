package npy

import (
	"context"
	"reflect"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/format"
)

// source is the bytes of one .npy file: an input, or a part of one.
type source struct {
	in         *format.Input
	base, size int
}

// view gives n bytes at a position, not to be written.
func (s source) view(ctx context.Context, at, n int) ([]byte, error) {
	return s.in.View(ctx, s.base+at, n)
}

// fetch reads bytes from a position on into dst, in parallel.
func (s source) fetch(ctx context.Context, dst []byte, at int) error {
	return chunks(ctx, len(dst), func(ctx context.Context, lo, hi int) error {
		return s.in.Fill(ctx, dst[lo:hi], s.base+at+lo)
	})
}

// stepBytes is how much is done between looks at the context: at a GB/s, a few milliseconds.
const stepBytes = 4 << 20

// chunks calls f for runs of n bytes, in parallel; all but the last are stepBytes long.
func chunks(ctx context.Context, n int, f func(ctx context.Context, lo, hi int) error) error {
	return format.Each(ctx, (n+stepBytes-1)/stepBytes, func(ctx context.Context, i int) error {
		return f(ctx, i*stepBytes, min(n, (i+1)*stepBytes))
	})
}

// oddness is how many bytes b begins behind a multiple of 8, the longest number.
func oddness(b []byte) int {
	if len(b) == 0 {
		return 0
	}
	return int(reflect.ValueOf(b).Pointer() % 8)
}

// aligned reports whether b begins at a multiple of size bytes, as numbers of that size must: of 1, 2, 4 or 8.
func aligned(b []byte, size int) bool { return oddness(b)%size == 0 }

// alloc is array.AllocBytes: what Arrow advises for buffers.
func alloc(n int) []byte { return array.AllocBytes(n) }
