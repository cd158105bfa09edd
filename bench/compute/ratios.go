package compute

import (
	"fmt"
	"slices"
	"strings"

	"github.com/darray-go/darray/bench/report"
)

// What ratios are of.
const (
	ofBest  = "best"  // of the rivals
	ofLimit = "limit" // of the machine
)

// ratios compares ours with the best rival and with the machine's limit, each with as many threads.
func (r *run) ratios() {
	byName := make(map[string]*contender)
	for _, c := range r.contenders {
		byName[c.name] = c
	}
	for _, row := range r.report.Rows {
		c := byName[row.By]
		if c == nil || c.side != ours {
			continue
		}
		for of, s := range map[string]side{ofBest: rival, ofLimit: limit} {
			r.report.Compare(row, of, func(by string) bool {
				other := byName[by]
				return other != nil && other.side == s && other.threads == c.threads
			})
		}
		slices.SortFunc(row.Over, func(a, b report.Ratio) int { return strings.Compare(a.Of, b.Of) })
	}
}

// style is how a suite's table looks: without columns in which no row says anything.
func (r *Result) style() report.Style {
	rate, limit := "GB/s", "the machine's time (STREAM)"
	if slices.ContainsFunc(r.Rows, func(row *report.Row) bool { return row.Flops > 0 }) {
		rate = "GFLOP/s"
	}
	if r.Suite == "gpu" {
		rate, limit = "GB, GFLOP/s", "the time of a copy of as many bytes in the GPU's memory"
	}
	s := report.Style{
		Title: title,
		Note: "of best is our time in that of the fastest rival, by medians and by minima: below 1 we are faster. of limit is " + limit + " in ours.\n" +
			"On a busy machine the minima say most.",
	}
	for _, c := range []report.Column{
		{Head: rate, Cell: func(row *report.Row) string { return report.Digits(row.Rate()) }},
		{Head: "of best", Cell: func(row *report.Row) string { return times(row.Ratio(ofBest).Median, row.Ratio(ofBest).Than) }},
		{Head: "min of best", Cell: func(row *report.Row) string { return times(row.Ratio(ofBest).Min, row.Ratio(ofBest).MinThan) }},
		{Head: "of limit", Cell: func(row *report.Row) string { return percent(row.Ratio(ofLimit).Median) }},
		{Head: "min of limit", Cell: func(row *report.Row) string { return percent(row.Ratio(ofLimit).Min) }},
		{Head: "allocs", Cell: func(row *report.Row) string { return report.Digits(row.Allocs) }},
		{Head: "inexact", Cell: func(row *report.Row) string { return offBy(row.Inexact) }},
	} {
		if slices.ContainsFunc(r.Rows, func(row *report.Row) bool { return c.Cell(row) != "" }) {
			s.Columns = append(s.Columns, c)
		}
	}
	return s
}

// title says a case as people read it: "a + b, float64, n=1e+07, into".
func title(k report.Key) string {
	name := k.Case
	if known, ok := findKernel(k.Case); ok {
		name = known.title
	}
	return fmt.Sprintf("%s, %s, n=%s, %s", name, k.DType, size(k.N), k.Mode)
}

// size prints a number of elements: 512, 1e+07.
func size(n int) string {
	if n < 10_000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%.3g", float64(n))
}

func times(ratio float64, than string) string {
	if ratio == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f %s", ratio, than)
}

// percent prints 1/x in percent.
func percent(x float64) string {
	if x == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f %%", 100/x)
}

// offBy prints a relative error in percent.
func offBy(x float64) string {
	if x == 0 {
		return ""
	}
	return fmt.Sprintf("by %.2g %%", 100*x)
}
