package npy

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow/memory"
)

// strings are the values without the zeros that fill them up, as UTF-8.
func (c *conversion) strings(ctx context.Context) ([]*memory.Buffer, error) {
	offsets := alloc(4 * (c.n + 1))
	total := 0
	err := c.eachText(ctx, func(i int, b []byte) error {
		n, err := c.length(b)
		if err != nil {
			return fmt.Errorf("row %d: %w", c.row(i), err)
		}
		if total += n; total > math.MaxInt32 {
			return fmt.Errorf("row %d: more than %d bytes of text in one read; read fewer rows at a time", c.row(i), math.MaxInt32)
		}
		binary.LittleEndian.PutUint32(offsets[4*(i+1):], uint32(total))
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := alloc(total)[:0]
	err = c.eachText(ctx, func(_ int, b []byte) error {
		if c.field.kind == chars {
			out = append(out, b...)
			return nil
		}
		for ; len(b) > 0; b = b[4:] {
			out = utf8.AppendRune(out, c.char(b))
		}
		return nil
	})
	return []*memory.Buffer{nil, memory.NewBufferBytes(offsets), memory.NewBufferBytes(out)}, err
}

// eachText calls f for every value, trimmed, and looks at the context between steps.
func (c *conversion) eachText(ctx context.Context, f func(i int, b []byte) error) error {
	size := c.field.size
	each := max(1, stepBytes/max(16, size))
	for i := range c.n {
		if i%each == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		b := bytes.TrimRight(c.bytes[i*size:(i+1)*size], "\x00")
		if c.field.kind == codes32 { // of which the last may end in zeros of its own
			b = c.bytes[i*size:][:(len(b)+3)/4*4]
		}
		if err := f(i, b); err != nil {
			return err
		}
	}
	return nil
}

// char is the first code point of b; what is none is negative, or not valid.
func (c *conversion) char(b []byte) rune {
	if c.field.swap > 0 {
		return rune(binary.BigEndian.Uint32(b))
	}
	return rune(binary.LittleEndian.Uint32(b))
}

// length is that of a value in UTF-8.
func (c *conversion) length(b []byte) (int, error) {
	if c.field.kind == chars {
		if !utf8.Valid(b) {
			return 0, fmt.Errorf("%.40q is not UTF-8; save np.char.decode(a, 'latin1')", b)
		}
		return len(b), nil
	}
	n := 0
	for ; len(b) > 0; b = b[4:] {
		r := c.char(b)
		if !utf8.ValidRune(r) {
			return 0, fmt.Errorf("%#x is no character", uint32(r))
		}
		n += utf8.RuneLen(r)
	}
	return n, nil
}
