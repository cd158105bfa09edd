package arrowipc

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"

	"github.com/darray-go/darray/array"
)

// check looks at all of an array that kernels rely on: offsets, sizes, type codes, run ends, UTF-8. Indices of dictionaries, and their
// values, have been looked at when they were read.
func check(ctx context.Context, a arrow.Array) error {
	switch a := a.(type) {
	case arrowarray.ExtensionArray:
		return check(ctx, a.Storage())
	case *arrowarray.String:
		return checkText[int32](ctx, a.Data(), true)
	case *arrowarray.LargeString:
		return checkText[int64](ctx, a.Data(), true)
	case *arrowarray.Binary:
		return checkText[int32](ctx, a.Data(), false)
	case *arrowarray.LargeBinary:
		return checkText[int64](ctx, a.Data(), false)
	case *arrowarray.Dictionary:
		return nil
	case arrowarray.Validator:
		if err := a.ValidateFull(); err != nil {
			return err
		}
	}
	for i, child := range a.Data().Children() {
		if err := check(ctx, arrowarray.MakeFromData(child)); err != nil {
			return fmt.Errorf("part %d: %w", i, err)
		}
	}
	return nil
}

// checkText sees that offsets rise within the data, and that text is UTF-8: of all at once, which is fast, and of each value where that
// fails, because what lies under a null may be anything.
func checkText[O int32 | int64](ctx context.Context, d arrow.ArrayData, text bool) error {
	if d.Len() == 0 {
		return nil
	}
	var data []byte
	if b := d.Buffers()[2]; b != nil {
		data = b.Bytes()
	}
	offsets := array.View[O](d.Buffers()[1].Bytes())[d.Offset() : d.Offset()+d.Len()+1]
	var falls O
	previous := offsets[0]
	for _, o := range offsets[1:] {
		falls |= o | (o - previous) // below 0 where it falls
		previous = o
	}
	first, last := offsets[0], offsets[len(offsets)-1]
	if first < 0 || falls < 0 || int64(last) > int64(len(data)) {
		return fmt.Errorf("its offsets do not rise from 0 to the %d bytes of its data", len(data))
	}
	if !text {
		return nil
	}
	used := data[first:last]
	valid, ascii, err := validText(ctx, used)
	if err != nil || ascii {
		return err
	}
	for _, o := range offsets {
		valid = valid && (o == last || utf8.RuneStart(data[o]))
	}
	if valid {
		return nil
	}
	for i := range d.Len() {
		if !isNull(d, i) && !utf8.Valid(data[offsets[i]:offsets[i+1]]) {
			return fmt.Errorf("the string in row %d is not UTF-8; write the column again as binary", i)
		}
	}
	return nil
}

func isNull(d arrow.ArrayData, i int) bool {
	b := d.Buffers()[0]
	return b != nil && !bitutil.BitIsSet(b.Bytes(), d.Offset()+i)
}

// validText reports whether bytes are UTF-8, and whether they are ASCII.
func validText(ctx context.Context, b []byte) (valid, ascii bool, err error) {
	ascii = true
	for len(b) > 0 {
		if err := ctx.Err(); err != nil {
			return false, false, err
		}
		n := min(chunk, len(b))
		for n < len(b) && n > chunk-utf8.UTFMax && !utf8.RuneStart(b[n]) {
			n--
		}
		if ascii = ascii && isASCII(b[:n]); !ascii && !utf8.Valid(b[:n]) {
			return false, false, nil
		}
		b = b[n:]
	}
	return true, ascii, nil
}

// isASCII looks at eight bytes at a time.
func isASCII(b []byte) bool {
	const high = 0x8080808080808080
	words := len(b) / 8 * 8
	var seen uint64
	for i := 0; i < words; i += 8 {
		w := b[i : i+8 : i+8]
		seen |= uint64(w[0]) | uint64(w[1])<<8 | uint64(w[2])<<16 | uint64(w[3])<<24 |
			uint64(w[4])<<32 | uint64(w[5])<<40 | uint64(w[6])<<48 | uint64(w[7])<<56
	}
	for _, c := range b[words:] {
		seen |= uint64(c)
	}
	return seen&high == 0
}

// checkIndices sees that the indices of a dictionary array, but of nulls, are below bound.
func checkIndices(d arrow.ArrayData, bound int) error {
	b := d.Buffers()[1].Bytes()
	switch t := storage(d.DataType()).(*arrow.DictionaryType).IndexType; t.ID() {
	case arrow.INT8:
		return checkBelow[int8](d, b, bound)
	case arrow.UINT8:
		return checkBelow[uint8](d, b, bound)
	case arrow.INT16:
		return checkBelow[int16](d, b, bound)
	case arrow.UINT16:
		return checkBelow[uint16](d, b, bound)
	case arrow.INT32:
		return checkBelow[int32](d, b, bound)
	case arrow.UINT32:
		return checkBelow[uint32](d, b, bound)
	case arrow.INT64:
		return checkBelow[int64](d, b, bound)
	case arrow.UINT64:
		return checkBelow[uint64](d, b, bound)
	default:
		return fmt.Errorf("a dictionary's indices are %s", t)
	}
}

// errIndices is a dictionary array that names values which are not there.
var errIndices = errors.New("an index is beyond the end of its dictionary")

func checkBelow[I interface {
	int8 | uint8 | int16 | uint16 | int32 | uint32 | int64 | uint64
}](d arrow.ArrayData, b []byte, bound int) error {
	indices := array.View[I](b)[d.Offset() : d.Offset()+d.Len()]
	var most uint64 // of indices as unsigned numbers, where those below 0 are large
	for _, i := range indices {
		most = max(most, uint64(i))
	}
	if len(indices) == 0 || most < uint64(bound) {
		return nil
	}
	for i, x := range indices {
		if uint64(x) >= uint64(bound) && !isNull(d, i) {
			return fmt.Errorf("%w: %d of %d in row %d", errIndices, x, bound, i)
		}
	}
	return nil
}
