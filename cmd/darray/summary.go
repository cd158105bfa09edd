package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/darray-go/darray"
)

// summary is the line on stderr after a run.
func summary(s darray.Stats, rows int) string {
	moved := make([]string, 0, 2)
	for _, scheme := range slices.Sorted(maps.Keys(s.Moved)) {
		moved = append(moved, fmt.Sprintf("%s by %s", size(int64(s.Moved[scheme])), scheme))
	}
	if s.ByReference > 0 {
		moved = append(moved, fmt.Sprintf("%d %s by reference", s.ByReference, plural(s.ByReference, "block", "blocks")))
	}
	if len(moved) == 0 {
		moved = append(moved, "nothing moved")
	}
	rows = max(rows, s.Rows)
	return fmt.Sprintf("%d %s, %d %s, %s, %v", rows, plural(rows, "row", "rows"), s.Ranks, plural(s.Ranks, "rank", "ranks"),
		strings.Join(moved, " and "), s.Elapsed.Round(10*time.Microsecond))
}

// printSteps is --stats: what rank 0 spent its time on, and what the device of a step had to say.
func printSteps(w io.Writer, s darray.Stats) {
	for _, step := range s.Steps {
		note := ""
		if step.Note != "" {
			note = " (" + step.Note + ")"
		}
		fmt.Fprintf(w, "%12v  %v%s\n", step.Elapsed.Round(time.Microsecond), step.Step, note)
	}
}

// size is bytes for people.
func size(n int64) string {
	unit, f := "B", float64(n)
	for _, u := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if f < 1024 {
			break
		}
		unit, f = u, f/1024
	}
	if unit == "B" {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", f, unit)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
