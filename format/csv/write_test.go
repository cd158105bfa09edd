package csv_test

import (
	"bytes"
	standard "encoding/csv"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/format/csv"
	"github.com/darray-go/darray/format/formattest"
	"github.com/darray-go/darray/internal/leak"
)

// parsed is an array of a type from JSON.
func parsed(t testing.TB, d arrow.DataType, text string) arrow.Array {
	t.Helper()
	a, _, err := arrowarray.FromJSON(memory.DefaultAllocator, d, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// written is the text of one column called x, and a second one of ones.
func written(t testing.TB, a arrow.Array) (string, error) {
	t.Helper()
	ones := arrowarray.NewInt8Builder(memory.DefaultAllocator)
	for range a.Len() {
		ones.Append(1)
	}
	s := arrow.NewSchema([]arrow.Field{{Name: "x", Type: a.DataType(), Nullable: true}, {Name: "o", Type: arrow.PrimitiveTypes.Int8}}, nil)
	var out bytes.Buffer
	e, err := format.Create(csv.Format, &out, s, format.WriteOptions{})
	if err != nil {
		return "", err
	}
	if err := e.Write(t.Context(), arrowarray.NewRecordBatch(s, []arrow.Array{a, ones.NewArray()}, int64(a.Len()))); err != nil {
		return "", err
	}
	return out.String(), e.Close()
}

// TestWritten: the text of values, by hand.
func TestWritten(t *testing.T) {
	leak.Check(t)
	w, p := arrow.FixedWidthTypes, arrow.PrimitiveTypes
	for _, c := range []struct {
		d          arrow.DataType
		json, want string
	}{
		{
			arrow.BinaryTypes.String, `["a", "", null, "x,y", "q\"q", "l\nm", "r\r", "NA", "NaN", "None", "t\tt", "s;s", "b|b", " s ", "größe", "\ufeff", "nulls"]`,
			`a 1|"" 1| 1|"x,y" 1|"q""q" 1|"l` + "\n" + `m" 1|"r` + "\r" + `" 1|"NA" 1|"NaN" 1|"None" 1|"t` + "\t" + `t" 1|"s;s" 1|"b|b" 1| s  1|größe 1|"` + "\ufeff" + `" 1|nulls 1`,
		},
		{arrow.BinaryTypes.StringView, `["a", "NA"]`, `a 1|"NA" 1`},
		{w.Boolean, `[true, null, false]`, `true 1| 1|false 1`},
		{p.Int64, `[-9223372036854775808, 0, null]`, `-9223372036854775808 1|0 1| 1`},
		{p.Uint64, `[18446744073709551615]`, `18446744073709551615 1`},
		{p.Float64, `[1, 0.1, -1e300, null]`, `1.0 1|0.1 1|-1e+300 1| 1`},
		{p.Float32, `[0.1, 16777216]`, `0.1 1|16777216.0 1`},
		{w.Date32, `["2012-01-31", "0001-02-03", "1969-12-31"]`, `2012-01-31 1|0001-02-03 1|1969-12-31 1`},
		{w.Timestamp_ms, `["2012-01-31T10:20:30.500Z", "1969-12-31T23:59:59.999Z", "2000-01-01T00:00:00Z"]`, `2012-01-31T10:20:30.500Z 1|1969-12-31T23:59:59.999Z 1|2000-01-01T00:00:00Z 1`},
		{&arrow.TimestampType{Unit: arrow.Nanosecond}, `["2012-01-31 10:20:30.000000001"]`, `2012-01-31T10:20:30.000000001 1`},
		{w.Time64us, `["10:20:30.500000", "00:00:00"]`, `10:20:30.500000 1|00:00:00 1`},
		{&arrow.Decimal128Type{Precision: 10, Scale: 3}, `["1.5", "-0.001", "1234567.891", null]`, `1.500 1|-0.001 1|1234567.891 1| 1`},
		{&arrow.Decimal256Type{Precision: 60, Scale: 0}, `["-123456789012345678901234567890123456789012345678901234567890"]`, `-123456789012345678901234567890123456789012345678901234567890 1`},
		{&arrow.Decimal32Type{Precision: 5, Scale: 2}, `["-0.05"]`, `-0.05 1`},
		{&arrow.DictionaryType{IndexType: p.Int8, ValueType: arrow.BinaryTypes.String}, `["a", null, "NA", "a"]`, `a 1| 1|"NA" 1|a 1`},
		{arrow.Null, `[null, null]`, ` 1| 1`},
	} {
		got, err := written(t, parsed(t, c.d, c.json))
		var want strings.Builder
		want.WriteString("x,o\n")
		for line := range strings.SplitSeq(strings.ReplaceAll(c.want, `"b|b"`, `"b`+"\x01"+`b"`), "|") {
			line = strings.ReplaceAll(line, "\x01", "|")
			want.WriteString(strings.TrimSuffix(line, " 1") + ",1\n")
		}
		if err != nil || got != want.String() {
			t.Errorf("%s: got\n%q, %v, want\n%q", c.d, got, err, want.String())
		}
	}
}

// TestNotWritten: values that would not read back are errors that say which.
func TestNotWritten(t *testing.T) {
	leak.Check(t)
	text := arrowarray.NewStringBuilder(memory.DefaultAllocator)
	text.AppendValues([]string{"a", "gr\xfc\xdfe"}, nil)
	nul := arrowarray.NewStringBuilder(memory.DefaultAllocator)
	nul.AppendValues([]string{"a\x00"}, nil)
	far := arrowarray.NewDate32Builder(memory.DefaultAllocator)
	far.Append(3_000_000)
	part := arrowarray.NewDate64Builder(memory.DefaultAllocator)
	part.Append(1)
	for _, c := range []struct {
		b    arrowarray.Builder
		want string
	}{
		{text, `column "x", row 1: the string is not UTF-8`},
		{nul, `column "x", row 0: the string is not UTF-8, or has a NUL`},
		{far, `column "x", row 0: the day 3000000`},
		{part, `column "x", row 0: a date64 of 1 ms is no whole day`},
	} {
		if _, err := written(t, c.b.NewArray()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	s := arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Int8}}, nil)
	if _, err := format.Create(csv.Format, discard{}, s, format.WriteOptions{Compression: "lz4"}); err == nil || !strings.Contains(err.Error(), "use gzip") {
		t.Error(err)
	}
	if _, err := format.Create(csv.Format, full{}, s, format.WriteOptions{}); !errors.Is(err, errFull) {
		t.Error(err)
	}
	if _, err := format.Create(csv.Format, discard{}, arrow.NewSchema(nil, nil), format.WriteOptions{}); err == nil {
		t.Error("a file without columns was made")
	}
}

var errFull = errors.New("no space left")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

// TestNames: any name of a column comes back.
func TestNames(t *testing.T) {
	leak.Check(t)
	names := []string{"a b", "", "1", "2012-01-31", "x,y", "q\"", "l\n", "NA", "true", "\ufeffx", "NaN", " 1 ", "größe", "1e5"}
	for i := range names {
		for _, rows := range []int{0, 1, 5} {
			var fields []arrow.Field
			var columns []arrow.Array
			for k := range min(4, len(names)) {
				fields = append(fields, arrow.Field{Name: names[(i+k)%len(names)], Type: arrow.PrimitiveTypes.Float64, Nullable: true})
				columns = append(columns, formattest.Random(arrow.PrimitiveTypes.Float64, rows, false, 1))
			}
			batch := arrowarray.NewRecordBatch(arrow.NewSchema(fields, nil), columns, int64(rows))
			f := formattest.Open(t, csv.Format, "x.csv", formattest.Encode(t, csv.Format, format.WriteOptions{}, batch), format.Options{})
			for k, field := range f.Schema.Fields() {
				if field.Name != fields[k].Name {
					t.Errorf("column %d is called %q, want %q", k, field.Name, fields[k].Name)
				}
			}
			if f.Rows != rows {
				t.Errorf("%d rows, want %d", f.Rows, rows)
			}
		}
	}
}

// TestStandardReads: encoding/csv reads what is written, of many rows in chunks.
func TestStandardReads(t *testing.T) {
	leak.Check(t)
	types := []arrow.DataType{arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64}
	batch := formattest.Batch(types, 50_000, false, 3)
	data := formattest.Encode(t, csv.Format, format.WriteOptions{}, batch, formattest.Batch(types, 3, false, 4), formattest.Batch(types, 0, false, 5))
	records, err := standard.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil || len(records) != 50_004 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	for i := range 50_000 {
		want := []string{strings.ReplaceAll(batch.Column(0).(*arrowarray.String).Value(i), "\r\n", "\n"), fmt.Sprint(batch.Column(1).(*arrowarray.Int64).Value(i))}
		if fmt.Sprint(records[i+1]) != fmt.Sprint(want) {
			t.Fatalf("record %d: %q, want %q", i, records[i+1], want)
		}
	}
}
