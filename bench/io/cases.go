// Package files measures reading and writing of files of columns, by format and compression, beside DuckDB and Polars, which run as
// processes of their own and take turns with ours; and beside the machine's limits, STREAM for reading and the bare disk for writing.
package files

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/darray-go/darray/bench/talk"
)

// Case is one thing that is measured.
type Case struct {
	Name    string // "read-parquet-zstd-4"
	Title   string // "Parquet, zstd: sum of 4 columns"
	file    file
	columns int // that are summed up, each by itself; 0: all values as one sum
	write   bool
}

// file is a kind of file.
type file struct {
	format, compression string
	layout              string // of .npy: see talk.File
}

// The layouts of .npy files beyond one column.
const (
	rowByRow       = "c"       // a row's values are beside each other
	columnByColumn = "fortran" // a column's are
)

// kinds are the files that are read and written, in the order of the report.
func kinds() []file {
	return []file{
		{format: "arrow", compression: "none"},
		{format: "arrow", compression: "lz4"},
		{format: "arrow", compression: "zstd"},
		{format: "parquet", compression: "none"},
		{format: "parquet", compression: "snappy"},
		{format: "parquet", compression: "zstd"},
		{format: "csv"},
		{format: "npy"},
		{format: "npy", layout: rowByRow},
		{format: "npy", layout: columnByColumn},
	}
}

// Cases lists what is measured, in the order of the report.
func Cases() []Case {
	var cases []Case
	for _, f := range kinds() {
		counts := []int{1, len(columns())}
		switch {
		case f.format == "csv":
			counts = counts[1:]
		case f.layout != "":
			counts = []int{0}
		case f.format == "npy":
			counts = counts[:1]
		}
		for _, n := range counts {
			c := Case{file: f, columns: n, Name: "read-" + f.name(), Title: "read " + f.title() + ": " + sumOf(n)}
			if len(counts) > 1 {
				c.Name += fmt.Sprintf("-%d", n)
			}
			cases = append(cases, c)
		}
	}
	for _, f := range kinds() {
		if f.layout == "" {
			cases = append(cases, Case{file: f, write: true, Name: "write-" + f.name(), Title: "write " + f.title()})
		}
	}
	return cases
}

func sumOf(n int) string {
	switch n {
	case 0:
		return "sum of all values"
	case 1:
		return "sum of a column"
	}
	return fmt.Sprintf("sums of %d columns", n)
}

// name is a part of a case's: "npy-fortran".
func (f file) name() string {
	return strings.Join(slices.DeleteFunc([]string{f.format, f.compression, f.layout}, func(s string) bool { return s == "" }), "-")
}

func (f file) title() string {
	text := map[string]string{"arrow": "Arrow IPC", "parquet": "Parquet", "csv": "CSV", "npy": "NumPy .npy"}[f.format]
	switch f.layout {
	case rowByRow:
		text += " of 2 axes"
	case columnByColumn:
		text += " in Fortran's order"
	}
	if f.compression != "" {
		text += ", " + map[string]string{"none": "uncompressed"}[f.compression]
		if f.compression != "none" {
			text += f.compression
		}
	}
	return text
}

// path is where such a file lies.
func (f file) path(dir, name string) string { return filepath.Join(dir, name+"."+f.format) }

// flat reports whether a file's bytes are values as they lie in memory.
func (f file) flat() bool { return f.format == "npy" || f.compression == "none" && f.format == "arrow" }

// holds is how many columns a file has.
func (f file) holds() int {
	if f.format == "npy" && f.layout == "" {
		return 1
	}
	return len(columns())
}

// matches reports whether a name, or words of it as "parquet" or "read-arrow", means the case.
func (c Case) matches(name string) bool {
	if slices.Contains(CaseNames(), name) {
		return name == c.Name
	}
	return strings.Contains("-"+c.Name+"-", "-"+name+"-")
}

// moved is the bytes of values that a run of the case delivers or takes.
func (c Case) moved(rows int) int {
	n := c.columns
	if n == 0 {
		n = c.file.holds()
	}
	return valueBytes * rows * n
}

// question is the case, of the file at a path, for a contender.
func (c Case) question(path, source string, rows, stored int) talk.Question {
	f := &talk.File{Path: path, Format: c.file.format, Compression: c.file.compression, Layout: c.file.layout, Write: c.write, Rows: rows}
	if c.write {
		f.Source, f.Bytes = source, stored
	}
	if !c.write && c.file.format != "npy" {
		f.Columns = columns()[:c.columns]
	}
	return talk.Question{Do: "prepare", File: f}
}

// want is the sums that reading gives.
func (c Case) want(sums []float64) []float64 {
	switch {
	case c.write || c.file.layout != "":
		if c.file.format == "npy" {
			return []float64{total(sums[:c.file.holds()])}
		}
		return sums
	default:
		return sums[:c.columns]
	}
}

func total(xs []float64) float64 {
	sum := 0.0
	for _, x := range xs {
		sum += x
	}
	return sum
}
