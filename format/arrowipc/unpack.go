package arrowipc

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/darray-go/darray/array"
)

// codec is how the buffers of a batch are compressed: the format's code plus one.
type codec uint8

const (
	codecNone codec = iota
	codecLZ4
	codecZstd
)

// String is the codec's name as in WriteOptions; "" for none.
func (c codec) String() string { return [...]string{"", "lz4", "zstd"}[c] }

const (
	packedPrefix = 8       // a compressed buffer begins with its unpacked size; -1 says that it is stored as it is
	chunk        = 4 << 20 // bytes copied between looks at the context
)

// packed is a buffer of a batch: where it lies and how many bytes its rows take once it is unpacked.
type packed struct {
	extent
	codec codec
	whole int
}

// unpacker fills memory from buffers of a file. It is for one goroutine; done frees it.
type unpacker struct {
	src     source
	scratch []byte // for buffers of which only a part is wanted
	zstd    *zstd.Decoder
	lz4     *lz4.Reader
}

// fill fills dst with the bytes of a buffer from skip on.
func (u *unpacker) fill(ctx context.Context, dst []byte, p packed, skip int) error {
	if len(dst) == 0 {
		return nil
	}
	if p.codec == codecNone {
		return u.copy(ctx, dst, p.extent, skip)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	b, err := u.src.view(p.extent)
	if err != nil {
		return err
	}
	if len(b) < packedPrefix {
		return fmt.Errorf("a compressed buffer has %d bytes", len(b))
	}
	size := int64(binary.LittleEndian.Uint64(b))
	switch {
	case size == -1:
		return u.copy(ctx, dst, p.slice(packedPrefix), skip)
	case size < int64(p.whole) || size > 2*int64(p.whole)+4096: // some writers pad, none that much
		return fmt.Errorf("a compressed buffer says that it holds %d bytes where its rows need %d", size, p.whole)
	case size == int64(len(dst)):
		err = u.unpack(dst, p.codec, b[packedPrefix:])
	default:
		if len(u.scratch) < int(size) {
			u.scratch = make([]byte, size)
		}
		err = u.unpack(u.scratch[:size], p.codec, b[packedPrefix:])
		copy(dst, u.scratch[skip:])
	}
	if err != nil {
		return fmt.Errorf("%s: %w", p.codec, err)
	}
	return nil
}

// copy fills dst from a buffer that is not compressed.
func (u *unpacker) copy(ctx context.Context, dst []byte, e extent, skip int) error {
	if e.n < skip+len(dst) {
		return fmt.Errorf("a buffer has %d bytes where %d are needed", e.n, skip+len(dst))
	}
	for at := e.at + skip; len(dst) > 0; at += chunk {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(chunk, len(dst))
		if err := u.src.read(dst[:n], at); err != nil {
			return err
		}
		dst = dst[n:]
	}
	return nil
}

// unpack fills dst with all that packed bytes unpack to; neither fewer nor more.
func (u *unpacker) unpack(dst []byte, c codec, from []byte) error {
	if c == codecZstd {
		return u.unpackZstd(dst, from)
	}
	if u.lz4 == nil {
		u.lz4 = lz4.NewReader(nil)
	}
	u.lz4.Reset(bytes.NewReader(from))
	_, err := io.ReadFull(u.lz4, dst)
	return err
}

func (u *unpacker) unpackZstd(dst, from []byte) error {
	if u.zstd == nil {
		var err error // a limit on the capacity: memory is dst's, whatever the frame says of its size
		if u.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecodeAllCapLimit(true)); err != nil {
			return err
		}
	}
	out, err := u.zstd.DecodeAll(from, dst[:0:len(dst)])
	if err == nil && len(out) != len(dst) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// done frees what the decoders hold.
func (u *unpacker) done() {
	if u.zstd != nil {
		u.zstd.Close()
	}
}

// fillBits copies bits [lo, hi) of a bitmap in a buffer to dst from bit at on.
func (u *unpacker) fillBits(ctx context.Context, dst []byte, at int, p packed, lo, hi int) error {
	base := lo &^ 7
	bits := make([]byte, array.Bool.BufferSize(hi-base))
	if err := u.fill(ctx, bits, p, base/8); err != nil {
		return err
	}
	array.CopyBits(dst, at, bits, lo-base, hi-lo)
	return nil
}
