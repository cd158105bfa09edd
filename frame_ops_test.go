package darray_test

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/format/parquet"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
)

const weather = "examples/data/seattle-weather.csv"

// weatherRows are the file's records as the standard library reads them.
func weatherRows(t *testing.T) (names []string, rows [][]string) {
	t.Helper()
	file, err := os.Open(weather)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	all, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all[0], all[1:]
}

// onClusters runs a test over clusters of 1, 2 and 5 ranks.
func onClusters(t *testing.T, f func(t *testing.T, c *darray.Cluster)) {
	for _, p := range []int{1, 2, 5} {
		t.Run(fmt.Sprintf("ranks=%d", p), func(t *testing.T) {
			leak.Check(t)
			c, err := darray.Local(p)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			f(t, c)
		})
	}
}

// texts are a batch's values column by column.
func texts(r arrow.RecordBatch) map[string][]string {
	out := make(map[string][]string)
	for i, column := range r.Columns() {
		values := []string{}
		for k := range column.Len() {
			values = append(values, column.ValueStr(k))
		}
		out[r.ColumnName(i)] = values
	}
	return out
}

// TestFilter holds a filtered frame, with columns of all kinds, against the rows that another program's reader gives.
func TestFilter(t *testing.T) {
	names, rows := weatherRows(t)
	at := func(name string) int { return slices.Index(names, name) }
	want := make(map[string][]string)
	sum := 0.0
	for _, row := range rows {
		if hot, err := strconv.ParseFloat(row[at("temp_max")], 64); err != nil {
			t.Fatal(err)
		} else if hot <= 30 {
			continue
		}
		for i, name := range names {
			want[name] = append(want[name], strings.TrimSuffix(row[i], ".0"))
		}
		wind, _ := strconv.ParseFloat(row[at("wind")], 64)
		sum += wind
	}
	onClusters(t, func(t *testing.T, c *darray.Cluster) {
		f := open(t, weather)
		hot := f.Filter(darray.Greater(f.Col("temp_max"), 30))
		if n := hot.NumRows(); n >= 0 {
			t.Errorf("%d rows before it was run", n)
		}
		got, err := c.CollectFrame(t.Context(), hot)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"date", "weather", "temp_max", "wind"} {
			if have := texts(got)[name]; !slices.Equal(have, want[name]) {
				t.Errorf("%s is %v, want %v", name, have, want[name])
			}
		}
		blocks, err := c.Collect(t.Context(), darray.Sum(hot.Col("wind")), darray.Count(hot.Col("date").Cast(darray.Int64)), darray.Mean(darray.Subtract(hot.Col("wind"), darray.Mean(hot.Col("wind")))))
		if err != nil {
			t.Fatal(err)
		}
		if s, _ := darray.Values[float64](blocks[0]); s[0] < sum-1e-9 || s[0] > sum+1e-9 { // another order of adding
			t.Errorf("sum %v, want %v", s[0], sum)
		}
		if n, _ := darray.Values[int64](blocks[1]); n[0] != int64(len(want["date"])) {
			t.Errorf("%d rows, want %d", n[0], len(want["date"]))
		}
		// A filter of what another has left, and rows of that.
		windy := hot.Filter(darray.Greater(hot.Col("wind"), 3)).With("twice", darray.Array.Filter(darray.Multiply(hot.Col("wind"), 2), darray.Greater(hot.Col("wind"), 3)))
		if got, err = c.CollectFrame(t.Context(), windy.Slice(2, 5)); err != nil {
			t.Fatal(err)
		}
		var dates []string
		for i, w := range want["wind"] {
			if v, _ := strconv.ParseFloat(w, 64); v > 3 {
				dates = append(dates, want["date"][i])
			}
		}
		if have := texts(got)["date"]; !slices.Equal(have, dates[2:5]) {
			t.Errorf("dates %v, want %v", have, dates[2:5])
		}
	})
}

// TestSlice: rows by number, of files, data and what is computed; only these are read.
func TestSlice(t *testing.T) {
	_, rows := weatherRows(t)
	onClusters(t, func(t *testing.T, c *darray.Cluster) {
		f := open(t, weather)
		f = f.With("running", darray.CumSum(f.Col("wind"))).With("n", darray.Arange(0, f.NumRows(), 1))
		for _, s := range [][2]int{{0, 3}, {700, 705}, {1460, 9999}, {5, 5}, {2000, 3000}} {
			part := f.Slice(s[0], s[1])
			lo, hi := min(s[0], len(rows)), min(s[1], len(rows))
			if part.NumRows() != hi-lo {
				t.Errorf("rows %v are %d", s, part.NumRows())
			}
			got, err := c.CollectFrame(t.Context(), part)
			if err != nil {
				t.Fatal(err)
			}
			whole, err := c.CollectFrame(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			for i := range got.NumCols() {
				want := arrowarray.NewSlice(whole.Column(int(i)), int64(lo), int64(hi))
				if !arrowarray.Equal(got.Column(int(i)), want) {
					t.Errorf("rows %v of %s are %v, want %v", s, got.ColumnName(int(i)), got.Column(int(i)), want)
				}
			}
			if hi > lo && texts(got)["date"][0] != rows[lo][0] {
				t.Errorf("row %d is of %s, want %s", lo, texts(got)["date"][0], rows[lo][0])
			}
		}
		for _, bad := range []*darray.Frame{f.Slice(3, 2), f.Slice(-1, 2), f.Head(-1)} {
			if _, err := c.CollectFrame(t.Context(), bad); !errors.Is(err, darray.ErrShape) || !strings.Contains(err.Error(), "frame_ops_test.go") {
				t.Errorf("error %v", err)
			}
		}
	})
}

// TestCarriedColumns: what arrays do not compute with is named with its type wherever that is tried.
func TestCarriedColumns(t *testing.T) {
	leak.Check(t)
	f := open(t, weather)
	for _, a := range []darray.Array{
		f.Col("weather"), darray.Add(f.Col("weather"), 1), darray.Sum(f.Col("weather")), f.Col("weather").Cast(darray.Int64), f.Col("date").Cast(darray.Float64),
		darray.Equal(f.Col("weather"), f.Col("wind")), f.Col("weather").Reshape(1461, 1), darray.Matmul(f.Col("weather"), f.Col("wind")),
		darray.CumSum(f.Col("weather")), f.With("w", darray.Add(f.Col("weather"), 1)).Col("w"), f.Filter(f.Col("weather")).Col("wind"),
	} {
		_, err := a.Collect()
		if !errors.Is(err, darray.ErrDType) || !strings.Contains(err.Error(), "weather") && !strings.Contains(err.Error(), `"date" is date32`) {
			t.Errorf("error %v", err)
		}
	}
	if _, err := f.With("w", darray.Add(f.Col("weather"), 1)).Collect(); !errors.Is(err, darray.ErrDType) {
		t.Errorf("a frame with an error as a column: %v", err)
	}
	days, err := darray.Min(f.Col("date").Cast(darray.Int64)).Collect()
	if err != nil || days.ItemString(0) != "15340" { // date(2012, 1, 1) - date(1970, 1, 1)
		t.Errorf("%v, %v", days, err)
	}
	renamed, err := f.Select("date").With("sky", f.Col("weather")).Head(2).Collect()
	if err != nil {
		t.Fatal(err)
	}
	if got := texts(renamed); !slices.Equal(got["sky"], []string{"drizzle", "rain"}) || !slices.Equal(got["date"], []string{"2012-01-01", "2012-01-02"}) {
		t.Errorf("%v", got)
	}
}

// TestFolders: files of a tree are one table in the order of their names, and folders called key=value columns of it.
func TestFolders(t *testing.T) {
	dir := t.TempDir()
	f := open(t, weather)
	for i, year := range []string{"2012", "2013", "2014"} {
		folder := filepath.Join(dir, "year="+year, "kind=a%20b")
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := f.Slice(i*366, i*366+10+i).Write(filepath.Join(folder, "part.arrow")); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "_notes"), []byte("no data"), 0o600); err != nil {
		t.Fatal(err)
	}
	onClusters(t, func(t *testing.T, c *darray.Cluster) {
		all := open(t, dir)
		if all.NumRows() != 33 || !slices.Contains(all.Names(), "year") {
			t.Fatalf("%d rows of %v", all.NumRows(), all.Names())
		}
		late := all.Filter(darray.GreaterEqual(all.Col("year"), 2013))
		if late.NumRows() == 33 {
			t.Error("nothing is left out")
		}
		r, err := c.CollectFrame(t.Context(), late)
		if err != nil {
			t.Fatal(err)
		}
		got := texts(r)
		if r.NumRows() != 23 || got["year"][0] != "2013" || got["year"][22] != "2014" || got["kind"][0] != "a b" || got["date"][0] != "2013-01-01" {
			t.Errorf("%d rows %v", r.NumRows(), got)
		}
	})
	some := open(t, filepath.Join(dir, "*", "*", "*.arrow"))
	if some.NumRows() != 33 {
		t.Errorf("the pattern gives %d rows", some.NumRows())
	}
	if _, err := darray.Open(filepath.Join(dir, "none*")); err == nil || !strings.Contains(err.Error(), "no file matches the pattern") {
		t.Errorf("error %v", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "month=1"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := f.Head(1).Write(filepath.Join(dir, "month=1", "x.arrow")); err != nil {
		t.Fatal(err)
	}
	if _, err := darray.Open(dir); err == nil || !strings.Contains(err.Error(), "name the same keys") {
		t.Errorf("error %v", err)
	}
}

// TestPrune: statistics of files spare reading row groups, and change no result.
func TestPrune(t *testing.T) {
	darray.UseFormat(parquet.Format)
	path := filepath.Join(t.TempDir(), "x.parquet")
	n := 10_000
	ids := darray.Arange(0, n, 1)
	f := (&darray.Frame{}).With("id", ids).With("x", darray.Divide(ids, 4)).With("small", ids.Cast(darray.Int16)).With("odd", darray.Equal(darray.Remainder(ids, 2), 1))
	if err := f.WriteWith(t.Context(), path, darray.WriteOptions{BatchRows: 1000}); err != nil {
		t.Fatal(err)
	}
	onClusters(t, func(t *testing.T, c *darray.Cluster) {
		f := open(t, path)
		id, x := f.Col("id"), f.Col("x")
		for _, tt := range []struct {
			mask darray.Array
			rows int // that are looked at; all columns must be
			sum  int
		}{
			{darray.Greater(id, 8999), 1000, 9499500},
			{darray.Greater(id, 8998), 2000, 9508499},
			{darray.Less(5, id), n, 49994985},
			{darray.LogicalAnd(darray.GreaterEqual(id, 1500), darray.Less(x, 500)), 1000, 874750},
			{darray.LogicalOr(darray.Less(id, 10), darray.Equal(x, 2400)), 2000, 9645},
			{darray.LogicalAnd(darray.Less(id, 10), f.Col("odd")), 1000, 25},
			{darray.Less(id, 0), 0, 0},
			{darray.Equal(darray.Add(id, 1), 5), n, 4},
			{darray.Equal(id, 4.5), 1000, 0},
		} {
			part := f.Filter(tt.mask)
			plan, err := c.Explain(t.Context(), darray.Sum(part.Col("id")))
			if err != nil {
				t.Fatal(err)
			}
			blocks, err := c.Collect(t.Context(), darray.Sum(part.Col("id")))
			if err != nil {
				t.Fatal(err)
			}
			if got := blocks[0].ItemString(0); got != strconv.Itoa(tt.sum) {
				t.Errorf("the sum is %s, want %d\n%s", got, tt.sum, plan)
			}
			if got := rowsRead(plan); got != tt.rows {
				t.Errorf("%d rows are read, want %d\n%s", got, tt.rows, plan)
			}
		}
	})
}

// rowsRead is how many rows of the first column a plan reads.
func rowsRead(p *darray.Plan) int {
	for _, s := range p.Steps {
		if strings.HasPrefix(s.String(), "read ") {
			return s.N
		}
	}
	return 0
}

// TestFilterSPMD: where every rank runs the program all of them learn how many rows there are.
func TestFilterSPMD(t *testing.T) {
	leak.Check(t)
	comms, err := comm.NewLocal(3)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for r, cm := range comms {
		all.Go(func() {
			defer cm.Close()
			c, err := darray.Over(cm)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			f, err := darray.Open(flights)
			if err != nil {
				t.Error(err)
				return
			}
			late := f.Filter(darray.Greater(f.Col("delay"), 100))
			blocks, err := c.Collect(context.Background(), darray.Sum(late.Col("delay")), late.Slice(1, 3).Col("distance"))
			if err != nil {
				t.Errorf("rank %d: %v", r, err)
				return
			}
			batch, err := c.CollectFrame(context.Background(), late.Head(3))
			if err != nil {
				t.Errorf("rank %d: %v", r, err)
				return
			}
			if r > 0 {
				if blocks != nil || batch != nil {
					t.Errorf("rank %d has %v, %v", r, blocks, batch)
				}
				return
			}
			if blocks[0].ItemString(0) != "643325" || fmt.Sprint(blocks[1]) != "[491 145]" || batch.NumRows() != 3 {
				t.Errorf("%v, %v", blocks, batch)
			}
		})
	}
	all.Wait()
}
