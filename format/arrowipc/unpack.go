package arrowipc

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/darray-go/darray/format"
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
	packedPrefix = 8         // a compressed buffer begins with its unpacked size; -1 says that it is stored as it is
	stored       = -1        // that prefix
	chunk        = 4 << 20   // bytes copied or unpacked between looks at the context
	zstdAtOnce   = 16 << 20  // bytes that zstd unpacks between them: at once it is faster than in steps
	zstdWindow   = 8 << 20   // what zstd may keep beside what it fills, to unpack in steps
	zstdBlock    = 128 << 10 // what four bytes of zstd may unpack to
	lz4Ratio     = 255       // what a byte of lz4 may unpack to
)

// packed is a buffer of a batch: where it lies and how many bytes its rows take once it is unpacked, 0 where that is said elsewhere.
type packed struct {
	extent
	codec codec
	whole int
}

// unpacker fills memory from buffers of a file. It is for one goroutine at a time.
type unpacker struct {
	in    *format.Input
	zstd  *zstd.Decoder
	steps *zstd.Decoder // of small windows
	lz4   *lz4.Reader
}

// size is how many bytes a buffer holds once it is unpacked, as far as that can be: what is claimed is checked before memory is taken for
// it. from is what they are unpacked from, nothing if they are stored as they are at rest.
func (u *unpacker) size(ctx context.Context, s *session, p packed) (size int, from []byte, rest extent, err error) {
	if p.codec == codecNone || p.n == 0 {
		return p.n, nil, p.extent, nil
	}
	if p.n < packedPrefix {
		return 0, nil, p.extent, fmt.Errorf("a compressed buffer has %d bytes", p.n)
	}
	if from, err = s.view(ctx, u, p.extent); err != nil {
		return 0, nil, p.extent, err
	}
	claimed := int64(binary.LittleEndian.Uint64(from))
	from, rest = from[packedPrefix:], p.slice(packedPrefix)
	if claimed == stored {
		return rest.n, nil, rest, nil
	}
	most := min(len(from), math.MaxInt/lz4Ratio) * lz4Ratio
	if p.codec == codecZstd {
		most = (min(len(from), math.MaxInt/zstdBlock)/4 + 1) * zstdBlock
	}
	switch {
	case claimed < 0 || claimed > int64(most):
		err = fmt.Errorf("a compressed buffer of %d bytes says that it holds %d", p.n, claimed)
	case claimed < int64(p.whole) || p.whole > 0 && claimed > 2*int64(p.whole)+4096: // some writers pad, none that much
		err = fmt.Errorf("a compressed buffer says that it holds %d bytes where its rows need %d", claimed, p.whole)
	}
	return int(claimed), from, rest, err
}

// fill fills dst with the bytes of a buffer from skip on.
func (u *unpacker) fill(ctx context.Context, s *session, dst []byte, p packed, skip int) error {
	if len(dst) == 0 {
		return ctx.Err()
	}
	size, from, rest, err := u.size(ctx, s, p)
	if err != nil {
		return err
	}
	if size < skip+len(dst) {
		return fmt.Errorf("a buffer has %d bytes where %d are needed", size, skip+len(dst))
	}
	if from == nil {
		return u.copy(ctx, dst, extent{rest.at + skip, len(dst)})
	}
	if size == len(dst) {
		return u.unpack(ctx, dst, p.codec, from)
	}
	all, err := s.alloc(size)
	if err != nil {
		return err
	}
	defer s.free(size)
	if err := u.unpack(ctx, all, p.codec, from); err != nil {
		return err
	}
	copy(dst, all[skip:])
	return nil
}

// copy fills dst from bytes that are not compressed.
func (u *unpacker) copy(ctx context.Context, dst []byte, e extent) error {
	for at := e.at; len(dst) > 0; at += chunk {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(chunk, len(dst))
		if err := u.in.Fill(ctx, dst[:n], at); err != nil {
			return err
		}
		dst = dst[n:]
	}
	return nil
}

// unpack fills dst with all that packed bytes unpack to; neither fewer nor more.
func (u *unpacker) unpack(ctx context.Context, dst []byte, c codec, from []byte) (err error) {
	switch {
	case c == codecLZ4:
		if u.lz4 == nil {
			u.lz4 = lz4.NewReader(nil)
		}
		u.lz4.Reset(bytes.NewReader(from))
		err = readSteps(ctx, u.lz4, dst)
	case len(dst) <= zstdAtOnce:
		err = u.unpackZstd(ctx, dst, from)
	default:
		if err = u.unpackSteps(ctx, dst, from); errors.Is(err, zstd.ErrWindowSizeExceeded) {
			err = u.unpackZstd(ctx, dst, from)
		}
	}
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("%s: %w", c, err)
	}
	return err
}

func (u *unpacker) unpackSteps(ctx context.Context, dst, from []byte) (err error) {
	if u.steps == nil {
		if u.steps, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(zstdWindow)); err != nil {
			return err
		}
	}
	if err := u.steps.Reset(bytes.NewReader(from)); err != nil {
		return err
	}
	return readSteps(ctx, u.steps, dst)
}

func (u *unpacker) unpackZstd(ctx context.Context, dst, from []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
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

// readSteps fills dst from r, which must end there.
func readSteps(ctx context.Context, r io.Reader, dst []byte) error {
	for len(dst) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := io.ReadFull(r, dst[:min(chunk, len(dst))])
		if err != nil {
			return err
		}
		dst = dst[n:]
	}
	var more [1]byte
	switch n, err := r.Read(more[:]); {
	case n > 0:
		return fmt.Errorf("it unpacks to more than it says")
	case err != nil && err != io.EOF:
		return err
	}
	return nil
}

// bits gives bits [lo, hi) of a bitmap in a buffer, from a byte on: bit lo is at bit lo%8 of the first.
func (u *unpacker) bits(ctx context.Context, s *session, p packed, lo, hi int) ([]byte, error) {
	first, last := lo/8, (hi+7)/8
	if p.codec == codecNone {
		return s.view(ctx, u, extent{p.at + first, last - first})
	}
	bits, err := s.alloc(last - first)
	if err != nil {
		return nil, err
	}
	return bits, u.fill(ctx, s, bits, p, first)
}
