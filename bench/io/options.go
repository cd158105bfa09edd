package files

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Options say what Run measures; the zero value is all of it at full size.
type Options struct {
	Bytes   int           // of values, in four columns of float64; default 1e9
	Cases   []string      // names of Cases(), or parts of them as "parquet" or "write"; default all
	Rivals  []string      // of Rivals(), or none; default those that are installed
	Node    string        // the folder whose node_modules has the rivals; default ".", and NODE_PATH
	Threads int           // of every contender; default all cores
	Rounds  int           // turns of every contender at every case; default 3
	Repeat  int           // counted calls in a turn; default 3
	Turn    time.Duration // after which a turn begins no further call; default 300 ms
	Dir     string        // where the files are made, in a folder that is removed afterwards; default the system's for temporary files
	Env     []string      // environment of the contenders
	Log     io.Writer     // progress, and the warnings about rivals that are not there; default none
}

// The rivals' names.
const (
	byDuckDB = "duckdb"
	byPolars = "polars"
)

// Rivals lists whom to compare with.
func Rivals() []string { return []string{byDuckDB, byPolars} }

const (
	usualBytes = 1_000_000_000
	leastBytes = 32_000
	mostBytes  = 1 << 36
)

func (o Options) withDefaults() Options {
	for _, field := range []struct {
		n       *int
		instead int
	}{{&o.Bytes, usualBytes}, {&o.Threads, runtime.NumCPU()}, {&o.Rounds, 3}, {&o.Repeat, 3}} {
		if *field.n == 0 {
			*field.n = field.instead
		}
	}
	if len(o.Rivals) == 0 {
		o.Rivals = Rivals()
	}
	if o.Turn == 0 {
		o.Turn = 300 * time.Millisecond
	}
	if o.Node == "" {
		o.Node = "."
	}
	if o.Dir == "" {
		o.Dir = os.TempDir()
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	return o
}

// Check says what of the options makes no sense.
func (o Options) Check() error {
	if o.Rounds < 0 || o.Repeat < 0 || o.Threads < 0 || o.Turn < 0 {
		return fmt.Errorf("%d rounds of %d calls in %v by %d threads: none can be negative", o.Rounds, o.Repeat, o.Turn, o.Threads)
	}
	if o.Bytes != 0 && (o.Bytes < leastBytes || o.Bytes > mostBytes) {
		return fmt.Errorf("%d bytes of values: from %d to %d", o.Bytes, leastBytes, mostBytes)
	}
	for _, name := range o.Rivals {
		if name != "none" && !slices.Contains(Rivals(), name) {
			return fmt.Errorf("no rival %q; there are %s, none", name, strings.Join(Rivals(), ", "))
		}
	}
	for _, name := range o.Cases {
		if !slices.ContainsFunc(Cases(), func(c Case) bool { return c.matches(name) }) {
			return fmt.Errorf("no case %q; there are %s, and words of them, as parquet or read-arrow", name, strings.Join(CaseNames(), ", "))
		}
	}
	for _, dir := range []string{o.Dir, o.Node} {
		if info, err := os.Stat(dir); dir != "" && (err != nil || !info.IsDir()) {
			return errors.Join(err, fmt.Errorf("%s: is no folder", filepath.Clean(dir)))
		}
	}
	return nil
}

// CaseNames lists the names of Cases.
func CaseNames() []string {
	var names []string
	for _, c := range Cases() {
		names = append(names, c.Name)
	}
	return names
}

// cases are those that are asked for.
func (o Options) cases() []Case {
	return slices.DeleteFunc(Cases(), func(c Case) bool {
		return len(o.Cases) > 0 && !slices.ContainsFunc(o.Cases, c.matches)
	})
}

// rows is how many rows the files have.
func (o Options) rows() int { return o.Bytes / valueBytes / len(columns()) }

// how says in a line how it was measured.
func (o Options) how() string {
	return fmt.Sprintf(`%d rows of %d columns of float64 with two decimals, in files that darray writes. For each case every contender is a new process of %d
threads; in %d rounds they take turns, after a call each that does not count and whose sums are compared with those of the values. In a turn
of %v: up to %d calls, or one. Reading is opening the file and adding up, from a warm page cache: afresh each time, darray by a
new cluster, but for darray-again. Writing is from memory to a new file, ended by fsync(2), rivals alike. peak is the most memory of a
contender's process from before its first call on; it has the pages of a mapped file with it, which are the page cache's, and of writers the
values; darray collects its garbage before each turn`,
		o.rows(), len(columns()), o.Threads, o.Rounds, o.Turn, o.Repeat)
}
