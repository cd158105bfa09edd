package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"gonum.org/v1/gonum/stat"
)

// Comparison is one run of Collectives.
type Comparison struct {
	Suite      string      `json:"suite"`
	Time       time.Time   `json:"time"`
	Machine    string      `json:"machine"`
	Go         string      `json:"go"`
	How        string      `json:"how"`
	Load       []string    `json:"load,omitempty"` // the machine's load averages at the start and at the end; above the cores, others ran beside
	Contenders []Contender `json:"contenders"`
	Rivals     []string    `json:"rivals,omitempty"`   // versions, and the command lines of the rivals
	LeftOut    []string    `json:"left_out,omitempty"` // contenders that took no part, and why
	Failed     []string    `json:"failed,omitempty"`   // what broke off
	Rows       []*Row      `json:"rows"`
}

// Contender is one column of the comparison: a link of ours, or a rival.
type Contender struct {
	Name  string `json:"name"`
	About string `json:"about"`
}

// Row is one case, measured with one contender.
type Row struct {
	Case        string    `json:"case"` // "allreduce:65536"
	Ranks       int       `json:"ranks"`
	By          string    `json:"by"` // a contender's name
	Unavailable string    `json:"unavailable,omitempty"`
	Bytes       float64   `json:"bytes,omitempty"` // payload that one run moves, where a rate makes sense
	Runs        []float64 `json:"runs_s,omitempty"`
	Min         float64   `json:"min_s,omitempty"`
	Median      float64   `json:"median_s,omitempty"`
	Max         float64   `json:"max_s,omitempty"`
	CPUPerGB    float64   `json:"cpu_s_per_gb,omitempty"` // CPU seconds of all ranks, median over the runs
	OfC         float64   `json:"of_c,omitempty"`         // median time in those of the C program over shared memory
	OfCTCP      float64   `json:"of_c_tcp,omitempty"`     // and over TCP; above 1 is slower than it
	MinOfC      float64   `json:"min_of_c,omitempty"`     // minimum in that of the C program: what a busy machine changes least

	cpu   []float64 // CPU seconds of each run
	moved float64   // bytes to which cpu belongs
}

func newComparison(o CollectivesOptions) *Comparison {
	return &Comparison{
		Load: loadAverage(), Suite: "collectives", Time: time.Now().UTC().Truncate(time.Second), Machine: machine(),
		Go: runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH,
		How: fmt.Sprintf("%d launches of each contender in turn, %d batches of at least %v in each; a run is the time of the slowest rank over a batch, divided by its calls",
			o.Launches, o.Repeat, o.Batch),
	}
}

// row finds a row or begins it.
func (r *Comparison) row(name string, ranks int, by string) *Row {
	for _, row := range r.Rows {
		if row.Case == name && row.Ranks == ranks && row.By == by {
			return row
		}
	}
	row := &Row{Case: name, Ranks: ranks, By: by}
	r.Rows = append(r.Rows, row)
	return row
}

// summarise fills in what follows from the runs, and puts the rows of one case together.
func (r *Comparison) summarise() {
	order := make(map[string]int)
	key := func(row *Row) string { return fmt.Sprint(row.Case, row.Ranks) }
	for _, row := range r.Rows {
		if _, seen := order[key(row)]; !seen {
			order[key(row)] = len(order)
		}
		if len(row.Runs) > 0 {
			row.Min, row.Median, row.Max = slices.Min(row.Runs), median(row.Runs), slices.Max(row.Runs)
		}
		if row.moved >= 1<<20 && len(row.cpu) > 0 { // of less, the clock of CPU time says nothing
			row.CPUPerGB = median(row.cpu) / row.moved * 1e9
		}
	}
	slices.SortStableFunc(r.Rows, func(a, b *Row) int { return order[key(a)] - order[key(b)] })
	for _, row := range r.Rows {
		row.OfC, row.MinOfC = r.over(row, "c")
		row.OfCTCP, _ = r.over(row, "c-tcp")
	}
	r.Load = append(r.Load, loadAverage()...)
}

func median(xs []float64) float64 {
	return stat.Quantile(0.5, stat.Empirical, slices.Sorted(slices.Values(xs)), nil)
}

// over is how many times as long a row takes as the same case by a rival, by median and by minimum; 0 where either is missing.
func (r *Comparison) over(row *Row, rival string) (medians, minima float64) {
	for _, other := range r.Rows {
		if other.By == rival && other != row && other.Case == row.Case && other.Ranks == row.Ranks && other.Min > 0 {
			return row.Median / other.Median, row.Min / other.Min
		}
	}
	return 0, 0
}

// loadAverage is how many processes wanted to run over the last 1, 5 and 15 minutes, where the system says.
func loadAverage() []string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return nil
	}
	return []string{strings.Join(strings.Fields(string(text))[:3], " ")}
}

// WriteJSON writes the report to a file that can be compared later.
func (r *Comparison) WriteJSON(path string) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}

// WriteText prints the report as a table, a block of lines for each case.
func (r *Comparison) WriteText(w io.Writer) error {
	p := &printer{w: w}
	p.f("%s, %s, %s, %s\n%s.\n\n", r.Suite, r.Time.Format(time.DateOnly), r.Machine, r.Go, r.How)
	for _, c := range r.Contenders {
		p.f("  %-8s %s\n", c.Name, c.About)
	}
	for _, line := range r.Rivals {
		p.f("  %s\n", line)
	}
	for _, line := range r.LeftOut {
		p.f("  LEFT OUT: %s\n", line)
	}
	for _, line := range r.Failed {
		p.f("  FAILED: %s\n", line)
	}
	if len(r.Load) > 0 {
		p.f("  load averages of the machine: %s\n", strings.Join(r.Load, ", then "))
	}
	p.f("\nThe last columns are times in those of C: above 1 is slower. On a busy machine the minima say most.\n")
	p.f("%-8s %10s %10s %10s %8s %9s %8s %8s %9s\n", "", "min", "median", "max", "GB/s", "CPU s/GB", "of c", "min of c", "of c-tcp")
	last := ""
	for _, row := range r.Rows {
		if head := fmt.Sprintf("%s, %d ranks", title(row.Case), row.Ranks); head != last {
			p.f("\n%s\n", head)
			last = head
		}
		if len(row.Runs) == 0 {
			p.f("%-8s %s\n", row.By, row.Unavailable)
			continue
		}
		rate := 0.0
		if row.Bytes > 0 {
			rate = row.Bytes / row.Median / 1e9
		}
		p.f("%-8s %10s %10s %10s %8s %9s %8s %8s %9s\n", row.By, seconds(row.Min), seconds(row.Median), seconds(row.Max),
			digits(rate), digits(row.CPUPerGB), digits(row.OfC), digits(row.MinOfC), digits(row.OfCTCP))
	}
	return p.err
}

// digits prints three of them, and nothing for nothing.
func digits(x float64) string {
	if x == 0 {
		return ""
	}
	if x >= 99.5 {
		return fmt.Sprintf("%.0f", x)
	}
	return fmt.Sprintf("%.3g", x)
}

// printer keeps the first error of many writes.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) f(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}
