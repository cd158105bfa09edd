package interop_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/format/parquet"
	"github.com/darray-go/darray/internal/leak"
)

func TestMain(m *testing.M) {
	darray.UseFormat(parquet.Format)
	os.Exit(m.Run())
}

// column is a column of a table, of values as text.
type column struct {
	Name   string
	Type   string
	Values []any
}

// expected is what make.mjs says of its files.
type expected struct {
	Every []column
	Long  []column // without values
	Files map[string]struct {
		Program, Table string
		Columns        []string
		Refused        string // part of the error, where it is not to be read
	}
}

func readExpected(t *testing.T, dir string) *expected {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	e := &expected{}
	if err := json.Unmarshal(b, e); err != nil {
		t.Fatal(err)
	}
	return e
}

// table gives named columns of a table.
func (e *expected) table(t *testing.T, name string, columns []string) []column {
	t.Helper()
	var out []column
	for _, want := range columns {
		switch name {
		case "long":
			out = append(out, long(want))
			continue
		case "every", "none":
		default:
			t.Fatalf("no table %q", name)
		}
		for _, c := range e.Every {
			if c.Name != want {
				continue
			}
			if name == "none" {
				c.Values = []any{}
			}
			out = append(out, c)
		}
	}
	if len(out) != len(columns) {
		t.Fatalf("columns %v are not all of table %q", columns, name)
	}
	return out
}

// longRows is the length of the table for files of several row groups.
const longRows = 2500

// long is a column of that table, as values.mjs has it.
func long(name string) column {
	c := column{Name: name, Values: make([]any, longRows)}
	for i := range c.Values {
		switch name {
		case "n":
			c.Values[i] = strconv.Itoa(i &^ 3)
		case "word":
			if i%11 != 5 {
				c.Values[i] = "w" + strconv.Itoa(i/16%37)
			}
		case "big":
			c.Values[i] = strconv.FormatBool(i >= 1000)
		}
	}
	return c
}

// local is a cluster for one test.
func local(t *testing.T, ranks int) *darray.Cluster {
	t.Helper()
	c, err := darray.Local(ranks)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// compare holds a frame against columns.
func compare(t *testing.T, f *darray.Frame, want []column) {
	t.Helper()
	r, err := local(t, 2).CollectFrame(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	if int(r.NumCols()) != len(want) || f.NumRows() != len(want[0].Values) {
		t.Fatalf("%d columns of %d rows, want %d of %d", r.NumCols(), f.NumRows(), len(want), len(want[0].Values))
	}
	for i, c := range want {
		if name := r.ColumnName(i); name != c.Name {
			t.Errorf("column %d is called %q, want %q", i, name, c.Name)
		}
		if got := r.Column(i).DataType(); c.Type != "" && !sameKind(got, c.Type) {
			t.Errorf("column %s is of %s, want %s", c.Name, got, c.Type)
		}
		if r.Column(i).DataType().ID() == arrow.FIXED_SIZE_LIST {
			c.Values = nullRows(c.Values)
		}
		if got := texts(r.Column(i)); !reflect.DeepEqual(got, c.Values) {
			t.Errorf("column %s of %s: %s", c.Name, r.Column(i).DataType(), difference(got, c.Values))
		}
	}
}

// sameKind reports whether a type is the one that a table says, as far as formats keep it: numbers by their sign and, but in text, by their
// width; moments by their zone.
func sameKind(got arrow.DataType, want string) bool {
	if stamp, ok := got.(*arrow.TimestampType); ok {
		_, zone, _ := strings.Cut(strings.TrimSuffix(want, "]"), "tz=")
		return strings.HasPrefix(want, "timestamp") && stamp.TimeZone == zone
	}
	switch id := got.ID(); {
	case got.String() == want || want == "uint64" && id == arrow.INT64:
		return true
	case id == arrow.BOOL || arrow.IsInteger(id) || arrow.IsFloating(id):
		return false
	case want == "bool" || strings.Contains(want, "int") && !strings.ContainsAny(want, "<(") || strings.HasPrefix(want, "float"):
		return false
	}
	return true
}

// nullRows has rows of nulls for rows that are null: columns of fixed-size lists are arrays of more axes here, which have null elements only.
func nullRows(values []any) []any {
	out := slices.Clone(values)
	for i, v := range out {
		if v == nil {
			out[i] = []any{nil, nil}
		}
	}
	return out
}

// difference says where two columns differ first.
func difference(got, want []any) string {
	for i := range min(len(got), len(want)) {
		if !reflect.DeepEqual(got[i], want[i]) {
			return fmt.Sprintf("row %d is %q, want %q", i, got[i], want[i])
		}
	}
	return fmt.Sprintf("%d values, want %d", len(got), len(want))
}

// TestTheirs: what other programs wrote reads as what they were given.
func TestTheirs(t *testing.T) {
	leak.Check(t)
	theirs(t, "testdata")
}

func theirs(t *testing.T, dir string) {
	e := readExpected(t, dir)
	if len(e.Files) == 0 {
		t.Fatal("no files")
	}
	for name, file := range e.Files {
		t.Run(name, func(t *testing.T) {
			want := e.table(t, file.Table, file.Columns)
			for _, o := range []darray.OpenOptions{{}, {Copy: true}} {
				o.CSV.Nulls = []string{""} // theirs; other words are text
				f, err := darray.OpenWith(context.Background(), o, filepath.Join(dir, name))
				if err != nil {
					t.Fatal(err)
				}
				if file.Refused == "" {
					compare(t, f, want)
				} else if _, err := local(t, 2).CollectFrame(t.Context(), f); err == nil || !strings.Contains(err.Error(), file.Refused) {
					t.Errorf("error %v, want one of %q", err, file.Refused)
				}
			}
		})
	}
}
