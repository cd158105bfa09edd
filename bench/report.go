// Package bench measures darray beside its rivals, alternating them in one run, and keeps the figures as JSON. It never
// judges: `darray bench` prints minimum, median and maximum, and the ratios.
package bench

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/darray-go/darray/bench/report"
)

// Report is one run of a suite.
type Report struct {
	Suite   string    `json:"suite"`
	Time    time.Time `json:"time"`
	Machine string    `json:"machine"`
	Go      string    `json:"go"`
	Cases   []Case    `json:"cases"`
}

// Case is one measured thing: a time in seconds for each run, in the order in which they were made.
type Case struct {
	Name   string    `json:"name"`
	Bytes  float64   `json:"bytes,omitempty"` // bytes that one run moves, where a rate makes sense
	Runs   []float64 `json:"runs_s"`
	Min    float64   `json:"min_s"`
	Median float64   `json:"median_s"`
	Max    float64   `json:"max_s"`
}

// newReport describes this machine.
func newReport(suite string) *Report {
	return &Report{Suite: suite, Time: time.Now().UTC().Truncate(time.Second), Machine: report.Machine(), Go: runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH}
}

// add summarises the runs of one case.
func (r *Report) add(name string, bytes float64, runs []float64) {
	sorted := slices.Sorted(slices.Values(runs))
	if len(sorted) == 0 {
		return
	}
	r.Cases = append(r.Cases, Case{
		Name: name, Bytes: bytes, Runs: runs,
		Min: sorted[0], Median: report.Median(sorted), Max: sorted[len(sorted)-1],
	})
}

// ratio of the medians of two cases, found by how their names end; 0 where one is missing.
func (r *Report) ratio(a, b string) float64 {
	var x, y float64
	for _, c := range r.Cases {
		switch {
		case strings.HasSuffix(c.Name, a):
			x = c.Median
		case strings.HasSuffix(c.Name, b):
			y = c.Median
		}
	}
	if y == 0 {
		return 0
	}
	return x / y
}

// WriteText prints the report as a table.
func (r *Report) WriteText(w io.Writer) error {
	fmt.Fprintf(w, "%s, %s, %s\n", r.Suite, r.Machine, r.Go)
	fmt.Fprintf(w, "%-44s %10s %10s %10s %10s  %s\n", "", "min", "median", "max", "GB/s", "runs")
	for _, c := range r.Cases {
		rate := ""
		if c.Bytes > 0 {
			rate = fmt.Sprintf("%.2f", c.Bytes/c.Median/1e9)
		}
		fmt.Fprintf(w, "%-44s %10s %10s %10s %10s  %d\n", c.Name, report.Seconds(c.Min), report.Seconds(c.Median), report.Seconds(c.Max), rate, len(c.Runs))
	}
	if q := r.ratio(caseBare, caseLink); q > 0 {
		_, err := fmt.Fprintf(w, "a block over quiclink reaches %.0f %% of the bare quic-go loop\n", 100*q)
		return err
	}
	return nil
}

// WriteJSON writes the report to a file that can be compared later.
func (r *Report) WriteJSON(path string) error { return report.WriteJSON(path, r) }
