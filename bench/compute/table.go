package compute

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/darray-go/darray/bench/report"
)

// sheet is the cases of one set in one type, size and mode: a table of the report.
type sheet struct {
	set   string
	key   report.Key // without the case
	cases []string
}

// sheets are a set's, and within it by type, size and mode.
func (r *Result) sheets() []*sheet {
	suite, err := FindSuite(r.Suite)
	if err != nil {
		return nil
	}
	var all []*sheet
	for _, set := range suite.Sets {
		var own []*sheet
		for _, row := range r.Rows {
			if !slices.Contains(set.Cases, row.Case) {
				continue
			}
			key := row.Key
			key.Case = ""
			i := slices.IndexFunc(own, func(s *sheet) bool { return s.key == key })
			if i < 0 {
				i = len(own)
				own = append(own, &sheet{set: set.Name, key: key})
			}
			if !slices.Contains(own[i].cases, row.Case) {
				own[i].cases = append(own[i].cases, row.Case)
			}
		}
		slices.SortStableFunc(own, func(a, b *sheet) int {
			return cmp.Or(strings.Compare(b.key.DType, a.key.DType), a.key.N-b.key.N, strings.Compare(a.key.Mode, b.key.Mode))
		})
		all = append(all, own...)
	}
	return all
}

// row is what a contender measured, or nil.
func (r *Result) row(s *sheet, name, by string) *report.Row {
	key := s.key
	key.Case = name
	i := slices.IndexFunc(r.Rows, func(row *report.Row) bool { return row.Key == key && row.By == by })
	if i < 0 || len(r.Rows[i].Runs) == 0 {
		return nil
	}
	return r.Rows[i]
}

// perElement is a time in ns, divided by the elements.
func perElement(seconds float64, n int) float64 { return seconds * 1e9 / float64(n) }

// writeTables prints a line a case: ours, the rivals' medians, and how they compare.
func (r *Result) writeTables(p *report.Printer) {
	p.F("\nTimes are ns an element; those of rivals are medians. of best is our time in that of the fastest rival, by medians and by minima:\n" +
		"below 1 we are faster. On a busy machine the minima say most. - is a case that a contender does not have.\n")
	for _, s := range r.sheets() {
		r.writeSheet(p, s)
	}
}

func (r *Result) writeSheet(p *report.Printer, s *sheet) {
	p.F("\n%s, %s, n=%s, %s\n%-17s", s.set, s.key.DType, size(s.key.N), s.key.Mode, "")
	for _, c := range r.Contenders {
		if c.Name == "darray" {
			p.F(" %8s %8s %8s", c.Name, "min", "max")
			continue
		}
		p.F(" %8s", c.Name)
	}
	p.F(" %16s %16s\n", "of best", "min of best")
	var medians, minima []float64
	for _, name := range s.cases {
		line := fmt.Sprintf("%-17s", name)
		var best report.Ratio
		for _, c := range r.Contenders {
			row := r.row(s, name, c.Name)
			switch {
			case c.Name == "darray" && row == nil:
				line += fmt.Sprintf(" %8s %8s %8s", "-", "", "")
			case c.Name == "darray":
				best = row.Ratio(ofBest)
				line += fmt.Sprintf(" %8s %8s %8s", nanos(row.Median, row.N), nanos(row.Min, row.N), nanos(row.Max, row.N))
			case row == nil:
				line += fmt.Sprintf(" %8s", "-")
			case row.Inexact > 0:
				line += fmt.Sprintf(" %8s", "inexact")
			default:
				line += fmt.Sprintf(" %8s", nanos(row.Median, row.N))
			}
		}
		line += fmt.Sprintf(" %16s %16s", times(best.Median, best.Than), times(best.Min, best.MinThan))
		p.F("%s\n", strings.TrimRight(line, " "))
		if best.Median > 0 {
			medians, minima = append(medians, best.Median), append(minima, best.Min)
		}
	}
	if len(medians) > 1 {
		p.F("of best: geometric mean %.2f by medians, %.2f by minima; greatest %.2f and %.2f\n",
			geometricMean(medians), geometricMean(minima), slices.Max(medians), slices.Max(minima))
	}
}

func nanos(seconds float64, n int) string { return report.Digits(perElement(seconds, n)) }

// geometricMean is that of ratios: being twice as fast and half as fast make 1.
func geometricMean(xs []float64) float64 {
	sum := 0.0
	for _, x := range xs {
		sum += math.Log(x)
	}
	return math.Exp(sum / float64(len(xs)))
}
