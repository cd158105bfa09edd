package darray

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/darray-go/darray/array"
)

// FileInfo is what a file of columns says of itself, or several that are one frame.
type FileInfo struct {
	Format      string        // "arrowipc"
	Files       int           // how many
	Schema      *arrow.Schema // all columns, also those that folders name
	Rows        int
	Batches     []int // rows of each stored batch, in order
	Bytes       int   // size of the files
	Compression string
}

// Info reads what the files of a path, a pattern, a directory or a URL say of themselves, and none of their values (of CSV files, where rows begin).
func Info(path string) (FileInfo, error) {
	return InfoWith(context.Background(), OpenOptions{}, path)
}

// InfoWith is Info with options, until ctx ends.
func InfoWith(ctx context.Context, o OpenOptions, path string) (FileInfo, error) {
	paths, base, err := expandAny(ctx, path)
	if err != nil {
		return FileInfo{}, err
	}
	files, err := openAll(ctx, o, paths)
	if err != nil {
		return FileInfo{}, err
	}
	t, err := newTable(files, base)
	if err != nil {
		return FileInfo{}, err
	}
	info := FileInfo{Format: files[0].Format, Files: len(files), Schema: t.schema, Rows: t.rows(), Compression: files[0].Compression}
	for _, f := range files {
		info.Batches, info.Bytes = append(info.Batches, f.Batches...), info.Bytes+f.Bytes
		if f.Compression != info.Compression {
			info.Compression = "mixed"
		}
	}
	return info, t.close()
}

// Computes reports whether arrays compute with a column; others are carried along, and times can be cast to int64.
func (FileInfo) Computes(field arrow.Field) bool {
	d, row := array.Width(field.Type)
	_, err := array.FromArrowType(field.Type)
	return d.Valid() && (err == nil || len(row) > 0)
}
