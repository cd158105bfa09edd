package csv

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/format"
)

// text is the bytes of the rows: the input's own, or what it unpacks to.
type text struct {
	in     *format.Input
	data   []byte // unpacked; nil where the input is read as it is
	size   int
	spares sync.Pool // of *[]byte, where views of the input are copies
}

// stepBytes is how much is read or unpacked between looks at the context.
const stepBytes = 1 << 20

// newText unpacks an input of gzip into memory of at most budget bytes.
func newText(ctx context.Context, in *format.Input, budget int) (*text, error) {
	t := &text{in: in, size: in.Size}
	head, err := in.View(ctx, 0, min(in.Size, len(gzipMagic)))
	if err != nil || string(head) != gzipMagic {
		return t, err
	}
	if t.data, err = unpack(ctx, in, budget); err != nil {
		return nil, err
	}
	t.size = len(t.data)
	return t, nil
}

// view gives n bytes from a position on until release is called.
func (t *text) view(ctx context.Context, at, n int) (b []byte, release func(), err error) {
	switch {
	case t.data != nil:
		return t.data[at : at+n], func() {}, nil
	case t.in.Mapped:
		b, err = t.in.View(ctx, at, n)
		return b, func() {}, err
	}
	spare, _ := t.spares.Get().(*[]byte)
	if spare == nil || cap(*spare) < n {
		spare = new([]byte)
		*spare = make([]byte, n+n/8)
	}
	b = (*spare)[:n:n]
	for from := 0; from < n && err == nil; from += stepBytes {
		if err = ctx.Err(); err == nil {
			err = t.in.Fill(ctx, b[from:min(from+stepBytes, n)], at+from)
		}
	}
	return b, func() { t.spares.Put(spare) }, err
}

// unpack is the whole of an input of gzip. Its last four bytes say how much that is, if it has one member and is below 4 GiB; where
// it is more, the rest is counted first, so that never more memory is taken than is needed.
func unpack(ctx context.Context, in *format.Input, budget int) ([]byte, error) {
	const least, ratio = 18, 1032 // bytes of an empty member; what deflate can make of a byte
	if in.Size < least {
		return nil, fmt.Errorf("unpack: %w; the file may be cut short", io.ErrUnexpectedEOF)
	}
	tail, err := in.View(ctx, in.Size-4, 4)
	if err != nil {
		return nil, err
	}
	told := min(int(binary.LittleEndian.Uint32(tail)), budget, (in.Size-least)*ratio)
	data := array.AllocBytes(told)
	n, err := unpackInto(ctx, in, data, budget)
	if err == nil && n > len(data) {
		data = nil // two of them may be too much
		data = array.AllocBytes(n)
		n, err = unpackInto(ctx, in, data, budget)
	}
	if err != nil {
		return nil, err
	}
	if n > len(data) {
		return nil, errChanged
	}
	return data[:n:n], nil
}

// errChanged is a file that is not what it was.
var errChanged = errors.New("the file is not what it was when it was opened; write new versions to another name and rename them")

// unpackInto fills data and tells how many bytes there are in all, at most budget.
func unpackInto(ctx context.Context, in *format.Input, data []byte, budget int) (n int, err error) {
	z, err := gzip.NewReader(in.Section(ctx, 0, in.Size))
	if err != nil {
		return 0, fmt.Errorf("unpack: %w", err)
	}
	over := make([]byte, 64<<10)
	for {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		dst := over
		if n < len(data) {
			dst = data[n:min(n+stepBytes, len(data))]
		}
		k, err := z.Read(dst)
		switch n += k; {
		case n > budget:
			return 0, fmt.Errorf("unpack: it is more than the budget of %d bytes; unpack the file on the disk, or raise Options.Budget", budget)
		case err == io.EOF:
			return n, nil
		case errors.Is(err, io.ErrUnexpectedEOF):
			return 0, fmt.Errorf("unpack: after %d bytes: %w; the file is cut short", n, err)
		case err != nil:
			return 0, fmt.Errorf("unpack: after %d bytes: %w", n, err)
		}
	}
}

// refuse is why text in another encoding, or none, is not read.
func refuse(sample []byte) error {
	switch {
	case bytes.HasPrefix(sample, []byte(utf16Little)), bytes.HasPrefix(sample, []byte(utf16Big)):
		return errors.New("is UTF-16; save it as UTF-8")
	case bytes.IndexByte(sample, '\n') < 0 && bytes.Count(sample, []byte{'\r'}) > 1:
		return errors.New(`its lines end in \r alone; save it with \n or \r\n`)
	}
	return nil
}
