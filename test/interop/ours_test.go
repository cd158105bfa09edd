package interop_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/internal/leak"
)

// packagesEnv names a folder that has node_modules.
const packagesEnv = "DARRAY_NODE"

const install = `NOT TESTED: %v. Install Node.js 20 or later, then
	cp test/interop/package*.json FOLDER && cd FOLDER && npm install
and set ` + packagesEnv + `=FOLDER`

// packages is the folder that has node_modules, if there is one.
func packages() string {
	if folder := os.Getenv(packagesEnv); folder != "" {
		return folder
	}
	return strings.TrimSuffix(os.Getenv("NODE_PATH"), "node_modules")
}

// node runs a script with the packages of package.json, or skips.
func node(t *testing.T, script string, input []byte, args ...string) []byte {
	t.Helper()
	program, err := exec.LookPath("node")
	if err != nil {
		t.Skipf(install, err)
	}
	folder := packages()
	for _, name := range []string{"apache-arrow", "nodejs-polars", "@duckdb/node-api"} {
		if _, err := os.Stat(filepath.Join(folder, "node_modules", name)); err != nil {
			t.Skipf(install, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, append([]string{script}, args...)...)
	cmd.Env = append(os.Environ(), packagesEnv+"="+folder)
	cmd.Stdin = bytes.NewReader(input)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node %s: %v\n%s", script, err, errs.Bytes())
	}
	return out
}

// TestMake: the files in testdata are what the programs write today, or would read the same.
func TestMake(t *testing.T) {
	leak.Check(t)
	dir := t.TempDir()
	node(t, "make.mjs", nil, dir)
	theirs(t, dir)
	made, kept := readExpected(t, dir), readExpected(t, "testdata")
	if !reflect.DeepEqual(made, kept) {
		t.Error("testdata is not of this make.mjs; run: node make.mjs testdata")
	}
}

// job is a file that programs are to read.
type job struct {
	Path     string      `json:"path"`
	Types    [][2]string `json:"types,omitempty"` // names and types of a text's columns
	Programs []string    `json:"programs"`

	want []column
}

// answer is what a program reads.
type answer struct {
	Columns []column
	Error   string
}

// read has programs read the files.
func read(t *testing.T, jobs []job) []map[string]answer {
	t.Helper()
	in, err := json.Marshal(jobs)
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]answer
	if err := json.Unmarshal(node(t, "read.mjs", in), &out); err != nil || len(out) != len(jobs) {
		t.Fatalf("%d answers to %d jobs: %v", len(out), len(jobs), err)
	}
	return out
}

// sources are files of theirs that are written again, of all types that each program has.
var sources = []string{"js.arrow", "polars.arrow", "polars.parquet", "polars-views.arrow", "duckdb-v1.parquet", "duckdb-none.parquet", "js-none.arrow", "polars-groups.parquet"}

// TestOurs: what is written here reads as what it was, here and, where they are, in other programs.
func TestOurs(t *testing.T) {
	leak.Check(t)
	e := readExpected(t, "testdata")
	dir := t.TempDir()
	c := local(t, 2)
	var jobs []job
	for _, source := range sources {
		f, err := darray.Open(filepath.Join("testdata", source))
		if err != nil {
			t.Fatal(err)
		}
		file := e.Files[source]
		want := e.table(t, file.Table, file.Columns)
		for i, c := range want {
			if c.Name == "pair" {
				want[i].Values = nullRows(c.Values)
			}
		}
		jobs = append(jobs, writeAll(t, c, f, want, filepath.Join(dir, source))...)
	}
	for i, answers := range read(t, jobs) {
		for program, got := range answers {
			t.Run(filepath.Base(jobs[i].Path)+"/"+program, func(t *testing.T) { got.compare(t, jobs[i].want) })
		}
	}
}

// compare holds what a program read against columns.
func (a *answer) compare(t *testing.T, want []column) {
	if a.Error != "" || len(a.Columns) != len(want) {
		t.Fatalf("%d columns, want %d; error %q", len(a.Columns), len(want), a.Error)
	}
	for i, got := range a.Columns {
		if got.Name != want[i].Name || !reflect.DeepEqual(got.Values, want[i].Values) {
			t.Errorf("column %s of %s: %s", got.Name, got.Type, difference(got.Values, want[i].Values))
		}
	}
}

// writeAll writes a frame in all ways there are, and says who is to read them.
func writeAll(t *testing.T, c *darray.Cluster, f *darray.Frame, want []column, path string) []job {
	t.Helper()
	var jobs []job
	write := func(name string, f *darray.Frame, o darray.WriteOptions, want []column, types [][2]string, programs ...string) {
		t.Helper()
		if err := c.WriteFrame(t.Context(), f, path+name, o); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(name, ".csv") { // whose types are told anew
			readBack(t, path+name, want)
		}
		for _, p := range programs {
			j := job{Path: path + name, Types: types, Programs: []string{p}, want: want}
			if p == "duckdb" {
				j.want = ticks(want)
			}
			jobs = append(jobs, j)
		}
	}
	write("-none.arrow", f, darray.WriteOptions{Compression: "none", BatchRows: 3}, want, nil, "polars")
	if !strings.Contains(f.Schema().String(), "_view") { // which apache-arrow does not know
		write("-js.arrow", f, darray.WriteOptions{Compression: "none", BatchRows: 3}, want, nil, "apache-arrow")
	}
	for _, compression := range []string{"lz4", "zstd"} {
		write("-"+compression+".arrow", f, darray.WriteOptions{Compression: compression, BatchRows: 3}, want, nil, "polars")
	}
	for _, compression := range []string{"none", "snappy", "gzip", "brotli", "zstd", "lz4"} {
		o := darray.WriteOptions{Compression: compression, BatchRows: 3}
		write("-"+compression+".parquet", f, o, want, nil, "polars", "duckdb")
		o.Plain = true
		write("-"+compression+"-plain.parquet", f, o, want, nil, "polars", "duckdb")
	}
	var types [][2]string
	f, want = keep(f, want, func(c column) bool { return slices.Contains(textTypes, c.Type) })
	for _, c := range want {
		types = append(types, [2]string{c.Name, c.Type})
	}
	if len(want) > 0 {
		write(".csv", f, darray.WriteOptions{}, want, types, "polars", "duckdb")
	}
	return jobs
}

// readBack holds a file against columns.
func readBack(t *testing.T, path string, want []column) {
	t.Helper()
	f, err := darray.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, f, want)
}

// textTypes are those whose values a text keeps.
var textTypes = []string{
	"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64", "utf8", "date32", "timestamp[us]", "timestamp[us, tz=UTC]",
}

// keep is the columns for which ok says so of the column and its type in the frame.
func keep(f *darray.Frame, want []column, ok func(c column) bool) (*darray.Frame, []column) {
	var names []string
	var left []column
	for i, field := range f.Schema().Fields() {
		if ok(want[i]) {
			names, left = append(names, field.Name), append(left, want[i])
		}
	}
	return f.Select(names...), left
}

// ticks has durations as the microseconds that they are stored as: Parquet has no type for them, and only what knows Arrow's reads them so.
func ticks(columns []column) []column {
	out := slices.Clone(columns)
	for i, c := range out {
		if c.Name != "dur" {
			continue
		}
		out[i].Values = slices.Clone(c.Values)
		for k, v := range c.Values {
			if v != nil {
				out[i].Values[k] = strings.TrimSuffix(v.(string), "000")
			}
		}
	}
	return out
}
