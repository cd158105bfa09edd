package darray

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
	"github.com/darray-go/darray/format"
)

// openSource opens a column of files for one rank. The files must be those that the driver saw.
func openSource(ctx context.Context, s *array.Source) (exec.Reader, error) {
	if len(s.Version) != len(s.Paths) {
		return nil, fmt.Errorf("%s: %d files with %d versions", s.Name, len(s.Paths), len(s.Version))
	}
	r := &sourceReader{}
	for i, path := range s.Paths {
		if err := r.add(path, s.Column, s.Version[i]); err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	return r, nil
}

// sourceReader is one column of several files, rows in order.
type sourceReader struct {
	parts []sourcePart
	rows  int
}

type sourcePart struct {
	file   *format.File
	column int
	lo     int // first row
}

func (r *sourceReader) add(path, column, version string) error {
	file, err := format.Open(path, format.Options{})
	if err != nil {
		return err
	}
	at, err := file.Column(column)
	if err == nil && file.Version != version {
		err = fmt.Errorf("%s: not the file that rank 0 opened (%s there, %s here)", path, version, file.Version)
	}
	if err != nil {
		return errors.Join(err, file.Close())
	}
	r.parts = append(r.parts, sourcePart{file, at, r.rows})
	r.rows += file.Rows
	return nil
}

// Len is the number of rows.
func (r *sourceReader) Len() int { return r.rows }

// Read gives rows [lo, hi), without a copy where they lie in one mapped batch of one file.
func (r *sourceReader) Read(ctx context.Context, lo, hi int) (*array.Block, error) {
	var blocks []*array.Block
	for _, p := range r.parts {
		from, to := max(lo, p.lo)-p.lo, min(hi-p.lo, p.file.Rows)
		if from >= to {
			continue
		}
		b, err := p.file.Read(ctx, p.column, from, to)
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, b)
	}
	if len(blocks) == 0 && len(r.parts) > 0 {
		return r.parts[0].file.Read(ctx, r.parts[0].column, 0, 0)
	}
	return array.Concat(blocks)
}

// Close closes the files; blocks read from them stay good.
func (r *sourceReader) Close() error {
	var err error
	for _, p := range slices.Backward(r.parts) {
		err = errors.Join(err, p.file.Close())
	}
	return err
}
