package interop_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/internal/leak"
)

// flights is 3 million rows of vega-datasets 3.2.1 in 11 row groups.
func flights(t *testing.T) (*darray.Frame, string) {
	t.Helper()
	path := filepath.Join(packages(), "node_modules/vega-datasets/data/flights-3m.parquet")
	if _, err := os.Stat(path); err != nil {
		t.Skipf(install, err)
	}
	f, err := darray.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return f, path
}

// sums are computed on any number of ranks.
func sums(t *testing.T, ranks int, arrays ...darray.Array) []string {
	t.Helper()
	blocks, err := local(t, ranks).Collect(t.Context(), arrays...)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]string, len(blocks))
	for i, b := range blocks {
		v, _ := b.Scalar(0)
		out[i] = v.String()
	}
	return out
}

// TestFlights: sums that DuckDB gives too.
func TestFlights(t *testing.T) {
	leak.Check(t)
	f, path := flights(t)
	delay, distance := f.Col("delay"), f.Col("distance")
	wide := delay.Cast(darray.Int64)
	asked := fmt.Sprintf("SELECT sum(delay)::BIGINT a, sum(distance)::BIGINT b, sum(delay::BIGINT * distance)::BIGINT c FROM '%s'", path)
	want := []string{"20003603", "2194861208", "14046711902"}
	for i, c := range query(t, asked) {
		if c.Values[0] != want[i] {
			t.Errorf("DuckDB: sum %d is %v, want %s", i, c.Values[0], want[i])
		}
	}
	for ranks := 1; ranks <= 5; ranks++ {
		got := sums(t, ranks, darray.Sum(delay), darray.Sum(distance), darray.Sum(darray.Multiply(wide, distance)))
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%d ranks: %v, want %v", ranks, got, want)
		}
	}
}

// query asks DuckDB.
func query(t *testing.T, sql string) []column {
	t.Helper()
	got := read(t, []job{{Path: sql, Programs: []string{"sql"}}})[0]["sql"]
	if got.Error != "" {
		t.Fatal(got.Error)
	}
	return got.Columns
}

// june20 is 2001-06-20 in microseconds since 1970; the last of the row groups begins on June 14.
const june20 = 992995200 * 1_000_000

// TestFlightsWhere: filters leave the rows that DuckDB's WHERE leaves.
func TestFlightsWhere(t *testing.T) {
	leak.Check(t)
	f, path := flights(t)
	delay, distance := f.Col("delay"), f.Col("distance")
	day := f.Col("date").Cast(darray.Int64) // microseconds; they rise
	for _, filter := range []struct {
		where string
		mask  darray.Array
	}{
		{"delay > 15", darray.Greater(delay, 15)},
		{"delay < -20 AND distance >= 2000", darray.LogicalAnd(darray.Less(delay, -20), darray.GreaterEqual(distance, 2000))},
		{"delay < -60 OR distance > 4900", darray.LogicalOr(darray.Less(delay, -60), darray.Greater(distance, 4900))},
		{"date >= '2001-06-20'", darray.GreaterEqual(day, june20)},
		{"delay = 0", darray.Equal(delay, 0)},
		{"distance > 100000", darray.Greater(distance, 100000)},
	} {
		asked := fmt.Sprintf("SELECT count(*) n, coalesce(sum(delay), 0)::BIGINT a, coalesce(sum(distance), 0)::BIGINT b FROM '%s' WHERE %s", path, filter.where)
		var want []string
		for _, c := range query(t, asked) {
			want = append(want, c.Values[0].(string))
		}
		left := f.Filter(filter.mask)
		for _, ranks := range []int{1, 3} {
			got := sums(t, ranks, darray.Count(left.Col("delay")), darray.Sum(left.Col("delay")), darray.Sum(left.Col("distance")))
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s on %d ranks: %v, DuckDB says %v", filter.where, ranks, got, want)
			}
		}
	}
}

// TestFlightsSkipped: ten of eleven row groups are not read where their dates are too early.
func TestFlightsSkipped(t *testing.T) {
	leak.Check(t)
	f, _ := flights(t)
	left := f.Filter(darray.GreaterEqual(f.Col("date").Cast(darray.Int64), june20))
	plan, err := local(t, 2).Explain(t.Context(), left.Col("delay"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(plan.String(), "delay block(2) 2.1 MiB") { // 272730 values
		t.Errorf("the plan reads more than the last row group:\n%s", plan)
	}
}

// TestSkipped: a filter on a column that rises leaves the row groups alone that it cannot mean.
func TestSkipped(t *testing.T) {
	leak.Check(t)
	c := local(t, 2)
	for _, name := range []string{"duckdb-groups-v1.parquet", "duckdb-groups-v2.parquet", "polars-groups.parquet"} {
		f, err := darray.Open(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		info, err := darray.Info(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		last := info.Batches[len(info.Batches)-1]
		left := f.Filter(darray.GreaterEqual(f.Col("n"), longRows-last))
		r, err := c.CollectFrame(t.Context(), left)
		if err != nil {
			t.Fatal(err)
		}
		if first := text(r.Column(0), 0); len(info.Batches) < 2 || int(r.NumRows()) != last || first != strconv.Itoa(longRows-last) {
			t.Errorf("%s: %d row groups, %d rows from %s, want %d", name, len(info.Batches), r.NumRows(), first, last)
		}
		plan, err := c.Explain(t.Context(), left.Col("n"))
		if err != nil {
			t.Fatal(err)
		}
		if all := fmt.Sprintf(": %d elements", last); !strings.Contains(plan.String(), all) {
			t.Errorf("%s: the plan does not read %d rows:\n%s", name, last, plan)
		}
	}
}
