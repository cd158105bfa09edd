// Package format opens files of columns, whatever their format: it tells the format by content, from one table, and gives
// the same File for each. A new format is a folder below and a line in the table.
package format

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/format/arrowipc"
)

// Options of Open. The zero value works.
type Options struct {
	Copy     bool // read into memory instead of mapping: for files that others may cut short while they are in use
	Budget   int  // bytes that one Read may allocate; 0: by the size of the file, at least 1 GiB
	Unmarked bool // accept an Arrow stream without its end marker, which may be a truncated one
}

// File is an open file: what it says of itself, and its values through Read. Its fields are not to be changed.
type File struct {
	Format      string // the name in the table: "arrowipc"
	Path        string
	Schema      *arrow.Schema // all columns, those too that Read refuses
	Rows        int
	Batches     []int  // rows of each stored batch, in order: reading whole ones is cheapest
	Bytes       int64  // size of the file
	Compression string // "" for none
	Version     string // a mark of the content, for array.Source
	Mapped      bool   // blocks may view the file, whose pages come from the disk when they are touched

	Reader
}

// Reader reads values. It may be called from several goroutines; Close may come while blocks are still in use.
type Reader interface {
	// Read gives the rows [lo, hi) of a column as one 1-D block. array.ErrDType where the column's type is no array's.
	Read(ctx context.Context, column, lo, hi int) (*array.Block, error)
	Close() error
}

// format is a line of the table.
type format struct {
	name string
	what string // for messages
	is   func(head []byte) bool
	open func(path string, o Options) (*File, error)
}

// formats are those that can be read.
var formats = []format{
	{"arrowipc", "Arrow IPC files and streams", isArrow, openArrow},
}

// Open opens a file of any format in the table, told by its content. The file is to be closed.
func Open(path string, o Options) (*File, error) {
	f, err := detect(path)
	if err != nil {
		return nil, err
	}
	return f.open(path, o)
}

func openArrow(path string, o Options) (*File, error) {
	f, err := arrowipc.Open(path, arrowipc.Options(o))
	if err != nil {
		return nil, err
	}
	return &File{
		Format: "arrowipc", Path: path, Schema: f.Schema, Rows: f.Rows, Batches: f.Batches, Bytes: f.Bytes,
		Compression: f.Compression, Version: f.Version, Mapped: f.Mapped, Reader: f,
	}, nil
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
