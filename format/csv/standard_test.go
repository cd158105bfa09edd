package csv_test

import (
	"bytes"
	standard "encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"

	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/format/csv"
	"github.com/darray-go/darray/internal/leak"
)

// byStandard is the records of a text as encoding/csv reads them. Where counts differ it is an error, as it is here.
func byStandard(text []byte, comma rune) ([][]string, error) {
	r := standard.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))))
	r.Comma = comma
	return r.ReadAll()
}

// byFormat is the records that a format reads as strings, without a header and without nulls.
func byFormat(t testing.TB, f format.Format, text []byte, comma rune, spans ...[2]int) ([][]string, error) {
	t.Helper()
	in := format.Memory("x.csv", text)
	o := format.Options{CSV: format.CSVOptions{NoHeader: true, Comma: comma, Nulls: []string{}}}
	first, err := byStandard(text, comma)
	if err == nil && len(first) > 0 {
		for i := range first[0] {
			o.CSV.Types = append(o.CSV.Types, arrow.Field{Name: fmt.Sprintf("column%d", i), Type: arrow.BinaryTypes.String})
		}
	}
	file, err := format.Open(t.Context(), f, in, o)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	for i, field := range file.Schema.Fields() {
		if len(o.CSV.Types) <= i { // the standard refuses the text; so must Read, whatever the types
			o.CSV.Types = append(o.CSV.Types, arrow.Field{Name: field.Name, Type: arrow.BinaryTypes.String})
		}
	}
	if len(spans) == 0 {
		spans = [][2]int{{0, file.Rows}}
	}
	columns := make([]int, file.Schema.NumFields())
	for i := range columns {
		columns[i] = i
	}
	var rows [][]string
	for _, s := range spans {
		arrays, err := file.Read(t.Context(), columns, s[0], min(s[1], file.Rows))
		if err != nil {
			return nil, err
		}
		for i := range arrays[0].Len() {
			row := make([]string, len(arrays))
			for c, a := range arrays {
				if s, ok := a.(*arrowarray.String); ok {
					row[c] = s.Value(i)
				} else {
					row[c] = a.ValueStr(i)
				}
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// sameRecords compares records; the standard makes \r\n within quotes \n, here it stays.
func sameRecords(got, want [][]string) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d records, want %d: %.300q, want %.300q", len(got), len(want), got, want)
	}
	for i := range want {
		for c := range want[i] {
			if g := strings.ReplaceAll(got[i][c], "\r\n", "\n"); len(got[i]) != len(want[i]) || g != want[i][c] {
				return fmt.Errorf("record %d: %.300q, want %.300q", i, got[i], want[i])
			}
		}
	}
	return nil
}

// randomText is records of random fields; where loose, also with what may break the grammar.
func randomText(r *rand.Rand, comma string, loose bool, most int) []byte {
	var out bytes.Buffer
	ends := []string{"\n", "\r\n", "\n\n", "\r\n\r\n", "\n\r\n"}
	end := ends[r.IntN(len(ends))]
	columns, records := 1+r.IntN(4), r.IntN(most)
	quotes := r.IntN(5)
	fields := []string{"", "a", "12", "-1.5", "two words", "größe", " x ", strings.Repeat("long", 1+r.IntN(30)), "x\ry"}
	inside := []string{"", "a", comma, "\n", "\r\n", `""`, "\r", `""""`, "\n\n", comma + comma, `"",""`, "\n\r\n", "größe", strings.Repeat("z", r.IntN(70))}
	for range records {
		for c := range columns {
			if c > 0 {
				out.WriteString(comma)
			}
			if r.IntN(5) >= quotes {
				out.WriteString(fields[r.IntN(len(fields))])
				continue
			}
			out.WriteByte('"')
			for range r.IntN(4) {
				out.WriteString(inside[r.IntN(len(inside))])
			}
			out.WriteByte('"')
		}
		if loose && r.IntN(most) == 0 {
			out.WriteString([]string{`"`, comma, "\r", `""`, "\n", "x"}[r.IntN(6)])
		}
		if r.IntN(4) == 0 {
			end = ends[r.IntN(len(ends))]
		}
		out.WriteString(end)
	}
	if r.IntN(3) == 0 {
		return bytes.TrimRight(out.Bytes(), "\r\n")
	}
	return out.Bytes()
}

// TestAgainstStandard reads random texts as encoding/csv does, whatever the steps of the index are, whole and row by row.
func TestAgainstStandard(t *testing.T) {
	leak.Check(t)
	r := rand.New(rand.NewPCG(1, 2))
	read, refused := 0, 0
	for n := range 6000 {
		comma := []string{",", "\t", ";", "|"}[r.IntN(4)]
		most := 30
		if n%200 == 0 { // beyond what is looked at at once
			most = 3000
		}
		text := randomText(r, comma, n%2 == 1, most)
		want, wantErr := byStandard(text, rune(comma[0]))
		if len(want) == 0 && wantErr == nil {
			continue // a file without records is an error
		}
		if bytes.Count(text, []byte{'\r'}) > 1 && !bytes.Contains(text, []byte{'\n'}) {
			continue // and so is one whose lines seem to end in \r
		}
		step := []int{1, 2, 3, 7, 64, 65, 1000, 1 << 20}[r.IntN(8)]
		var spans [][2]int
		switch r.IntN(3) {
		case 0:
			for i := range want {
				spans = append(spans, [2]int{i, i + 1})
			}
		case 1:
			at := r.IntN(len(want) + 1)
			spans = [][2]int{{0, at}, {at, at}, {at, len(want)}}
		}
		if wantErr != nil {
			spans = nil
		}
		got, err := byFormat(t, csv.Steps(step), text, rune(comma[0]), spans...)
		switch {
		case (err == nil) != (wantErr == nil):
			t.Fatalf("steps of %d, %q: %v, want %v", step, text, err, wantErr)
		case err != nil:
			refused++
			checkPlace(t, text, err, wantErr)
		default:
			read++
			if err := sameRecords(got, want); err != nil {
				t.Fatalf("steps of %d, %q: %v", step, text, err)
			}
		}
	}
	if read < 2000 || refused < 200 {
		t.Errorf("%d texts were read and %d refused", read, refused)
	}
}

// checkPlace: an error of quotes, or of a number of fields, names the line that the standard names.
func checkPlace(t *testing.T, text []byte, err, wantErr error) {
	t.Helper()
	var want *standard.ParseError
	if !errors.As(wantErr, &want) || errors.Is(wantErr, io.EOF) {
		t.Fatal(wantErr)
	}
	if !strings.Contains(err.Error(), "line ") && !strings.Contains(err.Error(), "first record") {
		t.Errorf("%q: %v names no line; the standard says %v", text, err, wantErr)
	}
	if errors.Is(wantErr, standard.ErrFieldCount) && strings.Contains(err.Error(), "fields, the first one") && !strings.Contains(err.Error(), fmt.Sprintf("(line %d,", want.StartLine)) {
		t.Errorf("%q: %v; the standard says %v", text, err, wantErr)
	}
}
