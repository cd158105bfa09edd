package csv_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/format/csv"
	"github.com/darray-go/darray/format/formattest"
	"github.com/darray-go/darray/internal/leak"
)

// allocated is the bytes that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// goodText is a text with all there is.
func goodText(t testing.TB) []byte {
	types := []arrow.DataType{arrow.PrimitiveTypes.Float64, arrow.PrimitiveTypes.Int64, arrow.BinaryTypes.String, arrow.FixedWidthTypes.Timestamp_us}
	return formattest.Encode(t, csv.Format, format.WriteOptions{}, formattest.Batch(types, 30, true, 1))
}

// TestBroken cuts a good text at every byte and puts other bytes into it: an error or other values, within memory. A text that is cut at
// the end of a record is a good one.
func TestBroken(t *testing.T) {
	leak.Check(t)
	data := goodText(t)
	try := func(broken []byte) {
		used := allocated(func() {
			_, _ = readText(t, csv.Steps(500), broken, format.Options{Budget: 1 << 20})
		})
		if used > 8<<20 {
			t.Errorf("%d bytes were allocated for %q", used, broken)
		}
	}
	for n := range data {
		try(data[:n])
		broken := bytes.Clone(data)
		broken[n] = "\x00\",\n\r9\xff"[n%7]
		try(broken)
	}
}

// TestLongField: a field that is longer than the budget is refused without taking its memory, with quotes or without, doubled or not.
func TestLongField(t *testing.T) {
	leak.Check(t)
	size := 100 << 20
	if testing.Short() {
		size = 16 << 20 // still above the budget
	}
	long := bytes.Repeat([]byte("x"), size)
	for name, field := range map[string][]byte{
		"plain":   long,
		"quoted":  append(append([]byte(`"`), long...), '"'),
		"doubled": append(append([]byte(`"a""`), long...), '"'),
	} {
		text := append([]byte("a,b\n1,y\n2,"), field...)
		text = append(text, "\n3,z\n"...)
		used := allocated(func() {
			_, err := readText(t, csv.Format, text, format.Options{Budget: 10 << 20})
			if err == nil || !strings.Contains(err.Error(), `row 1 (line 3, byte 10), column "b": a text of`) || !strings.Contains(err.Error(), "raise Options.Budget") {
				t.Errorf("%s: %v", name, err)
			}
		})
		if used > 32<<20 {
			t.Errorf("%s: %d bytes were allocated", name, used)
		}
		if rows, err := readText(t, csv.Format, text, format.Options{}); rows != 3 || err != nil {
			t.Errorf("%s: %d rows, %v", name, rows, err)
		}
	}
	first := append([]byte("a,"), long...)
	if _, err := readText(t, csv.Format, first, format.Options{}); err == nil || !strings.Contains(err.Error(), "the first record is longer than 1048576 bytes") {
		t.Error(err)
	}
	if _, err := readText(t, csv.Format, bytes.Repeat([]byte(","), 100_000), format.Options{}); err == nil || !strings.Contains(err.Error(), "the first record has 100001 fields") {
		t.Error(err)
	}
	rows := bytes.Repeat([]byte("1,2\n"), 1<<20)
	if _, err := readText(t, csv.Format, rows, format.Options{Budget: 1 << 20}); err == nil || !strings.Contains(err.Error(), "raise Options.Budget") {
		t.Error(err)
	}
}

// TestIndex: a file opened by its index is the same, and an index that is changed, of another file or of other options is refused.
func TestIndex(t *testing.T) {
	leak.Check(t)
	data := goodText(t)
	one := csv.Steps(64)
	f := formattest.Open(t, one, "x.csv", data, format.Options{})
	again := formattest.Open(t, one, "x.csv", data, format.Options{Index: f.Index})
	if a, b := show(t, f), show(t, again); a != b || !bytes.Equal(f.Index, again.Index) {
		t.Errorf("%q, by its index %q", a, b)
	}
	if len(f.Batches) < 10 {
		t.Errorf("batches of %v", f.Batches)
	}
	o := format.Options{CSV: format.CSVOptions{NoHeader: true}}
	marked := []byte("\ufeff1,2\n3,4\n")
	f2 := formattest.Open(t, one, "x.csv", marked, o)
	o.Index = f2.Index
	if a, b := show(t, f2), show(t, formattest.Open(t, one, "x.csv", marked, o)); a != b {
		t.Errorf("%q, by its index %q", a, b)
	}
	all := formattest.Encode(t, csv.Format, format.WriteOptions{}, formattest.Batch(held(), 200, true, 1))
	f3 := formattest.Open(t, typed(one, held()), "x.csv", all, format.Options{})
	if a, b := show(t, f3), show(t, formattest.Open(t, typed(one, held()), "x.csv", all, format.Options{Index: f3.Index})); a != b {
		t.Errorf("%q, by its index %q", a, b)
	}
	refused := func(what string, index, data []byte, o format.CSVOptions) {
		t.Helper()
		_, err := format.Open(t.Context(), one, format.Memory("x.csv", data), format.Options{Index: index, CSV: o})
		if err == nil || !strings.Contains(err.Error(), "Options.Index is of another file") {
			t.Errorf("%s: %v", what, err)
		}
	}
	for i := range f.Index {
		broken := bytes.Clone(f.Index)
		broken[i] ^= 1 << (i % 8)
		refused("a bit", broken, data, format.CSVOptions{})
		refused("cut", f.Index[:i], data, format.CSVOptions{})
	}
	refused("another file", f.Index, append(bytes.Clone(data), "1,2,,\n"...), format.CSVOptions{})
	refused("other options", f.Index, data, format.CSVOptions{NoHeader: true})
}

// TestHostileIndex: an index with a good sum but anything in it is refused, or leads to errors, or to values.
func TestHostileIndex(t *testing.T) {
	leak.Check(t)
	data := goodText(t)
	one := csv.Steps(64)
	f := formattest.Open(t, one, "x.csv", data, format.Options{})
	n := len(f.Index) - crc32.Size
	for i := len("csvindex\x01"); i < n; i++ {
		for _, c := range []byte{0, 1, 0x7f, 0x80, 0xff, f.Index[i] + 1, f.Index[i] - 1} {
			index := bytes.Clone(f.Index)
			index[i] = c
			binary.BigEndian.PutUint32(index[n:], crc32.ChecksumIEEE(index[:n]))
			used := allocated(func() { _, _ = readText(t, one, data, format.Options{Index: index, Budget: 1 << 20}) })
			if used > 8<<20 {
				t.Errorf("byte %d as %d: %d bytes were allocated", i, c, used)
			}
		}
	}
}

// TestChanged: text that is not what the index says is an error.
func TestChanged(t *testing.T) {
	leak.Check(t)
	data := []byte("a,b\n" + strings.Repeat("1,2\n", 100))
	f := formattest.Open(t, csv.Steps(16), "x.csv", data, format.Options{})
	for _, other := range []string{strings.Repeat("1,234567", 50), "a,b\n" + strings.Repeat("1,2\n\n\n\n\n", 50), "a,b\n" + strings.Repeat("1,2222\n3", 50)} {
		if _, err := readText(t, csv.Steps(16), []byte(other)[:len(data)], format.Options{Index: f.Index}); err == nil {
			t.Errorf("%q was read", other[:30])
		}
	}
}

// counted is a file that is read, not mapped, and ends a context when it is asked for the n-th time.
type counted struct {
	data   []byte
	left   atomic.Int64
	cancel context.CancelFunc
}

func (c *counted) View(ctx context.Context, at, n int) ([]byte, error) {
	b := make([]byte, n)
	return b, c.Fill(ctx, b, at)
}

func (c *counted) Fill(_ context.Context, dst []byte, at int) error {
	if c.left.Add(-1) == 0 {
		c.cancel()
	}
	copy(dst, c.data[at:])
	return nil
}

func (*counted) Close() error { return nil }

// TestCancel: a context that ends while a file is opened, or read, ends that.
func TestCancel(t *testing.T) {
	leak.Check(t)
	data := []byte("a,b\n" + strings.Repeat("1,2\n", 2<<20))
	random := make([]byte, 8<<20)
	for i := range random {
		random[i] = byte('a' + i*i*7919/1000%26) // so that there is much to unpack
	}
	for name, data := range map[string][]byte{"text": data, "gzip": zip(t, append(append([]byte("a,b\n1,"), random...), '\n'))} {
		for calls := 1; calls < 6; calls++ {
			ctx, cancel := context.WithCancel(t.Context())
			c := &counted{data: data, cancel: cancel}
			in := format.NewInput("x.csv", len(data), "1", c)
			c.left.Store(int64(calls))
			if _, err := format.Open(ctx, csv.Format, in, format.Options{}); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: Open that is ended at call %d: %v", name, calls, err)
			}
			cancel()
		}
	}
	c := &counted{data: data}
	f, err := format.Open(t.Context(), csv.Format, format.NewInput("x.csv", len(data), "1", c), format.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if rows, err := f.Read(t.Context(), []int{1}, 0, f.Rows); err != nil || rows[0].Len() != 2<<20 {
		t.Fatal(err)
	}
	for calls := 1; calls < 6; calls++ {
		ctx, cancel := context.WithCancel(t.Context())
		c.cancel = cancel
		c.left.Store(int64(calls))
		if _, err := f.Read(ctx, []int{0, 1}, 0, f.Rows); !errors.Is(err, context.Canceled) {
			t.Errorf("Read that is ended at call %d: %v", calls, err)
		}
		cancel()
	}
}

// FuzzStandard compares with encoding/csv, whatever the bytes.
func FuzzStandard(f *testing.F) {
	f.Add(goodText(f), 0)
	f.Add([]byte("a,b\n1,2\n3,4"), 1)
	f.Add([]byte("a;b\r\n\"x\ny\";\"\"\"\"\r\n\r\n;2\r"), 7)
	f.Add([]byte("\ufeffa|b\n\"|\"|2\n"), 3)
	f.Add(zip(f, []byte("a,b\n1,2\n")), 9)
	f.Add([]byte("t\n2012-01-31T12:00:00.5Z\n"), 2)
	f.Fuzz(func(t *testing.T, text []byte, step int) {
		one := csv.Steps(1 + (step&0xff+0x100)%0x100)
		_, err := readText(t, one, text, format.Options{Budget: 1 << 20})
		if bytes.HasPrefix(text, []byte("\x1f\x8b")) {
			return
		}
		want, wantErr := byStandard(text, ',')
		got, gotErr := byFormat(t, one, text, ',')
		switch {
		case wantErr != nil && gotErr == nil:
			t.Errorf("%q was read as %q; the standard says %v", text, got, wantErr)
		case gotErr == nil:
			if err := sameRecords(got, want); err != nil {
				t.Errorf("%q: %v", text, err)
			}
		case wantErr == nil && len(want) > 0 && !unread(text, gotErr):
			t.Errorf("%q: %v, and typed as told %v; the standard reads %q", text, gotErr, err, want)
		}
	})
}

// unread reports whether an error is of what the standard reads and this package refuses.
func unread(text []byte, err error) bool {
	for _, known := range []string{"UTF-8", "NUL", `\r alone`, "UTF-16"} {
		if strings.Contains(err.Error(), known) {
			return true
		}
	}
	return false
}
