// Package format is the seam to files of columns: what a format is, the bytes that it reads, and the files that it writes.
// A format is a value of type Format in a folder of its own below; which formats a program has is the program's to say.
//
// A Format is called through Open and Create of this package, which add what all formats have in common: detection, the
// file's name in errors, checks of what a reader gives, and that neither a panic nor a fault of a mapped file gets out.
package format

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/darray-go/darray/array"
)

// Format is one format of files.
type Format struct {
	Name       string   // "arrowipc": in File.Format, and for the user to name it
	What       string   // for messages: "Arrow IPC files and streams"
	Extensions []string // of files to write, the first is usual: ".arrow"

	// Is knows a file by its first bytes, at most HeadBytes of them, and its name, which counts where content does not tell.
	Is func(head []byte, name string) bool
	// Open reads what a file says of itself. It takes no memory by what the file claims but by its size and o.Budget. The
	// reader uses in until File.Close, which closes both; if Open fails the caller closes in. Errors need not name the file.
	Open func(ctx context.Context, in *Input, o Options) (*File, error)
	// Create begins a file of a schema on w, with nothing kept of it after Encoder.Close. Nil: this format is not written.
	Create func(w io.Writer, s *arrow.Schema, o WriteOptions) (Encoder, error)
}

// Options of Open. The zero value works.
type Options struct {
	Copy     bool   // read into memory instead of mapping: for files that others may cut short while they are in use
	Budget   int    // bytes that one Read may allocate; 0: 64 times the size of the file, at least 1 GiB
	Unmarked bool   // accept an Arrow stream without its end marker, which may be a truncated one
	Index    []byte // File.Index of an earlier Open of the same file, which then need not look at all of it
	Member   string // of a .npz: only this member
	CSV      CSVOptions
}

// CSVOptions say what a text of rows does not say of itself. Zero fields are told from a sample.
type CSVOptions struct {
	Types    []arrow.Field // types of the columns of these names
	NoHeader bool          // the first record is data; columns are called column0, column1, ...
	Comma    rune          // between fields: ',', '\t', ';' or '|'
	Nulls    []string      // fields without quotes that are null; nil: the empty one, NA, N/A, NaN (but of floats), null, NULL, None
}

// File is an open file: what it says of itself, and its values through Read. Its fields are not to be changed; all but Read
// stay good after Close.
type File struct {
	Format      string
	Path        string
	Schema      *arrow.Schema // all columns
	Rows        int
	Batches     []int      // rows of each stored batch (row group), in order: reading whole ones is cheapest
	Bounds      [][]Bounds // by column and batch, where the file says them; nil where it does not, of a column or of all
	Bytes       int        // size of the file
	Compression string     // "" for none
	Version     string     // a mark of the content, for array.Source
	Mapped      bool       // arrays may view the file, whose pages come from the disk when they are touched
	Views       bool       // rows within one batch are read without a copy, those of several are joined in one
	Index       []byte     // for Options.Index; nil where opening again is cheap

	Reader Reader // what Open of a Format gives; its methods are called by File's
	in     *Input
}

// Bounds is what a file says of the values of a column in one batch: none is below Min or above Max, but nulls (and NaNs).
// Both have the column's element type, or its storage's where that is an integer. The zero value says nothing.
type Bounds struct {
	Min, Max array.Scalar
	Known    bool
}

// Reader reads values of one file. It may be called from several goroutines; Close waits for none of them.
type Reader interface {
	// Read gives rows [lo, hi) of columns, each as one Arrow array of the schema's type. The arguments are within the file, and no
	// column comes twice. Arrays may view the input (see Input.Buffer); nothing of them is reused. Errors need not name the file.
	Read(ctx context.Context, columns []int, lo, hi int) ([]arrow.Array, error)
	// Close frees what the reader holds beside its input.
	Close() error
}

// Open opens in as a file of format f. The File is to be closed, which closes in; after an error in is closed.
func Open(ctx context.Context, f Format, in *Input, o Options) (file *File, err error) {
	defer func() {
		if err != nil {
			file, err = nil, errors.Join(in.wrap(err), in.Close())
		}
	}()
	if err := in.begin(); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, in.leave()) }()
	defer Guard(&err)()
	if o.Budget == 0 {
		o.Budget = max(1<<30, 64*min(in.Size, 1<<50))
	}
	if file, err = f.Open(ctx, in, o); err != nil {
		return nil, err
	}
	file.Format, file.Path, file.Bytes, file.Version, file.Mapped, file.in = f.Name, in.Path, in.Size, in.Version, in.Mapped, in
	rows := 0
	for _, n := range file.Batches {
		rows += n
	}
	if rows != file.Rows {
		return nil, fmt.Errorf("batches of %d rows in a file of %d", rows, file.Rows)
	}
	return file, nil
}

// Read gives rows [lo, hi) of columns, each as one Arrow array. Memory may be the file's mapping, which the arrays keep: nothing need be
// released. ctx ends it between steps of a few MiB. It may be called from several goroutines.
func (f *File) Read(ctx context.Context, columns []int, lo, hi int) (out []arrow.Array, err error) {
	defer func() {
		if err != nil {
			out, err = nil, f.in.wrap(err)
		}
	}()
	if lo < 0 || hi < lo || hi > f.Rows {
		return nil, fmt.Errorf("%w: rows [%d, %d) of %d", array.ErrShape, lo, hi, f.Rows)
	}
	for i, c := range columns {
		if c < 0 || c >= f.Schema.NumFields() || slices.Contains(columns[:i], c) {
			return nil, fmt.Errorf("%w: column %d of %d", array.ErrShape, c, f.Schema.NumFields())
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := f.in.begin(); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.in.leave()) }()
	defer Guard(&err)()
	if out, err = f.Reader.Read(ctx, columns, lo, hi); err != nil {
		return nil, err
	}
	for i, a := range out {
		if field := f.Schema.Field(columns[i]); a.Len() != hi-lo || !arrow.TypeEqual(a.DataType(), field.Type) {
			return nil, fmt.Errorf("column %q: rows [%d, %d) gave %d of %s, the schema says %s", field.Name, lo, hi, a.Len(), a.DataType(), field.Type)
		}
	}
	return out, nil
}

// Close ends reading; arrays that were read stay good. Safe twice.
func (f *File) Close() error {
	if f.in.closed() != nil {
		return nil
	}
	return f.in.wrap(errors.Join(f.Reader.Close(), f.in.Close()))
}

// Column is the number of the column of that name. Where names repeat it is an error, as where there is none.
func (f *File) Column(name string) (int, error) {
	switch at := f.Schema.FieldIndices(name); len(at) {
	case 1:
		return at[0], nil
	case 0:
		return 0, fmt.Errorf("%s: there is no column %q", f.Path, name)
	default:
		return 0, fmt.Errorf("%s: %d columns are called %q; rename them in the file", f.Path, len(at), name)
	}
}

// SameSchema reports how the columns of two files differ that are to be read as one, or nil: names, types and order.
func SameSchema(first, next *File) error {
	a, b := first.Schema, next.Schema
	if a.NumFields() != b.NumFields() {
		return fmt.Errorf("%w: %s has %d columns, %s has %d", array.ErrShape, first.Path, a.NumFields(), next.Path, b.NumFields())
	}
	for i, f := range a.Fields() {
		g := b.Field(i)
		if f.Name != g.Name {
			return fmt.Errorf("%w: column %d is called %q in %s and %q in %s", array.ErrShape, i, f.Name, first.Path, g.Name, next.Path)
		}
		if !arrow.TypeEqual(f.Type, g.Type) {
			return fmt.Errorf("%w: column %q is %s in %s and %s in %s; write one of them again with the other's type",
				array.ErrDType, f.Name, f.Type, first.Path, g.Type, next.Path)
		}
	}
	return nil
}
