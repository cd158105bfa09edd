package compute

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/darray-go/darray/bench/report"
)

// Result is what a suite measured.
type Result struct{ *report.Comparison }

// Read is a result that WriteJSON wrote.
func Read(path string) (*Result, error) {
	c, err := report.Read(path)
	if err != nil {
		return nil, err
	}
	r := &Result{c}
	if _, err := FindSuite(r.Suite); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// WriteText prints the times of every case, and then the ratios at a glance.
func (r *Result) WriteText(w io.Writer) error {
	p := report.NewPrinter(w)
	if manyCases(r.Suite) {
		r.WriteHead(p)
		r.writeTables(p)
	} else {
		r.Style = r.style()
		p.Err = r.Comparison.WriteText(w)
	}
	r.glance(p, ofBest, "Our time in that of the fastest rival, by medians (by minima); below 1 we are faster:", func(q report.Ratio) string {
		return fmt.Sprintf("%.2f (%.2f) %s", q.Median, q.Min, q.Than)
	})
	r.glance(p, ofLimit, "Share of the machine's limit that we reach, by medians (by minima):", func(q report.Ratio) string {
		return fmt.Sprintf("%s (%s)", percent(q.Median), percent(q.Min))
	})
	return p.Err
}

// glance prints one kind of ratio, a line a case and size, a column for each type and mode.
func (r *Result) glance(p *report.Printer, of, head string, cell func(report.Ratio) string) {
	type line struct {
		by, name string
		n        int
	}
	var lines []line
	var columns []string
	cells := make(map[line]map[string]string)
	for _, row := range r.Rows {
		ratio := row.Ratio(of)
		if ratio.Median == 0 {
			continue
		}
		l, column := line{row.By, row.Case, row.N}, row.DType+" "+row.Mode
		if !slices.Contains(columns, column) {
			columns = append(columns, column)
		}
		if cells[l] == nil {
			cells[l] = make(map[string]string)
			lines = append(lines, l)
		}
		cells[l][column] = cell(ratio)
	}
	if len(lines) == 0 {
		return
	}
	if manyCases(r.Suite) {
		slices.SortStableFunc(lines, func(a, b line) int { return a.n - b.n })
	}
	const wide = 22
	p.F("\n%s\n%-12s %-10s %8s", head, "", "", "n")
	for _, c := range columns {
		p.F(" %*s", wide, c)
	}
	p.F("\n")
	for _, l := range lines {
		text := fmt.Sprintf("%-12s %-10s %8s", l.name, l.by, size(l.n))
		for _, c := range columns {
			text += fmt.Sprintf(" %*s", wide, cells[l][c])
		}
		p.F("%s\n", strings.TrimRight(text, " "))
	}
}
