package arrowipc_test

import (
	"context"
	"io"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/format/arrowipc"
	"github.com/darray-go/darray/format/formattest"
	"github.com/darray-go/darray/internal/leak"
)

// kinds are the types of the suite, by what they have in common.
func kinds() map[string][]arrow.DataType {
	return map[string][]arrow.DataType{
		"numbers": formattest.Numbers(), "times": formattest.Times(), "texts": formattest.Texts(), "others": formattest.Others(),
	}
}

// TestRoundTrip writes every type in every compression and reads it again.
func TestRoundTrip(t *testing.T) {
	leak.Check(t)
	for name, types := range kinds() {
		for _, compression := range []string{"none", "lz4", "zstd"} {
			t.Run(name+"/"+compression, func(t *testing.T) {
				formattest.RoundTrip(t, arrowipc.Format, "x.arrow", slices.Clone(types), format.WriteOptions{Compression: compression})
			})
		}
	}
}

// TestRoundTripStreams is the same of streams, which arrow-go writes.
func TestRoundTripStreams(t *testing.T) {
	leak.Check(t)
	streams := arrowipc.Format
	streams.Create = func(w io.Writer, s *arrow.Schema, o format.WriteOptions) (format.Encoder, error) {
		return stream{ipc.NewWriter(w, append([]ipc.Option{ipc.WithSchema(s)}, codecs[o.Compression]...)...)}, nil
	}
	for name, types := range kinds() {
		for compression := range codecs {
			t.Run(name+"/"+compression, func(t *testing.T) {
				formattest.RoundTrip(t, streams, "x.arrows", slices.Clone(types), format.WriteOptions{Compression: compression})
			})
		}
	}
}

// stream is arrow-go's writer of streams.
type stream struct{ *ipc.Writer }

func (s stream) Write(_ context.Context, r arrow.RecordBatch) error { return s.Writer.Write(r) }

// TestOtherSchema: batches of another schema than the stream's are refused.
func TestOtherSchema(t *testing.T) {
	leak.Check(t)
	const end = 8 // bytes of the marker
	types := []arrow.DataType{arrow.PrimitiveTypes.Int64, arrow.BinaryTypes.String, arrow.BinaryTypes.StringView, arrow.ListOf(arrow.PrimitiveTypes.Int8)}
	for i, a := range types {
		for k, b := range types {
			first, second := sample([]arrow.DataType{a}, false, 9), sample([]arrow.DataType{b}, false, 9)
			head := encode(t, true, first[0].Schema(), nil)
			tail := encode(t, true, second[0].Schema(), second)[len(encode(t, true, second[0].Schema(), nil))-end:]
			rows, _, err := readBytes(append(head[:len(head)-end:len(head)-end], tail...), format.Options{})
			if (err == nil) != (i == k) || err == nil && rows != 9 {
				t.Errorf("%s in a stream of %s: %d rows, %v", b, a, rows, err)
			}
		}
	}
}
