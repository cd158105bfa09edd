package darray

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/format"
)

type (
	// OpenOptions change how files are opened; the zero value works. Index is Open's own to set.
	OpenOptions = format.Options
	// CSVOptions say what a text of rows does not say of itself: types of columns, delimiter, header, nulls.
	CSVOptions = format.CSVOptions
)

// Open describes files as one frame, their rows in order. Each path names a file, a pattern of files ("2013-*.parquet"), a directory, all
// of whose files are taken in the order of their names, a member of a NumPy archive ("x.npz#weights"), or, in a program that has called UseStore, an object by its URL. Folders below a
// directory that are called key=value make a column key. What a file is, is told by its content; columns must agree in names, types and order.
//
// It reads schemas and row counts only (of CSV files, where rows begin); every rank then reads the rows that it works on, or gets them from rank 0
// where it cannot reach a file. Numbers and bools are arrays, fixed-size lists of them arrays of more axes, times can be cast to int64;
// columns of other types are carried along.
func Open(path string, more ...string) (*Frame, error) {
	return OpenWith(context.Background(), OpenOptions{}, append([]string{path}, more...)...)
}

// OpenWith is Open with options, until ctx ends.
func OpenWith(ctx context.Context, o OpenOptions, paths ...string) (*Frame, error) {
	if len(paths) == 0 {
		return nil, errors.New("open: no path; name a file, a pattern or a directory")
	}
	var files []string
	base := ""
	for _, p := range paths {
		some, below, err := expandAny(ctx, p)
		if err != nil {
			return nil, err
		}
		files = append(files, some...)
		if len(paths) == 1 {
			base = below
		}
	}
	s := array.Source{Paths: files, Base: base}
	opened, err := openAll(ctx, o, files)
	if err != nil {
		return nil, err
	}
	t, err := newTable(opened, base)
	if err != nil {
		return nil, err
	}
	defer t.close() // what it says of itself stays good
	s.Format = opened[0].Format
	for _, f := range opened {
		s.Version = append(s.Version, f.Version)
		if f.Index != nil || s.Index != nil {
			s.Index = append(s.Index, f.Index)
		}
	}
	if len(s.Index) > 0 && len(s.Index) != len(files) {
		return nil, fmt.Errorf("open %s: some files have an index and some none", paths[0]) // one format gives all of them one
	}
	o.Index, o.CSV.Types = nil, nil // which the index has
	if s.Options, err = json.Marshal(o); err != nil {
		return nil, fmt.Errorf("open %s: options: %w", paths[0], err)
	}
	return newFrame(t, s, stem(paths[0])), nil
}

// stem is what plans call the columns of a path: its name without what follows the dot.
func stem(path string) string {
	name := filepath.Base(path)
	if bare, _, _ := strings.Cut(name, "."); bare != "" {
		return bare
	}
	return name
}

// openAll opens files of one format, which the first one tells; for text it tells the types too.
func openAll(ctx context.Context, o OpenOptions, paths []string) ([]*format.File, error) {
	files := make([]*format.File, len(paths))
	first := o
	in, err := openInput(ctx, paths[0], &first)
	if err != nil {
		return nil, err
	}
	f, err := format.Detect(ctx, in, formats())
	if err != nil {
		return nil, errors.Join(err, in.Close())
	}
	if files[0], err = format.Open(ctx, f, in, first); err != nil {
		return nil, err
	}
	if f.Name == csvName {
		o.CSV.Types = typesLike(files[0].Schema, o.CSV.Types)
	}
	err = format.Each(ctx, len(paths)-1, func(ctx context.Context, i int) error {
		own := o
		in, err := openInput(ctx, paths[i+1], &own)
		if err != nil {
			return err
		}
		g, err := format.Detect(ctx, in, formats())
		if err == nil && g.Name != f.Name {
			err = fmt.Errorf("%s: is of format %s, %s of %s; open files of one format together", paths[i+1], g.Name, paths[0], f.Name)
		}
		if err != nil {
			return errors.Join(err, in.Close())
		}
		files[i+1], err = format.Open(ctx, f, in, own)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, closeFiles(files))
	}
	return files, nil
}

// csvName is the format whose files say no types.
const csvName = "csv"

// typesLike has further files of text read as the first.
func typesLike(first *arrow.Schema, said []arrow.Field) []arrow.Field {
	types := slices.Clone(said)
	for _, f := range first.Fields() {
		if !slices.ContainsFunc(types, func(t arrow.Field) bool { return t.Name == f.Name }) {
			types = append(types, f)
		}
	}
	return types
}

// openInput opens the bytes of a file, here or in a store, and puts into o what its name says beyond that: of FILE#MEMBER the member.
func openInput(ctx context.Context, path string, o *format.Options) (*format.Input, error) {
	store, ok, err := storeOf(path)
	switch {
	case err != nil:
		return nil, err
	case ok:
		return store.Open(ctx, path, *o)
	}
	if file, member, ok := strings.Cut(path, "#"); ok && member != "" {
		if _, err := os.Stat(path); err != nil {
			path, o.Member = file, member
		}
	}
	return format.OpenLocal(path, *o)
}

// expandAny is expand of paths and URLs.
func expandAny(ctx context.Context, path string) (files []string, base string, err error) {
	store, ok, err := storeOf(path)
	if err != nil || !ok {
		if err == nil {
			files, base, err = expand(path)
		}
		return files, base, err
	}
	if !strings.HasSuffix(path, "/") && !strings.ContainsAny(path, "*[") {
		return []string{path}, "", nil
	}
	base = path
	if at := strings.IndexAny(base, "*["); at >= 0 {
		base = base[:at]
	}
	base = base[:strings.LastIndexByte(base, '/')+1]
	entries, err := store.List(ctx, path)
	for _, e := range entries {
		if !slices.ContainsFunc(strings.Split(strings.TrimPrefix(e.URL, base), "/"), hidden) {
			files = append(files, e.URL)
		}
	}
	switch {
	case err != nil:
	case len(files) == 0:
		err = fmt.Errorf("open %s: %w: there are no files", path, fs.ErrNotExist)
	case len(files) > maxFiles:
		err = fmt.Errorf("open %s: %d files; open at most %d at once", path, len(files), maxFiles)
	}
	return files, base, err
}
