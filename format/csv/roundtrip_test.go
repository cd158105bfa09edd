package csv_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/format/csv"
	"github.com/darray-go/darray/format/formattest"
	"github.com/darray-go/darray/internal/leak"
)

// held are the types that CSV holds and columns can be read as.
func held() []arrow.DataType {
	b, w := arrow.BinaryTypes, arrow.FixedWidthTypes
	return append(formattest.Numbers(),
		w.Date32, w.Date64, w.Time32s, w.Time32ms, w.Time64us, w.Time64ns,
		w.Timestamp_s, w.Timestamp_ms, w.Timestamp_us, w.Timestamp_ns, &arrow.TimestampType{Unit: arrow.Microsecond},
		b.String, b.LargeString, &arrow.Decimal128Type{Precision: 30, Scale: 4}, &arrow.Decimal128Type{Precision: 38})
}

// typed is a format that reads columns c0, c1, ... as types.
func typed(f format.Format, types []arrow.DataType) format.Format {
	open := f.Open
	f.Open = func(ctx context.Context, in *format.Input, o format.Options) (*format.File, error) {
		for i, t := range types {
			o.CSV.Types = append(o.CSV.Types, arrow.Field{Name: fmt.Sprintf("c%d", i), Type: t})
		}
		return open(ctx, in, o)
	}
	return f
}

// TestRoundTrip: every type comes back, with an index of few bytes a step and of many, and from gzip.
func TestRoundTrip(t *testing.T) {
	leak.Check(t)
	for _, step := range []int{7, 1000, 1 << 20} {
		formattest.RoundTrip(t, typed(csv.Steps(step), held()), "x.csv", held(), format.WriteOptions{})
	}
	formattest.RoundTrip(t, typed(csv.Format, held()), "x.csv.gz", held(), format.WriteOptions{Compression: "gzip"})
}

// TestRoundTripAlone: a column alone has lines that would be empty.
func TestRoundTripAlone(t *testing.T) {
	leak.Check(t)
	for _, d := range held() {
		t.Run(d.String(), func(t *testing.T) {
			formattest.RoundTrip(t, typed(csv.Steps(50), []arrow.DataType{d}), "x.csv", []arrow.DataType{d}, format.WriteOptions{})
		})
	}
}

// TestRoundTripTold: types that are told from the text come back without being named.
func TestRoundTripTold(t *testing.T) {
	leak.Check(t)
	p, w := arrow.PrimitiveTypes, arrow.FixedWidthTypes
	types := []arrow.DataType{
		w.Boolean, p.Int64, p.Float64, w.Date32, w.Timestamp_us, w.Timestamp_ns,
		&arrow.TimestampType{Unit: arrow.Microsecond}, arrow.BinaryTypes.String,
	}
	for _, n := range []int{100, 3000} {
		for _, nulls := range []bool{false, true} {
			batch := formattest.Batch(types, n, nulls, 5)
			data := formattest.Encode(t, csv.Format, format.WriteOptions{}, batch)
			f := formattest.Open(t, csv.Steps(100), "x.csv", data, format.Options{})
			got, err := f.Read(t.Context(), []int{0, 1, 2, 3, 4, 5, 6, 7}, 0, f.Rows)
			if err != nil {
				t.Fatal(err)
			}
			for i, a := range got {
				if err := formattest.Equal(a, batch.Column(i)); err != nil {
					t.Errorf("%s: %v", types[i], err)
				}
			}
		}
	}
}

// TestEveryDay: each day that a text can name is written as package time does, and comes back.
func TestEveryDay(t *testing.T) {
	leak.Check(t)
	b := arrowarray.NewDate32Builder(memory.DefaultAllocator)
	first, last := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	for d := first.Unix() / 86400; d <= last.Unix()/86400; d++ {
		b.Append(arrow.Date32(d))
	}
	days := b.NewArray()
	text, err := written(t, days)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(text), "\n")[1:]
	for i, line := range lines {
		if want := first.AddDate(0, 0, i).Format("2006-01-02") + ",1"; i%37 == 0 && line != want {
			t.Fatalf("day %d is written %s, want %s", i, line, want)
		}
	}
	f := formattest.Open(t, csv.Format, "x.csv", []byte(text), format.Options{})
	got, err := f.Read(t.Context(), []int{0}, 0, f.Rows)
	if err != nil {
		t.Fatal(err)
	}
	if err := formattest.Equal(got[0], days); err != nil || lines[len(lines)-1] != "9999-12-31,1" {
		t.Error(err)
	}
}

// TestOthersAreRefused: a type without a text is refused by Create, which names it and its column.
func TestOthersAreRefused(t *testing.T) {
	leak.Check(t)
	written := append(held(), arrow.Null, arrow.FixedWidthTypes.Float16, arrow.BinaryTypes.StringView)
	for _, d := range slices.Concat(formattest.Numbers(), formattest.Times(), formattest.Texts(), formattest.Others()) {
		s := arrow.NewSchema([]arrow.Field{{Name: "it", Type: d}}, nil)
		_, err := format.Create(csv.Format, discard{}, s, format.WriteOptions{})
		known := slices.ContainsFunc(written, func(w arrow.DataType) bool { return w.ID() == d.ID() })
		switch d.(type) {
		case *arrow.DictionaryType, arrow.DecimalType:
			known = true
		}
		if known != (err == nil) {
			t.Errorf("%s: %v", d, err)
		}
		if err != nil && err.Error()[:11] != `column "it"` {
			t.Errorf("%s: %v", d, err)
		}
	}
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
