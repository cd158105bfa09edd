package bench

import (
	"fmt"

	"github.com/darray-go/darray/bench/report"
)

func newComparison(o CollectivesOptions) *report.Comparison {
	r := report.New("collectives", fmt.Sprintf("%d launches of each contender in turn, %d batches of at least %v in each; a run is the time of the slowest rank over a batch, divided by its calls",
		o.Launches, o.Repeat, o.Batch))
	r.Style = report.Style{
		Note:  "The last columns are times in those of C: above 1 is slower. On a busy machine the minima say most.",
		Title: func(k report.Key) string { return fmt.Sprintf("%s, %d ranks", title(k.Case), k.Ranks) },
		Columns: []report.Column{
			{Head: "GB/s", Cell: func(row *report.Row) string { return report.Digits(row.Rate()) }},
			{Head: "CPU s/GB", Cell: func(row *report.Row) string { return report.Digits(row.CPUPerGB) }},
			{Head: "of c", Cell: func(row *report.Row) string { return report.Digits(row.Ratio("c").Median) }},
			{Head: "min of c", Cell: func(row *report.Row) string { return report.Digits(row.Ratio("c").Min) }},
			{Head: "of c-tcp", Cell: func(row *report.Row) string { return report.Digits(row.Ratio("c-tcp").Median) }},
		},
	}
	return r
}

// summarise fills in what follows from the runs, with the ratios to the C program over shared memory and over TCP.
func summarise(r *report.Comparison) {
	r.Summarise()
	for _, row := range r.Rows {
		for _, rival := range []string{"c", "c-tcp"} {
			r.Compare(row, rival, func(by string) bool { return by == rival })
		}
	}
}
