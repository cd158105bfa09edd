package darray

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/format"
)

// table is the files of a frame, open on one host: their rows one after another, with the columns that their folders name.
type table struct {
	files  []*format.File
	starts []int // the first row of each file; one more for the end
	schema *arrow.Schema
	keys   *keys
	column map[string]int // -1 where two have the name
}

// openTable opens the files that a source names. They must be those that the driver saw.
func openTable(ctx context.Context, s *array.Source) (t *table, err error) {
	if len(s.Version) != len(s.Paths) || len(s.Index) != 0 && len(s.Index) != len(s.Paths) || len(s.Paths) == 0 {
		return nil, fmt.Errorf("%s: %d files with %d versions", s.Name, len(s.Paths), len(s.Version))
	}
	f, err := formatNamed(s.Format)
	if err != nil {
		return nil, err
	}
	var o format.Options
	if s.Options != nil {
		if err := json.Unmarshal(s.Options, &o); err != nil {
			return nil, fmt.Errorf("%s: options: %w", s.Name, err)
		}
	}
	files := make([]*format.File, len(s.Paths))
	err = format.Each(ctx, len(files), func(ctx context.Context, i int) error {
		own := o
		if len(s.Index) > 0 {
			own.Index = s.Index[i]
		}
		in, err := openInput(ctx, s.Paths[i], &own)
		if err != nil {
			return err
		}
		if in.Version != s.Version[i] {
			return errors.Join(fmt.Errorf("%s: not the file that rank 0 opened (%s there, %s here)", s.Paths[i], s.Version[i], in.Version), in.Close())
		}
		files[i], err = format.Open(ctx, f, in, own)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, closeFiles(files))
	}
	return newTable(files, s.Base)
}

// newTable joins open files, which it closes if that cannot be.
func newTable(files []*format.File, base string) (t *table, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, closeFiles(files))
		}
	}()
	paths := make([]string, len(files))
	t = &table{files: files, starts: []int{0}, column: make(map[string]int)}
	for i, f := range files {
		if err := format.SameSchema(files[0], f); err != nil {
			return nil, err
		}
		paths[i] = f.Path
		t.starts = append(t.starts, t.rows()+f.Rows)
	}
	if t.keys, err = keysOf(base, paths); err != nil {
		return nil, err
	}
	fields := files[0].Schema.Fields()
	for i, f := range fields {
		if _, twice := t.column[f.Name]; twice {
			t.column[f.Name] = -1
		} else {
			t.column[f.Name] = i
		}
	}
	for k, f := range t.keys.fields { // in place of what the files have by that name
		t.column[f.Name] = len(files[0].Schema.Fields()) + k
	}
	t.schema = arrow.NewSchema(append(fields, t.keys.fields...), nil)
	return t, nil
}

func closeFiles(files []*format.File) error {
	var errs []error
	for _, f := range files {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

func (t *table) rows() int { return t.starts[len(t.starts)-1] }

// at is the number of a column, or why there is none of that name.
func (t *table) at(name string) (int, error) {
	switch i, ok := t.column[name]; {
	case !ok:
		return 0, fmt.Errorf("%s: there is no column %q", t.files[0].Path, name)
	case i < 0:
		_, err := t.files[0].Column(name)
		return 0, err
	default:
		return i, nil
	}
}

// read gives rows [lo, hi) of columns, without a copy where they lie in one mapped batch of one file.
func (t *table) read(ctx context.Context, columns []int, lo, hi int) ([]arrow.Array, error) {
	pieces, err := t.pieces(ctx, columns, lo, hi)
	if err != nil {
		return nil, err
	}
	out := make([]arrow.Array, len(columns))
	for k := range out {
		if out[k], err = format.Concat(pieces[k]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// pieces gives rows [lo, hi) of columns as arrays one after another: of files that are mapped and not compressed each lies in the mapping.
func (t *table) pieces(ctx context.Context, columns []int, lo, hi int) ([][]arrow.Array, error) {
	pieces := make([][]arrow.Array, len(columns))
	for i := max(0, sort.SearchInts(t.starts, lo+1)-1); i < len(t.files) && t.starts[i] < hi; i++ {
		from, to := max(lo, t.starts[i])-t.starts[i], min(hi, t.starts[i+1])-t.starts[i]
		if from >= to {
			continue
		}
		if err := t.readFile(ctx, i, columns, from, to, pieces); err != nil {
			return nil, err
		}
	}
	if lo == hi { // the type alone
		if err := t.readFile(ctx, 0, columns, 0, 0, pieces); err != nil {
			return nil, err
		}
	}
	return pieces, nil
}

// readFile appends rows of one file to the pieces of columns.
func (t *table) readFile(ctx context.Context, i int, columns []int, lo, hi int, pieces [][]arrow.Array) error {
	f := t.files[i]
	if !f.Views || lo == hi {
		return t.readRun(ctx, i, columns, lo, hi, pieces)
	}
	at := 0
	for _, n := range f.Batches {
		if from, to := max(lo, at), min(hi, at+n); from < to {
			if err := t.readRun(ctx, i, columns, from, to, pieces); err != nil {
				return err
			}
		}
		at += n
	}
	return nil
}

// readRun is readFile of rows that are best read at once.
func (t *table) readRun(ctx context.Context, i int, columns []int, lo, hi int, pieces [][]arrow.Array) error {
	own := t.files[i].Schema.NumFields()
	var ask, slot []int
	for k, c := range columns {
		if c < own {
			ask, slot = append(ask, c), append(slot, k)
			continue
		}
		value, err := repeat(t.keys.values[c-own][i], hi-lo)
		if err != nil {
			return err
		}
		pieces[k] = append(pieces[k], value)
	}
	if len(ask) == 0 {
		return nil
	}
	arrays, err := t.files[i].Read(ctx, ask, lo, hi)
	if err != nil {
		return err
	}
	for j, a := range arrays {
		pieces[slot[j]] = append(pieces[slot[j]], a)
	}
	return nil
}

// repeat is n times the one element of a.
func repeat(a arrow.Array, n int) (arrow.Array, error) {
	if v, ok := a.(*arrowarray.Int64); ok && a.NullN() == 0 {
		b := array.NewBlock(array.Int64, Shape{n}, false)
		values, _, _ := b.Raw()
		for i := range array.View[int64](values)[:n] {
			array.View[int64](values)[i] = v.Value(0)
		}
		return b.Arrow(), nil
	}
	b := arrowarray.NewBuilder(memory.DefaultAllocator, a.DataType())
	defer b.Release()
	b.Reserve(n)
	for range n {
		if a.IsNull(0) {
			b.AppendNull()
		} else if err := b.AppendValueFromString(a.ValueStr(0)); err != nil {
			return nil, err
		}
	}
	return b.NewArray(), nil
}

// close closes the files; arrays that were read stay good.
func (t *table) close() error { return closeFiles(t.files) }

// tables are the open files of a process, shared by the ranks in it and by the columns of each frame.
type tables struct {
	mu      sync.Mutex
	open    map[string]*sharedTable
	outputs map[outputKey]*format.Output // parts of directories that have no name yet
}

// close lets go of files that nobody has named.
func (ts *tables) close() {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for _, out := range ts.outputs {
		out.Abort()
	}
	clear(ts.outputs)
}

type sharedTable struct {
	once  sync.Once
	table *table
	err   error
	users int
}

// tableKey tells the files of sources apart.
func tableKey(s *array.Source) string {
	key := *s
	key.Column, key.Name, key.Rows, key.Width, key.Step, key.Views = "", "", nil, 0, 0, 0
	text, _ := json.Marshal(key) // a struct of strings
	return string(text)
}

// take opens the files of a source, or those that are open already. Each take that gives a table wants one give.
func (ts *tables) take(ctx context.Context, s *array.Source) (*table, string, error) {
	key := tableKey(s)
	ts.mu.Lock()
	if ts.open == nil {
		ts.open = make(map[string]*sharedTable)
	}
	shared := ts.open[key]
	if shared == nil {
		shared = &sharedTable{}
		ts.open[key] = shared
	}
	shared.users++
	ts.mu.Unlock()
	shared.once.Do(func() { shared.table, shared.err = openTable(ctx, s) })
	if shared.err != nil {
		_ = ts.give(key) // nothing is open
		return nil, "", shared.err
	}
	return shared.table, key, nil
}

// give ends a take.
func (ts *tables) give(key string) error {
	ts.mu.Lock()
	shared := ts.open[key]
	shared.users--
	last := shared.users == 0
	if last {
		delete(ts.open, key)
	}
	ts.mu.Unlock()
	if last && shared.table != nil {
		return shared.table.close()
	}
	return nil
}
