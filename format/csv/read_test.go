package csv_test

import (
	"bytes"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/klauspost/compress/gzip"

	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/format/csv"
	"github.com/darray-go/darray/format/formattest"
	"github.com/darray-go/darray/internal/leak"
)

// open opens a text under a name.
func open(t testing.TB, name, text string, o format.Options) *format.File {
	t.Helper()
	return formattest.Open(t, csv.Format, name, []byte(text), o)
}

// show is a file's schema and all its values, as text.
func show(t testing.TB, f *format.File) string {
	t.Helper()
	var out strings.Builder
	columns := make([]int, f.Schema.NumFields())
	for i, field := range f.Schema.Fields() {
		columns[i] = i
		fmt.Fprintf(&out, "%s:%s ", field.Name, field.Type)
	}
	arrays, err := f.Read(t.Context(), columns, 0, f.Rows)
	if err != nil {
		return out.String() + err.Error()
	}
	for row := range f.Rows {
		for c, a := range arrays {
			out.WriteString([]string{"/ ", "", " "}[min(c, 1)])
			if c > 0 {
				out.WriteByte(' ')
			}
			out.WriteString(a.ValueStr(row))
		}
		out.WriteByte(' ')
	}
	return strings.TrimSpace(out.String())
}

// TestTold: what is told from a text, and the values that it has then.
func TestTold(t *testing.T) {
	leak.Check(t)
	for _, c := range []struct{ name, text, want string }{
		{"usual", "a,b,c\n1,1.5,x\n2,-2,y\n", "a:int64 b:float64 c:utf8 / 1 1.5 x / 2 -2 y"},
		{"no header", "1,x\n2,y\n", "column0:int64 column1:utf8 / 1 x / 2 y"},
		{"names that repeat are data", "a,a\nb,c\n", "column0:utf8 column1:utf8 / a a / b c"},
		{"names that repeat, over numbers", "a,a\n1,x\n", "a:int64 a:utf8 / 1 x"},
		{"names that are missing", "a,,\nx,y,z\n", "a:utf8 column1:utf8 column2:utf8 / x y z"},
		{"an empty name", ",x\n1,2\n", "column0:int64 x:int64 / 1 2"},
		{"quoted names", "\"2019\",\"\"\n1,2\n", "2019:int64 :int64 / 1 2"},
		{"all in quotes", "\"1\",\"2\"\n\"3\",\"\"\n", "column0:int64 column1:int64 / 1 2 / 3 (null)"},
		{"tabs", "a\tb\n1\t2\n", "a:int64 b:int64 / 1 2"},
		{"semicolons", "a;b\n1,5;2,5\n", "a:utf8 b:utf8 / 1,5 2,5"},
		{"bars", "a|b|c\n1|2|3\n", "a:int64 b:int64 c:int64 / 1 2 3"},
		{"mark, returns, no end", "\ufeffa,b\r\n1,2\r\n3,4", "a:int64 b:int64 / 1 2 / 3 4"},
		{"a return at the end", "a,b\n1,2\r", "a:int64 b:int64 / 1 2"},
		{"quotes", "a,b\n\"x,\n\"\"y\"\"\",\"\"\n,z\n", "a:utf8 b:utf8 / x,\n\"y\"  / (null) z"},
		{"empty lines", "\n\na,b\n\n1,2\r\n\r\n\n3,4\n\n", "a:int64 b:int64 / 1 2 / 3 4"},
		{"only a header", "a,b\n", "a:utf8 b:utf8"},
		{"one column", "x\n1\n\n2\n", "x:int64 / 1 / 2"},
		{"nulls", "a,b,c,d\n1,NA,x,NaN\nN/A,2.5,null,1.5\nNULL,None,\"NA\",\n", "a:int64 b:float64 c:utf8 d:float64 / 1 (null) x NaN / (null) 2.5 (null) 1.5 / (null) (null) NA (null)"},
		{"NaN of others", "a,b\nNaN,x\n1,NaN\n", "a:int64 b:utf8 / (null) x / 1 (null)"},
		{"blanks", "a, b\n 1,\t2.5 \n  , 3\n", "a:int64  b:float64 / 1 2.5 / (null) 3"},
		{"truth", "a\ntrue\nFalse\n", "a:bool / true / false"},
		{"big", "a,b,c\n18446744073709551615,99999999999999999999,1e3\n1,2,4\n", "a:uint64 b:utf8 c:float64 / 18446744073709551615 99999999999999999999 1000 / 1 2 4"},
		{"signs", "a,b\n-9223372036854775808,+1\n9223372036854775807,-0\n", "a:int64 b:float64 / -9223372036854775808 1 / 9223372036854775807 -0"},
		{"infinite", "a\nInf\n-inf\n1\n", "a:float64 / +Inf / -Inf / 1"},
		{"dates", "a,b\n2012-02-29,1969-12-31\n,2000-01-01\n", "a:date32 b:date32 / 2012-02-29 1969-12-31 / (null) 2000-01-01"},
		{"no dates", "a,b\n2013-02-29,1900-13-01\n", "a:utf8 b:utf8 / 2013-02-29 1900-13-01"},
		{
			"times", "a,b,c\n2012-01-31T10:20:30.5Z,2012-01-31 10:20,2012-01-31T00:00:00.123456789\n2012-01-31 01:00:00+02:00,2012-02-01,\n",
			"a:timestamp[us, tz=UTC] b:timestamp[us] c:timestamp[ns] / 2012-01-31T10:20:30.5Z 2012-01-31T10:20:00 2012-01-31T00:00:00.123456789 / 2012-01-30T23:00:00Z 2012-02-01T00:00:00 (null)",
		},
		{
			"offsets", "a;b\n2012-01-31T10:20:30+0200;\n2012-01-31T10:20:30-02;\n2012-01-31t10:20:30,25 +05:30;\n2012-01-31T10:20z;\n",
			"a:timestamp[us, tz=UTC] b:utf8 / 2012-01-31T08:20:30Z (null) / 2012-01-31T12:20:30Z (null) / 2012-01-31T04:50:30.25Z (null) / 2012-01-31T10:20:00Z (null)",
		},
		{
			"no offsets", "a,b,c,d\n2012-01-31T10:20:30+2,2012-01-31T10:20:30+24:00,2012-01-31T10:20:30+02:60,2012-01-31T10:20:30 UTC\n",
			"a:utf8 b:utf8 c:utf8 d:utf8 / 2012-01-31T10:20:30+2 2012-01-31T10:20:30+24:00 2012-01-31T10:20:30+02:60 2012-01-31T10:20:30 UTC",
		},
		{
			"no times", "a,b,c,d\n2012-01-31T24:00:00,2012-01-31T10:60:00,2012-01-31X10:20,2012-01-31T10:20:30.\n",
			"a:utf8 b:utf8 c:utf8 d:utf8 / 2012-01-31T24:00:00 2012-01-31T10:60:00 2012-01-31X10:20 2012-01-31T10:20:30.",
		},
		{"times with and without a zone", "a\n2012-01-31T10:20:30Z\n2012-01-31T10:20:30\n", "a:utf8 / 2012-01-31T10:20:30Z / 2012-01-31T10:20:30"},
		{"mixed", "a,b\n1,true\nx,1\n", "a:utf8 b:utf8 / 1 true / x 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := show(t, open(t, "x.csv", c.text, format.Options{})); got != c.want {
				t.Errorf("got\n%q, want\n%q", got, c.want)
			}
		})
	}
}

// TestSaid: what options say goes before what the text looks like.
func TestSaid(t *testing.T) {
	leak.Check(t)
	p := arrow.PrimitiveTypes
	f := open(t, "x.csv", "a,b,c,d\n1,-,0,12.3\n2,4,true,-0.05\n", format.Options{CSV: format.CSVOptions{
		Nulls: []string{"-"}, Comma: ',',
		Types: []arrow.Field{{Name: "b", Type: p.Uint8}, {Name: "a", Type: arrow.BinaryTypes.String}, {Name: "c", Type: arrow.FixedWidthTypes.Boolean}, {Name: "d", Type: &arrow.Decimal128Type{Precision: 5, Scale: 3}}},
	}})
	if got, want := show(t, f), "a:utf8 b:uint8 c:bool d:decimal(5, 3) / 1 (null) false 12.3 / 2 4 true -0.05"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	f = open(t, "x.csv", "a,b\n1,NaN\n2,1\n", format.Options{CSV: format.CSVOptions{Nulls: []string{""}}})
	if got, want := show(t, f), "a:int64 b:float64 / 1 NaN / 2 1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	f = open(t, "x.csv", "u,b,f\n+5,0,1.5\n-0,1,16777217\n018446744073709551615,TRUE,nan\n", format.Options{CSV: format.CSVOptions{Types: []arrow.Field{
		{Name: "u", Type: p.Uint64}, {Name: "b", Type: arrow.FixedWidthTypes.Boolean}, {Name: "f", Type: p.Float32},
	}}})
	if got, want := show(t, f), "u:uint64 b:bool f:float32 / 5 false 1.5 / 0 true 1.6777216e+07 / 18446744073709551615 true NaN"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	f = open(t, "x.csv", "a,b\nc,d\n", format.Options{CSV: format.CSVOptions{NoHeader: true}})
	if got, want := show(t, f), "column0:utf8 column1:utf8 / a b / c d"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestErrors: what is wrong, where, and what to do.
func TestErrors(t *testing.T) {
	leak.Check(t)
	p := arrow.PrimitiveTypes
	typed := func(d arrow.DataType) format.CSVOptions {
		return format.CSVOptions{Types: []arrow.Field{{Name: "a", Type: d}}}
	}
	for _, c := range []struct {
		name, text string
		o          format.CSVOptions
		want       string
	}{
		{"too few", "a,b\n1,2\n\n3\n4,5\n", format.CSVOptions{}, "row 1 (line 4, byte 9): the record has 1 fields, the first one of the file 2"},
		{"too many", "a,b\n1,2\n3,4,5\n", format.CSVOptions{}, "row 1 (line 3, byte 8): the record has 3 fields, the first one of the file 2"},
		{"bare quote", "a,b\n1,2\n3,x\"y\n", format.CSVOptions{}, "row 1 (line 3, byte 11): there is a quote within a field"},
		{"text behind", "a,b\n1,2\n\"3\"x,4\n", format.CSVOptions{}, "row 1 (line 3, byte 11): there is a quote within a field that has none around it, or text after a closing one"},
		{"bare quote between semicolons", "a;b\n1,5;\"2\"\n3;4\n7;x\"y\n", format.CSVOptions{}, "row 2 (line 4, byte 19): there is a quote"},
		{"unclosed", "a,b\n1,2\n3,\"4\n5,6\n", format.CSVOptions{}, "row 1 (line 3, byte 10): a quote opens here that nothing closes"},
		{"not a number", "a,b\n1,2\nx\u00e4,2\n", typed(p.Int64), "row 1 (line 3, byte 8), column \"a\": \"x\u00e4\" is not an integer; the column is read as int64: name it in CSVOptions.Types"},
		{"overflow", "a,b\n1,2\n9223372036854775808,2\n", typed(p.Int64), `"9223372036854775808" is out of range; the column is read as int64`},
		{"overflow of a byte", "a,b\n1,2\n-129,2\n", typed(p.Int8), `"-129" is out of range; the column is read as int8`},
		{"no uint", "a,b\n1,2\n1x,2\n", typed(p.Uint32), `"1x" is not an integer; the column is read as uint32`},
		{"uint overflow", "a,b\n1,2\n18446744073709551616,2\n", typed(p.Uint64), `"18446744073709551616" is out of range; the column is read as uint64`},
		{"no truth", "a,b\n1,2\n2,2\n", typed(arrow.FixedWidthTypes.Boolean), `"2" is not true or false; the column is read as bool`},
		{"no date", "a,b\n2012-1-31,2\n", typed(arrow.FixedWidthTypes.Date32), `"2012-1-31" is not a date like 2012-01-31`},
		{"no clock", "a,b\n12:34:5,2\n", typed(arrow.FixedWidthTypes.Time32s), `is not a time like`},
		{"long text", "a,b\n" + strings.Repeat("x", 1000) + ",2\n", typed(p.Int8), `"` + strings.Repeat("x", 60) + `..." is not an integer`},
		{"no such column", "a,b,c\n", format.CSVOptions{Types: []arrow.Field{{Name: "z"}}}, `there are "a", "b", "c"`},
		{"decimal type", "a,b\n1,2\n", typed(&arrow.Decimal128Type{Precision: 50}), "use 1 to 38 digits"},
		{"below zero", "a,b\n1,2\n-1,2\n", typed(p.Uint32), `"-1" is out of range; the column is read as uint32`},
		{"float overflow", "a,b\n1,2\n1e400,2\n", typed(p.Float64), `"1e400" is out of range; the column is read as float64`},
		{"float32 overflow", "a,b\n1,2\n1e40,2\n", typed(p.Float32), `"1e40" is out of range; the column is read as float32`},
		{"fraction", "a,b\n1,2\n1.5,2\n", typed(p.Int64), `"1.5" is not an integer; the column is read as int64`},
		{"no zone", "a,b\n2012-01-01T00:00:00,2\n", typed(arrow.FixedWidthTypes.Timestamp_us), "has neither Z nor an offset"},
		{"a zone", "a,b\n2012-01-01T00:00:00Z,2\n", typed(&arrow.TimestampType{Unit: arrow.Second}), "has Z or an offset, and the column has no time zone"},
		{"too fine", "a,b\n2012-01-01T00:00:00.5,2\n", typed(&arrow.TimestampType{Unit: arrow.Second}), "has more digits than the type holds"},
		{"too far", "a,b\n9999-01-01T00:00:00,2\n", typed(&arrow.TimestampType{Unit: arrow.Nanosecond}), "out of range"},
		{"decimal too fine", "a,b\n1.255,2\n", typed(&arrow.Decimal128Type{Precision: 5, Scale: 2}), "has more digits than the type holds"},
		{"decimal too large", "a,b\n1000,2\n", typed(&arrow.Decimal128Type{Precision: 5, Scale: 2}), "out of range"},
		{"NUL", "a,b\n1,2\n3,x\x00y\n", format.CSVOptions{}, "row 1 (line 3, byte 11): there is a NUL byte"},
		{"NUL in what is not asked for", "a,b\n1,2\n3,x\x00y\n", format.CSVOptions{Types: []arrow.Field{{Name: "b", Type: arrow.BinaryTypes.String}}}, "NUL"},
		{"Latin-1", "a,b\n1,gr\xfc\xdfe\n", format.CSVOptions{}, `row 0 (line 2, byte 6), column "b": "gr\xfc\xdfe" is not UTF-8`},
		{"Latin-1 name", "gr\xfc\xdfe,b\n1,2\n", format.CSVOptions{}, "is not UTF-8"},
		{"UTF-16", "\xff\xfea\x00,\x00b\x00\n\x00", format.CSVOptions{}, "is UTF-16; save it as UTF-8"},
		{"old lines", "a,b\r1,2\r3,4\r", format.CSVOptions{}, `lines end in \r alone`},
		{"nothing", "\n\r\n\n", format.CSVOptions{}, "has no records"},
		{"empty", "", format.CSVOptions{}, "is empty"},
		{"delimiter", "a,b\n", format.CSVOptions{Comma: ':'}, "use one of"},
		{"unknown column", "a,b\n1,2\n", format.CSVOptions{Types: []arrow.Field{{Name: "c", Type: p.Int8}}}, `there is no column "c"; there are "a", "b"`},
		{"named twice", "a,b\n1,2\n", format.CSVOptions{Types: []arrow.Field{{Name: "a", Type: p.Int8}, {Name: "a", Type: p.Int8}}}, `names column "a" twice`},
		{"type", "a,b\n1,2\n", typed(arrow.ListOf(p.Int8)), "use one of bool, the integers"},
		{"nil type", "a,b\n1,2\n", typed(nil), "use one of bool, the integers"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := readText(t, csv.Format, []byte(c.text), format.Options{CSV: c.o})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// readText opens a text that may be anything, and reads all columns at once and each alone.
func readText(t testing.TB, f format.Format, text []byte, o format.Options) (rows int, err error) {
	t.Helper()
	defer func() {
		if err != nil && strings.Contains(err.Error(), "is malformed") {
			t.Errorf("a panic: %v", err)
		}
	}()
	file, err := format.Open(t.Context(), f, format.Memory("x.csv", text), o)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	var columns []int
	for i := range file.Schema.NumFields() {
		if _, err := file.Read(t.Context(), []int{i}, 0, file.Rows); err != nil {
			return 0, err
		}
		columns = append(columns, i)
	}
	_, err = file.Read(t.Context(), columns, 0, file.Rows)
	return file.Rows, err
}

// TestFirstErrorWins: of many wrong records the first is told, however many threads look.
func TestFirstErrorWins(t *testing.T) {
	leak.Check(t)
	text := []byte("a,b\n" + strings.Repeat("1,2\n", 500) + strings.Repeat("1\n", 500))
	for range 20 {
		if _, err := readText(t, csv.Steps(16), text, format.Options{}); err == nil || !strings.Contains(err.Error(), "row 500 (line 502, byte 2004)") {
			t.Fatal(err)
		}
	}
}

// TestReal reads a file that others made; the sums were made by awk, in tenths.
func TestReal(t *testing.T) {
	leak.Check(t)
	path := filepath.Join("..", "..", "examples", "data", "seattle-weather.csv") // NOTICE says whose it is
	for _, step := range []int{100, 1 << 20} {
		for _, copying := range []bool{false, true} {
			o := format.Options{Copy: copying}
			in, err := format.OpenLocal(path, o)
			if err != nil {
				t.Fatal(err)
			}
			f, err := format.Open(t.Context(), csv.Steps(step), in, o)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(f.Schema); f.Rows != 1461 || !strings.Contains(got, "weather: type=utf8") || !strings.Contains(got, "date: type=date32") {
				t.Errorf("%d rows of %s", f.Rows, got)
			}
			got, err := f.Read(t.Context(), []int{1, 2, 3, 4, 5, 0}, 0, f.Rows)
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range []int{44260, 240175, 120310, 47353} {
				sum := 0.0
				for _, v := range got[i].(*arrowarray.Float64).Float64Values() {
					sum += math.Round(10 * v)
				}
				if int(sum) != want {
					t.Errorf("column %d: %v tenths, want %d", i+1, sum, want)
				}
			}
			rainy := 0
			for i := range f.Rows {
				if got[4].(*arrowarray.String).Value(i) == "rain" {
					rainy++
				}
				if day := got[5].(*arrowarray.Date32).Value(i); day != arrow.Date32(15340+i) { // 2012-01-01 and on, without a gap
					t.Fatalf("row %d: day %d", i, day)
				}
			}
			if rainy != 641 {
				t.Errorf("%d days of rain", rainy)
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// zip is a member of gzip.
func zip(t testing.TB, text []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestGzip: members one after the other are one text; a bomb, a cut file and a wrong sum are errors.
func TestGzip(t *testing.T) {
	leak.Check(t)
	data := append(zip(t, []byte("a,b\n1,2\n3,")), zip(t, []byte("4\n5,6\n"))...)
	f := open(t, "x.csv.gz", string(data), format.Options{})
	if got, want := show(t, f), "a:int64 b:int64 / 1 2 / 3 4 / 5 6"; got != want || f.Compression != "gzip" {
		t.Errorf("got %q, want %q", got, want)
	}
	again := open(t, "x.csv.gz", string(data), format.Options{Index: f.Index})
	if got, want := show(t, again), show(t, f); got != want {
		t.Errorf("by its index %q, want %q", got, want)
	}
	bomb := zip(t, append([]byte("a,b\n"), bytes.Repeat([]byte("1,2\n"), 16<<20)...))
	if _, err := readText(t, csv.Format, bomb, format.Options{Budget: 1 << 20}); err == nil || !strings.Contains(err.Error(), "more than the budget of 1048576 bytes") {
		t.Error(err)
	}
	many := bytes.Repeat(zip(t, bytes.Repeat([]byte("1,2\n"), 1<<16)), 64)
	if _, err := readText(t, csv.Format, many, format.Options{Budget: 1 << 20}); err == nil || !strings.Contains(err.Error(), "more than the budget") {
		t.Error(err)
	}
	if rows, err := readText(t, csv.Format, many, format.Options{}); rows != 64<<16 || err != nil {
		t.Errorf("%d rows, %v", rows, err)
	}
	broken := bytes.Clone(data)
	broken[len(broken)-6] ^= 1
	if _, err := readText(t, csv.Format, broken, format.Options{}); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Error(err)
	}
	formattest.Hostile(t, csv.Format, "x.csv.gz", zip(t, bytes.Repeat([]byte("a,b\n1,2\n"), 50)), 1)
}
