package files

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"time"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/bench/talk"
)

// engine is darray on the default cluster, for writing and for reading files that stay open, or on a new one for each reading.
type engine struct {
	cluster *darray.Cluster
	again   bool // read on cluster, where the file is open from the call before
	file    *talk.File
	frame   *darray.Frame   // to write
	columns []*darray.Block // the values, kept from file to file
	rows    int             // of columns
}

func newEngine(again bool) (talk.Player, string, error) {
	cluster, err := darray.Default()
	if err != nil {
		return nil, "", err
	}
	about := fmt.Sprintf("darray, %s, GOMAXPROCS %d", runtime.Version(), runtime.GOMAXPROCS(0))
	if again {
		about += ", which has the file mapped from the call before, as a program that comes back to a file"
	}
	return &engine{cluster: cluster, again: again}, about, nil
}

func (e *engine) Prepare(q talk.Question) error {
	if e.file, e.frame = q.File, nil; q.File == nil {
		return errors.New("no file in the question")
	}
	if !q.File.Write {
		return nil
	}
	if e.rows != q.File.Rows {
		if err := e.make(q.File.Rows); err != nil {
			return err
		}
	}
	return e.choose()
}

// make computes the values.
func (e *engine) make(rows int) error {
	e.columns, e.rows = nil, rows
	values := make([][]float64, len(measures()))
	for k := range values {
		b, err := darray.NewBlock(darray.Float64, rows)
		if err != nil {
			return err
		}
		if values[k], err = darray.Values[float64](b); err != nil {
			return err
		}
		e.columns = append(e.columns, b)
	}
	everyColumn(func(k int, m measured) { m.fill(k, rows, values[k], 1) })
	return nil
}

// choose is the frame that goes into a file of that kind: a .npy file has one column, with all values in it where it has two axes.
func (e *engine) choose() error {
	e.frame = new(darray.Frame)
	switch {
	case e.file.Layout == rowByRow:
		b, err := e.together()
		if err != nil {
			return err
		}
		e.frame = e.frame.With("values", darray.FromBlock(b).Reshape(e.rows, len(e.columns)))
	case e.file.Format == "npy":
		e.frame = e.frame.With(columns()[0], darray.FromBlock(e.columns[0]))
	default:
		for k, name := range columns() {
			e.frame = e.frame.With(name, darray.FromBlock(e.columns[k]))
		}
	}
	return nil
}

// together is the values row by row.
func (e *engine) together() (*darray.Block, error) {
	n := len(e.columns)
	b, err := darray.NewBlock(darray.Float64, e.rows*n)
	if err != nil {
		return nil, err
	}
	values, err := darray.Values[float64](b)
	if err != nil {
		return nil, err
	}
	everyColumn(func(k int, m measured) { m.fill(k, e.rows, values[k:], n) })
	return b, nil
}

// Play times what a user writes: open a file and take sums, or write a frame. What calls of an earlier turn have dropped goes before, mappings
// too, so that the peak of memory is that of a few calls.
func (e *engine) Play(string) (call func() error, check func() ([]float64, error), err error) {
	runtime.GC()
	switch {
	case e.file == nil:
		return nil, nil, fmt.Errorf("%w: nothing is prepared", talk.ErrUnavailable)
	case !e.file.Write:
		call = func() error {
			_, err := e.sums()
			return err
		}
		return call, e.sums, nil
	case e.file.Layout == columnByColumn:
		call = e.writeFortran
	default:
		o := darray.WriteOptions{Compression: e.file.Compression}
		if e.file.Format == "csv" || e.file.Format == "npy" {
			o.Compression = ""
		}
		call = func() error { return e.cluster.WriteFrame(context.Background(), e.frame, e.file.Path, o) }
	}
	return call, func() ([]float64, error) { return nil, call() }, nil
}

// Batch times calls; a file that is written is not there before.
func (e *engine) Batch(_ string, inner int, call func() error) (float64, error) {
	if e.file.Write {
		return newFile(e.file.Path, inner, call)
	}
	start := time.Now()
	for range inner {
		if err := call(); err != nil {
			return 0, err
		}
	}
	return time.Since(start).Seconds(), nil
}

// sums opens the file and adds up the columns that are asked for, or all it has.
func (e *engine) sums() (out []float64, err error) {
	cluster := e.cluster
	if !e.again { // clusters keep files open
		if cluster, err = darray.Local(runtime.GOMAXPROCS(0)); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, cluster.Close()) }()
	}
	f, err := darray.Open(e.file.Path)
	if err != nil {
		return nil, err
	}
	names := e.file.Columns
	if len(names) == 0 {
		names = f.Names()
	}
	var arrays []darray.Array
	for _, name := range names {
		arrays = append(arrays, darray.Sum(f.Col(name)))
	}
	blocks, err := cluster.Collect(context.Background(), arrays...)
	if err != nil {
		return nil, err
	}
	for i, b := range blocks {
		s, ok := b.Scalar(0)
		if !ok {
			return nil, fmt.Errorf("the sum of %q is null", names[i])
		}
		out = append(out, s.Float())
	}
	return out, nil
}

// writeFortran writes a .npy file in the order that darray reads and does not write.
func (e *engine) writeFortran() (err error) {
	f, err := os.Create(e.file.Path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, 1<<20)
	head := fmt.Sprintf("{'descr': '<f8', 'fortran_order': True, 'shape': (%d, %d), }", e.rows, len(e.columns))
	if _, err := fmt.Fprintf(w, "\x93NUMPY\x01\x00\x76\x00%-117s\n", head); err != nil {
		return err
	}
	for _, b := range e.columns {
		values, err := darray.Values[float64](b)
		if err != nil {
			return err
		}
		for _, x := range values {
			if _, err := w.Write(binary.LittleEndian.AppendUint64(w.AvailableBuffer(), math.Float64bits(x))); err != nil {
				return err
			}
		}
	}
	return errors.Join(w.Flush(), f.Sync())
}

// Free forgets the file; the values stay for the next one.
func (e *engine) Free() error {
	e.file, e.frame = nil, nil
	return nil
}
