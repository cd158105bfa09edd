package darray

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Folders and patterns become lists of files here, and names of folders columns.

// maxFiles bounds the files of one frame.
const maxFiles = 100_000

// expand gives the files that a path names, in order: itself, those that a pattern matches, or all below a directory, but for those whose
// names begin with "." or "_". base is the directory.
func expand(path string) (files []string, base string, err error) {
	abs, err := filepath.Abs(path) // ranks of this host may run in another directory
	if err != nil {
		return nil, "", fmt.Errorf("open %s: %w", path, err)
	}
	info, err := os.Stat(abs)
	switch {
	case err == nil && info.IsDir():
		if files, err = readManifest(abs); files == nil && err == nil {
			files, err = below(abs)
		}
		return files, abs, err
	case err == nil || !strings.ContainsAny(path, "*?["):
		return []string{abs}, "", nil // opening it says what is wrong
	}
	if files, err = filepath.Glob(abs); err != nil {
		return nil, "", fmt.Errorf("open %s: %w; escape with \\ what is no pattern", path, err)
	}
	files = slices.DeleteFunc(files, func(f string) bool {
		info, err := os.Stat(f)
		return hidden(filepath.Base(f)) || err == nil && info.IsDir()
	})
	if len(files) == 0 {
		return nil, "", fmt.Errorf("open %s: %w: no file matches the pattern; quote it so that the shell leaves it alone, and check the folder", path, fs.ErrNotExist)
	}
	fixed := abs[:strings.IndexAny(abs, "*?[")]
	return files, filepath.Clean(fixed[:strings.LastIndexByte(fixed, filepath.Separator)+1]), nil
}

func hidden(name string) bool { return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") }

// below lists the files of a tree in the order of their paths.
func below(dir string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path != dir && hidden(d.Name()):
			if d.IsDir() {
				return filepath.SkipDir
			}
		case d.Type().IsRegular() || d.Type()&fs.ModeSymlink != 0:
			if files = append(files, path); len(files) > maxFiles {
				return fmt.Errorf("more than %d files; open a part of them", maxFiles)
			}
		}
		return nil
	})
	if err == nil && len(files) == 0 {
		err = errors.New("is a directory without files in it; name the files")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return files, nil
}

// keys are the columns that folders below a base make of names like year=2013, as Apache Hive lays tables out: one value a file.
type keys struct {
	fields []arrow.Field
	values [][]arrow.Array // by field and file: of one element
}

// hiveNull is what Hive calls a value that is not there.
const hiveNull = "__HIVE_DEFAULT_PARTITION__"

// keysOf finds the keys in the paths of files. Values are int64 where all are, else strings.
func keysOf(base string, paths []string) (*keys, error) {
	k := &keys{}
	if base == "" {
		return k, nil
	}
	var names []string
	texts := make([][]string, len(paths))
	for i, path := range paths {
		rel := strings.TrimPrefix(filepath.ToSlash(path), filepath.ToSlash(base))
		folders := strings.Split(rel, "/")
		var mine []string
		for _, part := range folders[:len(folders)-1] {
			if name, value, ok := strings.Cut(part, "="); ok && name != "" {
				if text, err := url.PathUnescape(value); err == nil {
					value = text
				}
				mine, texts[i] = append(mine, name), append(texts[i], value)
			}
		}
		if i == 0 {
			names = mine
		} else if !slices.Equal(names, mine) {
			return nil, fmt.Errorf("%s: its folders name %s, those of %s name %s; name the same keys in the same order everywhere",
				path, orNothing(mine), paths[0], orNothing(names))
		}
	}
	for j, name := range names {
		if slices.Contains(names[:j], name) {
			return nil, fmt.Errorf("%s: key %q comes twice", paths[0], name)
		}
		column := make([]string, len(paths))
		for i := range texts {
			column[i] = texts[i][j]
		}
		k.add(name, column)
	}
	return k, nil
}

func orNothing(names []string) string {
	if len(names) == 0 {
		return "no keys"
	}
	return strings.Join(names, ", ")
}

func (k *keys) add(name string, texts []string) {
	var t arrow.DataType = arrow.PrimitiveTypes.Int64
	for _, text := range texts {
		if v, err := strconv.ParseInt(text, 10, 64); text != hiveNull && (err != nil || strconv.FormatInt(v, 10) != text) {
			t = arrow.BinaryTypes.String // 007 is no number
		}
	}
	values := make([]arrow.Array, len(texts))
	for i, text := range texts {
		b := arrowarray.NewBuilder(memory.DefaultAllocator, t)
		if text == hiveNull {
			b.AppendNull()
		} else if err := b.AppendValueFromString(text); err != nil {
			b.AppendNull() // cannot be: it was parsed
		}
		values[i] = b.NewArray()
		b.Release()
	}
	k.fields = append(k.fields, arrow.Field{Name: name, Type: t, Nullable: true})
	k.values = append(k.values, values)
}
