package darray

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/format/arrowipc"
)

// FileInfo is what a file of columns says of itself.
type FileInfo struct {
	Format      string // "arrowipc"
	Schema      *arrow.Schema
	Columns     []string // names of the columns that arrays compute with
	Rows        int
	Batches     []int // rows of each stored batch, in order
	Bytes       int64 // size of the file
	Compression string
}

// Info reads what a file says of itself, and none of its values.
func Info(path string) (FileInfo, error) {
	f, err := format.Open(path, format.Options{})
	if err != nil {
		return FileInfo{}, err
	}
	info := FileInfo{Format: f.Format, Schema: f.Schema, Rows: f.Rows, Batches: f.Batches, Bytes: f.Bytes, Compression: f.Compression}
	for _, field := range f.Schema.Fields() {
		if _, err := array.FromArrowType(field.Type); err == nil {
			info.Columns = append(info.Columns, field.Name)
		}
	}
	return info, f.Close()
}

// WriteBlocks writes blocks of equal length as the columns of one Arrow IPC file: to a temporary name beside path, which
// is renamed when all is on disk. A failure leaves the old file whole and no temporary one. ErrShape
// where a block has not one axis.
func WriteBlocks(ctx context.Context, path string, names []string, blocks []*Block) error {
	return arrowipc.WriteFile(ctx, path, names, blocks, arrowipc.WriteOptions{})
}
