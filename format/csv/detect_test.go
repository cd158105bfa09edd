package csv_test

import (
	"strings"
	"testing"

	"github.com/darray-go/darray/format/csv"
	"github.com/darray-go/darray/internal/leak"
)

// TestIs: what is CSV by its name, and what by its content.
func TestIs(t *testing.T) {
	leak.Check(t)
	table := "a,b,c\n1,2,3\n4,5,6\n"
	for _, c := range []struct {
		name, head string
		want       bool
	}{
		{"x.csv", "anything", true},
		{"X.CSV", table, true},
		{"x.tsv", "a\tb\n", true},
		{"x.txt", "\ufeffa,b\n", true},
		{"x.csv", "gr\xfc\xdfe;b\n", true}, // Open says that it is not UTF-8
		{"x.csv", "\xff\xfea\x00", true},   // and that it is UTF-16
		{"x.csv", "PAR1\x15\x04\x15", false},
		{"x.csv", "ARROW1\x00\x00", false},
		{"x.csv", "\x93NUMPY\x01\x00", false},
		{"x.csv", "\x1f\x8b\x08", false},
		{"x.csv", "", false},
		{"x.csv.gz", "\x1f\x8b\x08", true},
		{"x.tsv.gz", "\x1f\x8b\x08", true},
		{"x.json.gz", "\x1f\x8b\x08", false},
		{"x.csv.gz", table, true},
		{"x.dat", table, true},
		{"x", "a;b;c\r\n1;2;3", true},
		{"x", "\"a,\n\",b,c\n1,2,3\n", true},
		{"x", table[:6], false},
		{"x", "a,b\n1,2\n", false},
		{"x", "a,b,c\n1,2\n", false},
		{"x", "Some prose, with commas, here.\nAnd more of it.\n", false},
		{"x.json", "[1,2,3]\n[1,2,3]\n", false},
		{"x.json", "{\"a\":1,\"b\":2,\"c\":3}\n{\"a\":1,\"b\":2,\"c\":3}\n", false},
		{"x", strings.Repeat("long,words,1\n", 40)[:512], true},
	} {
		if got := csv.Format.Is([]byte(c.head), c.name); got != c.want {
			t.Errorf("%s of %q: %t", c.name, c.head, got)
		}
	}
}
