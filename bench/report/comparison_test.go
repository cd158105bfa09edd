package report_test

import (
	"strings"
	"testing"

	"github.com/darray-go/darray/bench/report"
)

// literal is a comparison of one case in which every ratio can be checked by head.
func literal() *report.Comparison {
	r := &report.Comparison{Suite: "tea", Machine: "a kettle", Go: "go", How: "by hand"}
	key := report.Key{Case: "add", DType: "float64", N: 10}
	for _, c := range []struct {
		by      string
		inexact float64
		runs    []float64
	}{
		{"ours", 0, []float64{3, 6, 4}},
		{"slow", 0, []float64{16, 8, 10}},
		{"steady", 0, []float64{5, 5, 5}},
		{"lucky", 0, []float64{9, 2, 9}},
		{"wrong", 0.5, []float64{1, 1, 1}},
	} {
		row := r.Row(key, c.by)
		row.Runs, row.Inexact, row.Bytes = c.runs, c.inexact, 8e9
	}
	r.Row(key, "never")
	r.Row(key, "unable").Unavailable = "not here"
	r.Row(report.Key{Case: "add", DType: "float64", N: 11}, "other").Runs = []float64{1}
	return r
}

func TestRatios(t *testing.T) {
	r := literal()
	r.Summarise()
	ours := r.Row(report.Key{Case: "add", DType: "float64", N: 10}, "ours")
	if ours.Min != 3 || ours.Median != 4 || ours.Max != 6 || ours.Rate() != 2 {
		t.Errorf("min %g, median %g, max %g, %g GB/s; want 3, 4, 6, 2", ours.Min, ours.Median, ours.Max, ours.Rate())
	}
	r.Compare(ours, "best", func(string) bool { return true })
	r.Compare(ours, "slow", func(by string) bool { return by == "slow" })
	r.Compare(ours, "nobody", func(string) bool { return false })
	for of, want := range map[string]report.Ratio{
		"best":   {Of: "best", Than: "steady", Median: 4.0 / 5, MinThan: "lucky", Min: 3.0 / 2},
		"slow":   {Of: "slow", Than: "slow", Median: 4.0 / 10, MinThan: "slow", Min: 3.0 / 8},
		"nobody": {},
	} {
		if got := ours.Ratio(of); got != want {
			t.Errorf("%s: %+v, want %+v", of, got, want)
		}
	}
	if n := len(r.Rows); n != 7 {
		t.Errorf("%d rows, want 7: the one without runs and reason goes", n)
	}
	ours.Flops = 12e9
	if got := ours.Rate(); got != 3 {
		t.Errorf("%g GFLOP/s, want 3", got)
	}
}

func TestText(t *testing.T) {
	r := literal()
	r.Summarise()
	r.Style = report.Style{
		Note: "note", Title: func(k report.Key) string { return k.Case },
		Columns: []report.Column{{Head: "GB/s", Cell: func(row *report.Row) string { return report.Digits(row.Rate()) }}},
	}
	var text strings.Builder
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\nnote\n                min     median        max     GB/s\n\nadd\nours         3.00 s     4.00 s     6.00 s        2\n",
		"unable   not here\n",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in\n%s", want, text.String())
		}
	}
}

func TestFigures(t *testing.T) {
	for x, want := range map[float64]string{0: "0.00 ns", 1.5e-9: "1.50 ns", 0.00123: "1.23 ms", 0.9996: "1.00 s", 12.34: "12.3 s", 250: "250 s"} {
		if got := report.Seconds(x); got != want {
			t.Errorf("%g s is %q, want %q", x, got, want)
		}
	}
	for x, want := range map[float64]string{0: "", 1: "1", 0.12345: "0.123", 99.6: "100", 1234.5: "1234"} {
		if got := report.Digits(x); got != want {
			t.Errorf("%g is %q, want %q", x, got, want)
		}
	}
	if got := report.Median([]float64{9, 1, 5}); got != 5 {
		t.Errorf("median %g, want 5", got)
	}
}
