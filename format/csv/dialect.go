package csv

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/darray-go/darray/format"
)

// dialect is how a text is written.
type dialect struct {
	comma byte
	start int // of the first record of data
	line  int // lines before that
}

// columnsMax is how many columns a file may have: a schema takes some hundred bytes for each.
const columnsMax = 1 << 16

func isDelimiter(r rune) bool { return r != 0 && strings.ContainsRune(delimiters, r) }

// tellDialect finds the dialect and the columns' names by the beginning of a text.
func tellDialect(sample []byte, whole bool, path string, o format.CSVOptions) (d dialect, names []string, err error) {
	if err := refuse(sample); err != nil {
		return d, nil, err
	}
	mark := 0
	if bytes.HasPrefix(sample, []byte(utf8Mark)) {
		mark = len(utf8Mark)
	}
	switch {
	case o.Comma == 0:
		d.comma = tellComma(sample[mark:], whole, path)
	case !isDelimiter(o.Comma):
		return d, nil, fmt.Errorf(`delimiter %q: use one of ',', '\t', ';' and '|' in CSVOptions.Comma`, o.Comma)
	default:
		d.comma = byte(o.Comma)
	}
	s := splitter{b: sample, at: mark, comma: d.comma, whole: whole}
	first, err := s.next()
	switch {
	case err != nil:
		return d, nil, fmt.Errorf("the first record, after byte %d: %w", s.at, err)
	case first == nil && whole:
		return d, nil, errors.New("has no records; write it again")
	case first == nil:
		return d, nil, fmt.Errorf("the first record is longer than %d bytes; is this CSV?", len(sample))
	case len(first) > columnsMax:
		return d, nil, fmt.Errorf("the first record has %d fields, the most that is read is %d; is this CSV?", len(first), columnsMax)
	}
	first = slices.Clone(first)
	after := s.at
	second, _ := s.next() // an error of it is found again, and its place
	if o.NoHeader || !isHeader(first, second) {
		d.start = mark
		for i := range first {
			names = append(names, columnName(i))
		}
		return d, names, nil
	}
	d.start, d.line = after, bytes.Count(sample[:after], []byte{'\n'})
	for i, f := range first {
		if !validText(f.text) {
			return d, nil, fmt.Errorf("the name %q of column %d is not UTF-8, or has a NUL; save the file as UTF-8", clip(f.text), i)
		}
		if len(f.text) == 0 && !f.quoted {
			names = append(names, columnName(i))
		} else {
			names = append(names, string(f.text))
		}
	}
	return d, names, nil
}

func columnName(i int) string { return fmt.Sprintf("column%d", i) }

// isHeader reports whether the first record names the columns: none of its fields would read as a value of another type than string, but
// one in quotes may, if what is below it has none. Where a name is there twice it may be data as well, if what is below is text too.
func isHeader(first, second []field) bool {
	seen := make(map[string]bool, len(first))
	twice := false
	for i, f := range first {
		twice = twice || seen[string(f.text)]
		seen[string(f.text)] = len(f.text) > 0
		if f.quoted && (i >= len(second) || !second[i].quoted) {
			continue
		}
		if c := classify(f.text); c != isText && c != isEmpty {
			return false
		}
	}
	if twice && !slices.ContainsFunc(second, func(f field) bool { c := classify(f.text); return !f.quoted && c != isText && c != isEmpty }) {
		return false
	}
	return len(first) > 1 || first[0].quoted || len(first[0].text) > 0
}

// tellComma finds the delimiter that gives each record of a sample as many fields, and the most of them; if none does so for all, the
// one that does for the most.
func tellComma(sample []byte, whole bool, path string) byte {
	order := []byte(delimiters)
	if lower := strings.ToLower(path); strings.HasSuffix(lower, ".tsv") || strings.HasSuffix(lower, ".tsv.gz") {
		order = []byte("\t,;|")
	}
	best, most, mostFields := order[0], 0, 0
	for _, comma := range order {
		counts := countFields(sample, comma, whole)
		if len(counts) == 0 {
			continue
		}
		often, fields := commonest(counts)
		if fields < 2 {
			continue
		}
		if share := often * firstRecords / len(counts); share > most || share == most && fields > mostFields {
			best, most, mostFields = comma, share, fields
		}
	}
	return best
}

// commonest is the count that is there most often, and how often.
func commonest(counts []int) (often, count int) {
	times := make(map[int]int)
	for _, n := range counts {
		times[n]++
		if times[n] > often {
			often, count = times[n], n
		}
	}
	return often, count
}

// clip is the beginning of a text, for messages.
func clip(b []byte) []byte {
	const most = 60
	if len(b) <= most {
		return b
	}
	return append(append([]byte(nil), b[:most]...), "..."...)
}
