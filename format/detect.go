package format

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"unicode/utf8"
)

// headBytes is how much of a file is looked at.
const headBytes = 512

// Detect names the format of a file by its content, as in File.Format. The error of an unknown one says what the file
// looks like and what can be read.
func Detect(path string) (string, error) {
	f, err := detect(path)
	return f.name, err
}

func detect(path string) (format, error) {
	head, err := readHead(path)
	if err != nil {
		return format{}, err
	}
	for _, f := range formats {
		if f.is(head) {
			return f, nil
		}
	}
	known := make([]string, len(formats))
	for i, f := range formats {
		known[i] = f.what
	}
	return format{}, fmt.Errorf("%s: %s; what can be read: %s", path, looksLike(head), strings.Join(known, ", "))
}

// readHead reads the first bytes of a regular file.
func readHead(path string) ([]byte, error) {
	info, err := os.Stat(path) // before Open, which waits for a writer of a named pipe
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w; check the name and the folder the program runs in", err)
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s: is a directory; name the files in it", path)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: is not a regular file; copy what it holds to one first", path)
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("%w; ask the file's owner for the right to read it", err)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, headBytes)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return head[:n], nil
}

// isArrow knows the file format by its magic and the stream format by the mark before each message.
func isArrow(head []byte) bool {
	return hasPrefix(head, "ARROW1") || hasPrefix(head, "\xff\xff\xff\xff")
}

// strangers are formats that people bring, by their first bytes.
var strangers = []struct{ magic, what string }{
	{"PAR1", "a Parquet file"},
	{"PARE", "an encrypted Parquet file"},
	{"FEA1", "a Feather file of version 1"},
	{"ORC", "an ORC file"},
	{"Obj\x01", "an Avro file"},
	{"\x93NUMPY", "a NumPy array (.npy)"},
	{"\x89HDF\r\n", "an HDF5 file"},
	{"CDF", "a NetCDF file"},
	{"SQLite format 3", "an SQLite database"},
	{"PK\x03\x04", "a zip archive (or .npz, .xlsx)"},
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
		if hasPrefix(head, s.magic) {
			return "looks like " + s.what
		}
	}
	switch text := bytes.TrimPrefix(head, []byte("\ufeff")); {
	case !isText(text):
		return fmt.Sprintf("begins with %q, as no format known here does", head[:min(8, len(head))])
	case hasPrefix(text, "{"), hasPrefix(text, "["):
		return "looks like JSON"
	default:
		return "looks like text, maybe CSV"
	}
}

// isText reports whether bytes are UTF-8 without control characters; the last character may be cut.
func isText(b []byte) bool {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 && len(b) >= utf8.UTFMax || r < ' ' && !strings.ContainsRune("\t\r\n", r) {
			return false
		}
		b = b[n:]
	}
	return true
}

func hasPrefix(head []byte, magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }
