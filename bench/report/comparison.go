// Package report holds what a comparison of contenders measured: rows of times, their summaries and ratios, as JSON, as
// a table and as curves. It never judges.
package report

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"

	"gonum.org/v1/gonum/stat"
)

// Comparison is one run of a suite in which contenders took turns.
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
	Simulated  bool        `json:"simulated,omitempty"` // times of a simulated device, which say nothing of a real one

	Style Style `json:"-"` // how WriteText prints it
}

// Contender is one that takes turns: a link or a build of ours, a rival, a limit of the machine.
type Contender struct {
	Name  string `json:"name"`
	About string `json:"about"`
}

// Key says what is measured. A suite leaves empty what does not vary in it.
type Key struct {
	Case  string `json:"case"`            // "allreduce:65536", "add"
	Mode  string `json:"mode,omitempty"`  // "fresh" or "into": whether the result's memory is there already
	DType string `json:"dtype,omitempty"` // of the operands
	N     int    `json:"n,omitempty"`     // elements
	Ranks int    `json:"ranks,omitempty"`
}

// Row is one case, measured with one contender.
type Row struct {
	Key
	By          string    `json:"by"` // a contender's name
	Unavailable string    `json:"unavailable,omitempty"`
	Inexact     float64   `json:"inexact,omitempty"`      // relative error of a result that is too far off to count among the best
	Bytes       float64   `json:"bytes,omitempty"`        // payload that one run moves, where a rate makes sense
	Flops       float64   `json:"flops,omitempty"`        // operations of one run, where those are what limits it
	Allocs      float64   `json:"allocs,omitempty"`       // allocations of one run, where that is known
	Peak        float64   `json:"peak_bytes,omitempty"`   // the most memory that the process held, where that is known
	Stored      float64   `json:"stored_bytes,omitempty"` // size of the file that is read or written
	Runs        []float64 `json:"runs_s,omitempty"`
	Min         float64   `json:"min_s,omitempty"`
	Median      float64   `json:"median_s,omitempty"`
	Max         float64   `json:"max_s,omitempty"`
	CPUPerGB    float64   `json:"cpu_s_per_gb,omitempty"` // CPU seconds of all ranks, median over the runs
	Over        []Ratio   `json:"over,omitempty"`

	CPU   []float64 `json:"-"` // CPU seconds of each run
	Moved float64   `json:"-"` // bytes to which CPU belongs
}

// Ratio is a row's time in those of others at the same case: below 1 is faster.
type Ratio struct {
	Of      string  `json:"of"`       // "c", "best": which others
	Than    string  `json:"than"`     // the one of them with the least median
	Median  float64 `json:"median"`   // median over its median
	MinThan string  `json:"min_than"` // the one of them with the least minimum
	Min     float64 `json:"min"`      // minimum over its minimum: what a busy machine changes least
}

// New is an empty comparison of this machine, now.
func New(suite, how string) *Comparison {
	return &Comparison{
		Suite: suite, How: how, Load: LoadAverage(), Time: time.Now().UTC().Truncate(time.Second), Machine: Machine(),
		Go: runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH,
	}
}

// Row finds a row or begins it.
func (r *Comparison) Row(key Key, by string) *Row {
	if row := r.find(key, by); row != nil {
		return row
	}
	row := &Row{Key: key, By: by}
	r.Rows = append(r.Rows, row)
	return row
}

func (r *Comparison) find(key Key, by string) *Row {
	i := slices.IndexFunc(r.Rows, func(row *Row) bool { return row.Key == key && row.By == by })
	if i < 0 {
		return nil
	}
	return r.Rows[i]
}

// Summarise fills in what follows from the runs, and puts the rows of one case together; rows without runs and without a
// reason go. Ratios are the suite's to add.
func (r *Comparison) Summarise() {
	r.Rows = slices.DeleteFunc(r.Rows, func(row *Row) bool { return len(row.Runs) == 0 && row.Unavailable == "" })
	order := make(map[Key]int)
	for _, row := range r.Rows {
		if _, seen := order[row.Key]; !seen {
			order[row.Key] = len(order)
		}
		if len(row.Runs) > 0 {
			row.Min, row.Median, row.Max = slices.Min(row.Runs), Median(row.Runs), slices.Max(row.Runs)
		}
		if row.Moved >= 1<<20 && len(row.CPU) > 0 { // of less, the clock of CPU time says nothing
			row.CPUPerGB = Median(row.CPU) / row.Moved * 1e9
		}
	}
	slices.SortStableFunc(r.Rows, func(a, b *Row) int { return order[a.Key] - order[b.Key] })
	r.Load = append(r.Load, LoadAverage()...)
}

// Compare gives row its ratio to the best of those others that measured the same case, if there are any. A row that is
// inexact is no measure.
func (r *Comparison) Compare(row *Row, of string, others func(by string) bool) {
	ratio := Ratio{Of: of}
	var median, least float64
	for _, other := range r.Rows {
		if other == row || other.Key != row.Key || other.Min <= 0 || other.Inexact > 0 || !others(other.By) {
			continue
		}
		if median == 0 || other.Median < median {
			median, ratio.Than = other.Median, other.By
		}
		if least == 0 || other.Min < least {
			least, ratio.MinThan = other.Min, other.By
		}
	}
	if median > 0 && row.Min > 0 {
		ratio.Median, ratio.Min = row.Median/median, row.Min/least
		row.Over = append(row.Over, ratio)
	}
}

// Ratio is the row's ratio to those others; the zero Ratio where there is none.
func (row *Row) Ratio(of string) Ratio {
	for _, ratio := range row.Over {
		if ratio.Of == of {
			return ratio
		}
	}
	return Ratio{}
}

// Rate is what a run moves or computes in a second by the median, in units of 1e9; 0 where neither makes sense.
func (row *Row) Rate() float64 {
	if row.Median == 0 {
		return 0
	}
	if row.Flops > 0 {
		return row.Flops / row.Median / 1e9
	}
	return row.Bytes / row.Median / 1e9
}

// Median is the middle one of xs, of which there is at least one; the lower of two.
func Median(xs []float64) float64 {
	return stat.Quantile(0.5, stat.Empirical, slices.Sorted(slices.Values(xs)), nil)
}

// Read is a comparison that WriteJSON wrote.
func Read(path string) (*Comparison, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := new(Comparison)
	if err := json.Unmarshal(raw, r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// WriteJSON writes the comparison to a file that can be compared later.
func (r *Comparison) WriteJSON(path string) error { return WriteJSON(path, r) }

// WriteJSON writes any report to a file, as people read JSON.
func WriteJSON(path string, report any) error {
	data, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}
