package report

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Style is how a suite's table looks.
type Style struct {
	Title   func(Key) string // the line above a case's rows
	Columns []Column         // behind minimum, median and maximum
	Note    string           // the line above the table
}

// Column is one more column of the table.
type Column struct {
	Head string
	Cell func(*Row) string // empty where it says nothing
}

// WriteHead prints what was measured, how, and by whom.
func (r *Comparison) WriteHead(p *Printer) {
	p.F("%s, %s, %s, %s\n%s.\n\n", r.Suite, r.Time.Format(time.DateOnly), r.Machine, r.Go, r.How)
	if r.Simulated {
		p.F("  SIMULATED: these are the times of a simulator; they say nothing of any device.\n\n")
	}
	wide := r.wide()
	for _, c := range r.Contenders {
		p.F("  %-*s %s\n", wide, c.Name, c.About)
	}
	for _, line := range r.Rivals {
		p.F("  %s\n", line)
	}
	for _, line := range r.LeftOut {
		p.F("  LEFT OUT: %s\n", line)
	}
	for _, line := range r.Failed {
		p.F("  FAILED: %s\n", line)
	}
	if len(r.Load) > 0 {
		p.F("  load averages of the machine: %s\n", strings.Join(r.Load, ", then "))
	}
}

// wide is the width of the contenders' names.
func (r *Comparison) wide() int {
	wide := 8
	for _, c := range r.Contenders {
		wide = max(wide, len(c.Name))
	}
	return wide
}

// WriteText prints the comparison as a table, a block of lines for each case.
func (r *Comparison) WriteText(w io.Writer) error {
	p := &Printer{w: w}
	r.WriteHead(p)
	wide := r.wide()
	p.F("\n%s\n%-*s %10s %10s %10s", r.Style.Note, wide, "", "min", "median", "max")
	widths := make([]int, len(r.Style.Columns))
	for i, c := range r.Style.Columns {
		widths[i] = max(8, len(c.Head))
		for _, row := range r.Rows {
			widths[i] = max(widths[i], len(c.Cell(row)))
		}
		p.F(" %*s", widths[i], c.Head)
	}
	p.F("\n")
	last := ""
	for _, row := range r.Rows {
		if head := r.Style.Title(row.Key); head != last {
			p.F("\n%s\n", head)
			last = head
		}
		if len(row.Runs) == 0 {
			p.F("%-*s %s\n", wide, row.By, row.Unavailable)
			continue
		}
		line := fmt.Sprintf("%-*s %10s %10s %10s", wide, row.By, Seconds(row.Min), Seconds(row.Median), Seconds(row.Max))
		for i, c := range r.Style.Columns {
			line += fmt.Sprintf(" %*s", widths[i], c.Cell(row))
		}
		p.F("%s\n", strings.TrimRight(line, " "))
	}
	return p.Err
}

// Seconds prints a time with three digits and its unit.
func Seconds(s float64) string {
	unit := "s"
	for _, smaller := range []string{"ms", "µs", "ns"} {
		if s >= 0.9995 {
			break
		}
		s, unit = s*1000, smaller
	}
	switch {
	case s >= 99.95:
		return fmt.Sprintf("%.0f %s", s, unit)
	case s >= 9.995:
		return fmt.Sprintf("%.1f %s", s, unit)
	}
	return fmt.Sprintf("%.2f %s", s, unit)
}

// Digits prints three of them, and nothing for nothing.
func Digits(x float64) string {
	if x == 0 {
		return ""
	}
	if x >= 99.5 {
		return fmt.Sprintf("%.0f", x)
	}
	return fmt.Sprintf("%.3g", x)
}

// Printer keeps the first error of many writes.
type Printer struct {
	w   io.Writer
	Err error
}

// NewPrinter prints to w.
func NewPrinter(w io.Writer) *Printer { return &Printer{w: w} }

// F is fmt.Fprintf that does nothing once a write has failed.
func (p *Printer) F(format string, args ...any) {
	if p.Err == nil {
		_, p.Err = fmt.Fprintf(p.w, format, args...)
	}
}
