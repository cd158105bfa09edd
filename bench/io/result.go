package files

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/darray-go/darray/bench/report"
)

// Result is what was measured.
type Result struct{ *report.Comparison }

// Read is a result that WriteJSON wrote.
func Read(path string) (*Result, error) {
	c, err := report.Read(path)
	if err != nil {
		return nil, err
	}
	if c.Suite != "io" {
		return nil, fmt.Errorf("%s: suite %q, not io; print it by `darray bench %s`", path, c.Suite, c.Suite)
	}
	return &Result{c}, nil
}

// ofLimit names the ratio to the machine's limit; the others have the rivals' names.
const ofLimit = "limit"

// ratios compares ours with each rival and with the limit.
func (r *run) ratios() {
	for _, row := range r.report.Rows {
		if row.By != ourName {
			continue
		}
		r.report.Compare(row, ofLimit, func(by string) bool { return by == byStream || by == byDisk })
		for _, name := range Rivals() {
			r.report.Compare(row, name, func(by string) bool { return by == name })
		}
	}
}

// WriteText prints the times of every case, and then all cases at a glance.
func (r *Result) WriteText(w io.Writer) error {
	titles := make(map[string]string)
	for _, c := range Cases() {
		titles[c.Name] = c.Title
	}
	r.Style = report.Style{
		Title: func(k report.Key) string { return titles[k.Case] },
		Note: "GB/s are of values, or of text where CSV is read. of limit is our share of the machine's: of what STREAM's sum over as many bytes in\n" +
			"memory gives for reading, of what the bare disk takes for writing. of duckdb and of polars are our time in theirs: below 1 we are faster.",
		Columns: []report.Column{
			{Head: "GB/s", Cell: func(row *report.Row) string { return report.Digits(row.Rate()) }},
			{Head: "of limit", Cell: func(row *report.Row) string { return share(row.Ratio(ofLimit).Median) }},
			{Head: "of duckdb", Cell: func(row *report.Row) string { return report.Digits(row.Ratio(byDuckDB).Median) }},
			{Head: "of polars", Cell: func(row *report.Row) string { return report.Digits(row.Ratio(byPolars).Median) }},
			{Head: "peak MB", Cell: func(row *report.Row) string { return megabytes(row.Peak) }},
			{Head: "file MB", Cell: func(row *report.Row) string { return megabytes(row.Stored) }},
		},
	}
	if err := r.Comparison.WriteText(w); err != nil {
		return err
	}
	p := report.NewPrinter(w)
	r.glance(p)
	return p.Err
}

// glance prints a line a case: rates, our time in those of others, and memory.
func (r *Result) glance(p *report.Printer) {
	cells := []struct {
		head, by string
		cell     func(*report.Row) string
	}{
		{ourName, ourName, rate},
		{"duckdb", byDuckDB, rate},
		{"polars", byPolars, rate},
		{"again", byAgain, rate},
		{byMmap, byMmap, rate},
		{"limit", byStream, rate},
		{"of limit", ourName, func(row *report.Row) string { return share(row.Ratio(ofLimit).Median) }},
		{"of duckdb (min)", ourName, func(row *report.Row) string { return ratio(row.Ratio(byDuckDB)) }},
		{"of polars (min)", ourName, func(row *report.Row) string { return ratio(row.Ratio(byPolars)) }},
		{"peak MB", ourName, peak},
		{"duckdb", byDuckDB, peak},
		{"polars", byPolars, peak},
	}
	widest := 0
	for _, c := range Cases() {
		widest = max(widest, len(c.Title))
	}
	p.F("\nAt a glance: GB/s by medians, our time in theirs by medians (by minima), and memory. - is a case that a contender does not have.\n%-*s", widest, "")
	for _, c := range cells {
		p.F(" %*s", wide(c.head), c.head)
	}
	p.F("\n")
	for _, known := range Cases() {
		rows := slices.DeleteFunc(slices.Clone(r.Rows), func(row *report.Row) bool { return row.Case != known.Name })
		if len(rows) == 0 {
			continue
		}
		line := fmt.Sprintf("%-*s", widest, known.Title)
		for _, c := range cells {
			i := slices.IndexFunc(rows, func(row *report.Row) bool {
				return len(row.Runs) > 0 && (row.By == c.by || c.by == byStream && row.By == byDisk)
			})
			text := "-"
			if i >= 0 {
				text = c.cell(rows[i])
			}
			line += fmt.Sprintf(" %*s", wide(c.head), text)
		}
		p.F("%s\n", strings.TrimRight(line, " "))
	}
}

func wide(head string) int { return max(8, len(head)) }

func rate(row *report.Row) string { return report.Digits(row.Rate()) }

func peak(row *report.Row) string { return megabytes(row.Peak) }

func ratio(q report.Ratio) string {
	if q.Median == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f (%.2f)", q.Median, q.Min)
}

// share prints 1/x in percent.
func share(x float64) string {
	if x == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f %%", 100/x)
}

func megabytes(bytes float64) string {
	if bytes == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f", bytes/1e6)
}
