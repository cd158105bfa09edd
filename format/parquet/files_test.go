package parquet_test

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"

	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/format/parquet"
	"github.com/darray-go/darray/internal/leak"
)

// TestFiles reads files of other programs; testdata/make.mjs made them, and what they hold as texts.
func TestFiles(t *testing.T) {
	leak.Check(t)
	for _, program := range []string{"duckdb", "polars"} {
		raw, err := os.ReadFile(filepath.Join("testdata", program+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var want map[string][]*string
		if err := json.Unmarshal(raw, &want); err != nil {
			t.Fatal(err)
		}
		names, err := filepath.Glob(filepath.Join("testdata", program+"*.parquet"))
		if err != nil || len(names) < 5 {
			t.Fatalf("%d files, %v", len(names), err)
		}
		for _, name := range names {
			for _, o := range []format.Options{{}, {Copy: true}} {
				t.Run(filepath.Base(name), func(t *testing.T) { checkFile(t, name, o, want) })
			}
		}
	}
}

func checkFile(t *testing.T, name string, o format.Options, want map[string][]*string) {
	in, err := format.OpenLocal(name, o)
	if err != nil {
		t.Fatal(err)
	}
	file, err := format.Open(t.Context(), parquet.Format, in, o)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if file.Schema.NumFields() != len(want) {
		t.Fatalf("columns %s", file.Schema)
	}
	if !strings.Contains(name, strings.TrimSuffix(file.Compression, "_raw")) {
		t.Errorf("compression %q", file.Compression)
	}
	for i, f := range file.Schema.Fields() {
		texts := want[f.Name]
		if file.Rows != len(texts) {
			t.Fatalf("%d rows, want %d", file.Rows, len(texts))
		}
		for _, lo := range []int{0, 1, 17, 39} {
			got := read(t, file, i, lo, file.Rows)
			for k := range got.Len() {
				if w := texts[lo+k]; got.IsNull(k) != (w == nil) || w != nil && !means(t, got, k, *w) {
					t.Errorf("%s %s, row %d: %s, want %v", f.Name, f.Type, lo+k, got.ValueStr(k), w)
				}
			}
		}
		checkBounds(t, file, i)
	}
}

// means compares a value with its text.
func means(t *testing.T, a arrow.Array, i int, want string) bool {
	t.Helper()
	switch a := a.(type) {
	case *arrowarray.Float32:
		return sameFloat(t, float64(a.Value(i)), want, 32)
	case *arrowarray.Float64:
		return sameFloat(t, a.Value(i), want, 64)
	case *arrowarray.Date32:
		return strconv.Itoa(int(a.Value(i))) == want
	case *arrowarray.Time64:
		return strconv.Itoa(int(a.Value(i))) == want
	case *arrowarray.Timestamp:
		v := int(a.Value(i))
		if a.DataType().(*arrow.TimestampType).Unit == arrow.Millisecond {
			v *= 1000
		}
		return strconv.Itoa(v) == want
	case *arrowarray.Decimal128:
		return a.Value(i).ToString(a.DataType().(*arrow.Decimal128Type).Scale) == want
	case *arrowarray.Binary:
		return strings.EqualFold(hex.EncodeToString(a.Value(i)), want)
	case arrowarray.ListLike, *arrowarray.Struct:
		raw, err := json.Marshal(a.GetOneForMarshal(i))
		if err != nil {
			t.Fatal(err)
		}
		var x, y any
		if json.Unmarshal(raw, &x) != nil || json.Unmarshal([]byte(want), &y) != nil {
			t.Fatalf("%s or %s is no JSON", raw, want)
		}
		return reflect.DeepEqual(x, y)
	}
	return a.ValueStr(i) == want
}

func sameFloat(t *testing.T, got float64, want string, bits int) bool {
	t.Helper()
	w, err := strconv.ParseFloat(want, bits)
	if err != nil {
		t.Fatal(err)
	}
	return math.Float64bits(got) == math.Float64bits(w) || got != got && w != w
}
