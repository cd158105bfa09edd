// Package csv reads and writes text of rows: fields between delimiters, as RFC 4180 says, with what people really have.
//
// A record ends at \n or \r\n, or with the file. Empty lines are no records; a line of blanks is one. A field in quotes may hold delimiters,
// line breaks, which stay as they are, and quotes written twice; a quote within a field that has none around it is an error, and so is what
// follows a closing one. Every record has as many fields as the first. Text is UTF-8, with a byte order mark or without. Blanks around values
// that are no strings do not count.
//
// The delimiter, the header and the types of columns are told from a sample unless format.CSVOptions say them. The first record is a header
// if none of its fields would read as a number, a truth value, a date or a time; one in quotes may, if the field below it has none. With a
// name that is there twice it is one if a field below would read so. A type is the narrowest of bool, int64, uint64, float64, date32,
// timestamp[us] (UTC where texts have Z or an offset; ns where they are that fine) and string that fits the sample; a value elsewhere that
// does not fit is an error of File.Read, which says where.
// A field that is one of CSVOptions.Nulls is null; in quotes it is a string, but null all the same in columns of other types.
//
// Open looks at all of a file, once and in parallel, to count its records. File.Index spares that. Files of gzip are unpacked whole into
// memory by Open, within Options.Budget, and their checksums verified.
package csv

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/darray-go/darray/format"
)

// Format is CSV.
var Format = format.Format{
	Name:       "csv",
	What:       "CSV text (.csv, .tsv, .txt, also .csv.gz and .tsv.gz)",
	Extensions: []string{".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz"},
	Is:         is,
	Open:       open,
	Create:     create,
}

// Marks at the beginning of text.
const (
	utf8Mark     = "\xef\xbb\xbf"
	utf16Little  = "\xff\xfe"
	utf16Big     = "\xfe\xff"
	gzipMagic    = "\x1f\x8b"
	delimiters   = ",\t;|"
	firstRecords = 100 // of a sample, by which dialects are compared
)

// is knows CSV by its name, if the content is text or what its name says, or by lines of as many delimiters each.
func is(head []byte, name string) bool {
	name = strings.ToLower(name)
	switch {
	case len(head) == 0 || bytes.HasPrefix(head, []byte(gzipMagic)):
		return bytes.HasPrefix(head, []byte(gzipMagic)) && (strings.HasSuffix(name, ".csv.gz") || strings.HasSuffix(name, ".tsv.gz"))
	case strings.HasSuffix(name, ".csv") || strings.HasSuffix(name, ".tsv") || strings.HasSuffix(name, ".txt"):
		return printable(head) || bytes.HasPrefix(head, []byte(utf16Little)) || bytes.HasPrefix(head, []byte(utf16Big))
	}
	head = bytes.TrimPrefix(head, []byte(utf8Mark))
	return len(head) > 0 && !strings.ContainsRune("{[", rune(head[0])) && format.IsText(head) && regular(head, len(head) < format.HeadBytes-len(utf8Mark))
}

// printable reports whether bytes have no control characters; they may be of an encoding that Open then refuses by its name.
func printable(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' {
			return false
		}
	}
	return true
}

// regular reports whether there are two lines or more, each with as many of one delimiter, at least two.
func regular(head []byte, whole bool) bool {
	for _, comma := range []byte(delimiters) {
		counts := countFields(head, comma, whole)
		if len(counts) > 1 && counts[0] > 2 && same(counts) {
			return true
		}
	}
	return false
}

func same(counts []int) bool {
	for _, n := range counts {
		if n != counts[0] {
			return false
		}
	}
	return true
}

// countFields is the number of fields of each of the first records of a sample, and 0 for one whose quotes are wrong, which ends it. The last
// one counts only if the sample is whole.
func countFields(sample []byte, comma byte, whole bool) (counts []int) {
	s := splitter{b: sample, comma: comma, whole: whole}
	for len(counts) < firstRecords {
		fields, err := s.next()
		if err != nil {
			return append(counts, 0)
		}
		if fields == nil {
			break
		}
		counts = append(counts, len(fields))
	}
	return counts
}

// validText reports whether a string can be in a file: UTF-8 without NUL.
func validText(s []byte) bool { return utf8.Valid(s) && bytes.IndexByte(s, 0) < 0 }
