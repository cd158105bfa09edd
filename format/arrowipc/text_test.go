package arrowipc_test

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/format/arrowipc"
	"github.com/darray-go/darray/format/formattest"
	"github.com/darray-go/darray/internal/leak"
)

// TestLongText: strings of several batches that 32-bit offsets cannot name are refused before memory is taken, with what to do.
func TestLongText(t *testing.T) {
	leak.Check(t)
	if testing.Short() {
		t.Skip("takes gigabytes under the race detector; run it without -short")
	}
	var out bytes.Buffer
	record := texts(strings.Repeat("x", 32<<20), "y")
	e, err := arrowipc.Format.Create(&out, record.Schema(), format.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Write(t.Context(), record); err != nil {
		t.Fatal(err)
	}
	arrowipc.Repeat(e, 64)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	_, used, err := readBytes(out.Bytes(), format.Options{})
	if err == nil || !strings.Contains(err.Error(), `column "s": the values take more bytes than 32-bit offsets can name`) || used > 1<<20 {
		t.Errorf("%d bytes allocated; %v", used, err)
	}
	f := formattest.Open(t, arrowipc.Format, "x.arrow", out.Bytes(), format.Options{})
	if got := read(t, f, 0, 1, 4); got.Len() != 3 || got.ValueStr(0) != "y" || len(got.ValueStr(1)) != 32<<20 {
		t.Error(got.Len())
	}
}

// TestText: strings that are not UTF-8 are refused, wherever the bytes of a character are cut; under a null there may be anything.
func TestText(t *testing.T) {
	leak.Check(t)
	offsets := func(xs ...int32) *memory.Buffer { return memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(xs)) }
	for _, c := range []struct {
		data    string
		offsets []int32
		nulls   byte // validity
		want    string
	}{
		{"größe", []int32{0, 2, 4, 7}, 7, ""},
		{"größe", []int32{0, 3, 4, 7}, 7, "the string in row 0 is not UTF-8"},
		{"größe", []int32{0, 2, 5, 7}, 7, "the string in row 1 is not UTF-8"},
		{"a\xffb", []int32{0, 1, 2, 3}, 7, "the string in row 1 is not UTF-8"},
		{"a\xffb", []int32{0, 1, 2, 3}, 5, ""},
		{"\xffb\xff", []int32{1, 1, 2, 2}, 7, ""},
		{"abc", []int32{0, 2, 1, 3}, 7, "its offsets do not rise"},
		{"abc", []int32{0, 1, 2, 4}, 7, "out of bounds of data buffer"},
		{"abc", []int32{-1, 1, 2, 3}, 7, "its offsets do not rise"},
		{"abc", []int32{0, math.MaxInt32, -2, 3}, 7, "its offsets do not rise"},
	} {
		good := texts("abc", "de", "fghi")
		data := encode(t, false, good.Schema(), []arrow.RecordBatch{arrowarray.NewRecordBatch(good.Schema(), []arrow.Array{
			arrowarray.MakeFromData(arrowarray.NewData(arrow.BinaryTypes.String, 3, []*memory.Buffer{memory.NewBufferBytes([]byte{c.nulls}), offsets(0, 3, 6, 9), memory.NewBufferBytes([]byte("abcdefghi"))}, nil, arrowarray.UnknownNullCount, 0)),
		}, 3)})
		data = bytes.Replace(data, offsets(0, 3, 6, 9).Bytes(), offsets(c.offsets...).Bytes(), 1)
		data = bytes.Replace(data, []byte("abcdefghi"), append([]byte(c.data), "abcdefghi"[len(c.data):]...), 1)
		if c.offsets[3] == 4 {
			data = bytes.Replace(data, offsets(c.offsets...).Bytes(), offsets(0, 1, 2, 10).Bytes(), 1)
		}
		_, _, err := readBytes(data, format.Options{})
		switch {
		case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%q at %v: %v; want %q", c.data, c.offsets, err, c.want)
		}
	}
}
