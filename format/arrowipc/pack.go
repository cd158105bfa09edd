package arrowipc

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/darray-go/darray/format"
)

// packer compresses the buffers of batches, those of one batch at once.
type packer struct {
	codec codec
	zstd  *zstd.Encoder
	lz4   sync.Pool // of *lz4.Writer
}

func newPacker(name string) (*packer, error) {
	p := &packer{}
	switch name {
	case "", "none":
	case "lz4":
		p.codec = codecLZ4
		p.lz4.New = func() any { return lz4.NewWriter(nil) }
	case "zstd":
		p.codec = codecZstd
		var err error // the level of other programs: twice as fast as the library's usual one, and as small within a few per cent
		if p.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderCRC(false), zstd.WithEncoderLevel(zstd.SpeedFastest)); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("compression %q is not of this format; use lz4, zstd or none", name)
	}
	return p, nil
}

func (p *packer) close() {
	if p.zstd != nil {
		_ = p.zstd.Close() // it has nothing open
	}
}

// pack replaces buffers by compressed ones; those of wide values are never stored as they are.
func (p *packer) pack(ctx context.Context, buffers [][]byte, wide map[int]bool) error {
	if p.codec == codecNone {
		return nil
	}
	return format.Each(ctx, len(buffers), func(_ context.Context, i int) (err error) {
		if len(buffers[i]) > 0 {
			buffers[i], err = p.one(buffers[i], wide[i])
		}
		return err
	})
}

// one compresses a buffer, or stores it where that makes it no smaller and is allowed.
func (p *packer) one(b []byte, always bool) ([]byte, error) {
	out := binary.LittleEndian.AppendUint64(make([]byte, 0, packedPrefix+len(b)), uint64(len(b)))
	if p.codec == codecZstd {
		out = p.zstd.EncodeAll(b, out)
	} else {
		w := p.lz4.Get().(*lz4.Writer)
		defer p.lz4.Put(w)
		to := bytes.NewBuffer(out)
		w.Reset(to)
		if err := w.Apply(lz4.ChecksumOption(false), lz4.BlockSizeOption(lz4.Block64Kb)); err != nil {
			return nil, err
		}
		if _, err := w.Write(b); err != nil {
			return nil, err
		}
		if err := w.Close(); err != nil {
			return nil, err
		}
		out = to.Bytes()
	}
	if always || len(out) < packedPrefix+len(b) {
		return out, nil
	}
	same := int64(stored)
	return append(binary.LittleEndian.AppendUint64(out[:0], uint64(same)), b...), nil
}
