package format

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// HeadBytes is how much of a file Format.Is may look at.
const HeadBytes = 512

// Detect finds the format of a file by its content, and its name where that does not tell. The error of an unknown one says what the file
// looks like, what can be read, and which line adds a format that the program lacks.
func Detect(ctx context.Context, in *Input, known []Format) (Format, error) {
	head, err := in.View(ctx, 0, min(in.Size, HeadBytes))
	if err != nil {
		return Format{}, in.wrap(err)
	}
	for _, f := range known {
		if f.Is(head, in.Path) {
			return f, nil
		}
	}
	what := make([]string, len(known))
	for i, f := range known {
		what[i] = f.What
	}
	return Format{}, fmt.Errorf("%s: %s; what can be read: %s", in.Path, looksLike(head), strings.Join(what, ", "))
}

// ByExtension finds the format to write by a file's name.
func ByExtension(name string, known []Format) (Format, error) {
	base := strings.ToLower(path.Base(name))
	var best Format
	length := 0
	var all []string
	for _, f := range known {
		if f.Create == nil {
			continue
		}
		for _, e := range f.Extensions {
			if all = append(all, e); strings.HasSuffix(base, e) && len(e) > length {
				best, length = f, len(e)
			}
		}
	}
	if length == 0 {
		return best, fmt.Errorf("%s: the name does not say what format to write; it may end in %s%s", name, strings.Join(all, ", "), missing(path.Ext(base)))
	}
	return best, nil
}

// ToWrite is the format that a user names to write: by its name or an extension without the dot, as "arrowipc" or "arrow".
func ToWrite(name string, known []Format) (Format, error) {
	var all []string
	for _, f := range known {
		if f.Create == nil {
			continue
		}
		if f.Name == name || slices.Contains(f.Extensions, "."+name) {
			return f, nil
		}
		all = append(all, f.Extensions[0][1:])
	}
	return Format{}, fmt.Errorf("there is no format %q to write; there are %s%s", name, strings.Join(all, ", "), missing("."+name))
}

// addable are the formats that a program has to add, by their extension.
var addable = map[string]string{".parquet": addParquet}

const addParquet = `add Parquet to the program by darray.UseFormat(parquet.Format), from github.com/darray-go/darray/format/parquet`

func missing(extension string) string {
	if how := addable[extension]; how != "" {
		return "; " + how
	}
	return ""
}

// strangers are formats that people bring, by their first bytes.
var strangers = []struct{ magic, what string }{
	{"PAR1", "a Parquet file; " + addParquet},
	{"PARE", "an encrypted Parquet file"},
	{"FEA1", "a Feather file of version 1"},
	{"ORC", "an ORC file"},
	{"Obj\x01", "an Avro file"},
	{"\x93NUMPY", "a NumPy array (.npy)"},
	{"\x89HDF\r\n", "an HDF5 file"},
	{"CDF", "a NetCDF file"},
	{"SQLite format 3", "an SQLite database"},
	{"PK\x03\x04", "a zip archive (or .xlsx); unpack it first"},
	{"\x1f\x8b", "gzip; unpack it first"},
	{"\x28\xb5\x2f\xfd", "zstd; unpack it first"},
	{"\x04\x22\x4d\x18", "lz4; unpack it first"},
	{"BZh", "bzip2; unpack it first"},
	{"\xfd7zXZ", "xz; unpack it first"},
}

// looksLike is what a file of no known format seems to be.
func looksLike(head []byte) string {
	if len(head) == 0 {
		return "is empty; write it again"
	}
	for _, s := range strangers {
		if bytes.HasPrefix(head, []byte(s.magic)) {
			return "looks like " + s.what
		}
	}
	switch text := bytes.TrimPrefix(head, []byte("\ufeff")); {
	case !IsText(text):
		return fmt.Sprintf("begins with %q, as no format known here does", head[:min(8, len(head))])
	case bytes.HasPrefix(text, []byte("{")), bytes.HasPrefix(text, []byte("[")):
		return "looks like JSON"
	default:
		return "looks like text, maybe CSV: then let its name end in .csv or .tsv"
	}
}

// IsText reports whether bytes are UTF-8 without control characters; the last character may be cut.
func IsText(b []byte) bool {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 && len(b) >= utf8.UTFMax || r < ' ' && !strings.ContainsRune("\t\r\n", r) {
			return false
		}
		b = b[n:]
	}
	return true
}
