package parquet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Pages are unpacked here and not by the library: its codecs take memory by what the packed bytes claim.

// codecs are the names of compressions, as WriteOptions and File.Compression have them.
var codecs = map[compress.Compression]string{
	compress.Codecs.Uncompressed: "",
	compress.Codecs.Snappy:       "snappy",
	compress.Codecs.Gzip:         "gzip",
	compress.Codecs.Brotli:       "brotli",
	compress.Codecs.Zstd:         "zstd",
	compress.Codecs.Lz4Raw:       "lz4",
}

var errLength = errors.New("it has another length than its header says")

// unpack fills dst from src; any other number of bytes is an error.
func (u *unpacker) unpack(codec compress.Compression, dst, src []byte) error {
	switch codec {
	case compress.Codecs.Snappy:
		n, err := snappy.DecodedLen(src)
		if err == nil && n != len(dst) {
			err = errLength
		}
		if err != nil {
			return err
		}
		_, err = snappy.Decode(dst, src)
		return err
	case compress.Codecs.Zstd:
		return u.zstd(dst, src)
	case compress.Codecs.Lz4Raw:
		n, err := lz4.UncompressBlock(src, dst)
		if err == nil && n != len(dst) {
			err = errLength
		}
		return err
	case compress.Codecs.Gzip:
		r, err := gzip.NewReader(bytes.NewReader(src))
		if err != nil {
			return err
		}
		return fill(dst, r)
	case compress.Codecs.Brotli:
		return fill(dst, brotli.NewReader(bytes.NewReader(src)))
	default:
		return fmt.Errorf("compression %s cannot be read", codec)
	}
}

// fill reads dst, after which r must end.
func fill(dst []byte, r io.Reader) error {
	if _, err := io.ReadFull(r, dst); err != nil {
		return err
	}
	switch n, err := r.Read(make([]byte, 1)); {
	case n > 0:
		return errLength
	case errors.Is(err, io.EOF):
		return nil
	default:
		return err
	}
}

// unpacker keeps what is costly to make: idle zstd decoders, which hold no goroutines, and memory of pages.
type unpacker struct{ idle, scratch sync.Pool }

// memory gives n bytes or more of any content.
func (u *unpacker) memory(n int) []byte {
	if b, _ := u.scratch.Get().(*[]byte); b != nil && cap(*b) >= n {
		return *b
	}
	return make([]byte, n)
}

// keep takes memory for later use.
func (u *unpacker) keep(b []byte) {
	if cap(b) > 0 {
		u.scratch.Put(&b)
	}
}

// slack is what a decoder of zstd likes to have behind its output: it is faster where it need not look for the end.
const slack = 64

// zstd decodes into dst, whose capacity, at most slack more than it is to hold, no frame may pass.
func (u *unpacker) zstd(dst, src []byte) error {
	d, _ := u.idle.Get().(*zstd.Decoder)
	if d == nil {
		var err error
		if d, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecodeAllCapLimit(true)); err != nil {
			return err
		}
	}
	out, err := d.DecodeAll(src, dst[:0:min(cap(dst), len(dst)+slack)])
	u.idle.Put(d)
	if err == nil && len(out) != len(dst) {
		err = errLength
	}
	return err
}
