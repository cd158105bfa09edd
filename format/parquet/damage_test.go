package parquet_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	arrowparquet "github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/metadata"

	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/format/formattest"
	"github.com/darray-go/darray/format/parquet"
	"github.com/darray-go/darray/internal/leak"
)

// footer is the metadata of a good file, and where it begins.
func footer(t testing.TB, data []byte) (*metadata.FileMetaData, int) {
	t.Helper()
	at := len(data) - 8 - int(binary.LittleEndian.Uint32(data[len(data)-8:]))
	meta, err := metadata.NewFileMetaData(data[at:len(data)-8], nil)
	if err != nil {
		t.Fatal(err)
	}
	return meta, at
}

// withFooter is the file with its metadata changed.
func withFooter(t testing.TB, data []byte, change func(*metadata.FileMetaData)) []byte {
	t.Helper()
	meta, at := footer(t, data)
	change(meta)
	raw, err := meta.Serialize(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := append(bytes.Clone(data[:at]), raw...)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(raw)))
	return append(out, "PAR1"...)
}

// readAll opens a file and reads everything.
func readAll(ctx context.Context, data []byte, o format.Options) error {
	file, err := format.Open(ctx, parquet.Format, format.Memory("a.parquet", data), o)
	if err != nil {
		return err
	}
	defer file.Close()
	for i := range file.Schema.NumFields() {
		if _, err := file.Read(ctx, []int{i}, 0, file.Rows); err != nil {
			return err
		}
	}
	return nil
}

// TestChecksums: a change of any byte of any page is found; 13 bytes apart all are tried.
func TestChecksums(t *testing.T) {
	leak.Check(t)
	for _, codec := range []string{"none", "zstd"} {
		data := formattest.Encode(t, parquet.Format, format.WriteOptions{Compression: codec, BatchRows: 400}, formattest.Batch(held(), 1000, true, 11))
		meta, end := footer(t, data)
		if len(meta.RowGroups) != 3 {
			t.Fatalf("%d row groups", len(meta.RowGroups))
		}
		for at := 4; at < end; at += 1301 {
			broken := bytes.Clone(data)
			broken[at] ^= 0x10
			if err := readAll(t.Context(), broken, format.Options{}); err == nil {
				t.Errorf("%s: byte %d changed and nothing was said", codec, at)
			}
		}
		// In the middle of the largest page, where no header is.
		m := meta.RowGroups[0].Columns[len(formattest.Numbers())-1].MetaData
		broken := bytes.Clone(data)
		broken[int(m.DataPageOffset)+int(m.TotalCompressedSize)/4] ^= 1
		if err := readAll(t.Context(), broken, format.Options{}); err == nil || !strings.Contains(err.Error(), "checksum") || !strings.Contains(err.Error(), "a.parquet") {
			t.Error(err)
		}
	}
}

// TestClaims: numbers in a footer that cannot be true are errors before memory is taken for them.
func TestClaims(t *testing.T) {
	leak.Check(t)
	good := formattest.Encode(t, parquet.Format, format.WriteOptions{BatchRows: 20}, formattest.Batch(formattest.Numbers()[9:], 50, true, 2))
	for name, change := range map[string]func(*metadata.FileMetaData){
		"rows of the file":   func(m *metadata.FileMetaData) { m.NumRows = 1 << 40 },
		"negative rows":      func(m *metadata.FileMetaData) { m.NumRows = -1; m.RowGroups[0].NumRows = -41 },
		"rows of a group":    func(m *metadata.FileMetaData) { m.RowGroups[0].NumRows, m.NumRows = 1<<40, 1<<40+30 },
		"one row more":       func(m *metadata.FileMetaData) { m.RowGroups[0].NumRows++; m.NumRows++ },
		"one row less":       func(m *metadata.FileMetaData) { m.RowGroups[0].NumRows--; m.NumRows-- },
		"values of a column": func(m *metadata.FileMetaData) { m.RowGroups[0].Columns[0].MetaData.NumValues = 1 << 40 },
		"size of a column":   func(m *metadata.FileMetaData) { m.RowGroups[0].Columns[0].MetaData.TotalCompressedSize = 1 << 40 },
		"place of a column":  func(m *metadata.FileMetaData) { m.RowGroups[0].Columns[0].MetaData.DataPageOffset = -1 << 60 },
		"place of a dictionary": func(m *metadata.FileMetaData) {
			at := int64(1)
			m.RowGroups[0].Columns[0].MetaData.DictionaryPageOffset = &at
		},
		"another codec":          func(m *metadata.FileMetaData) { m.RowGroups[0].Columns[0].MetaData.Codec = 6 },
		"no codec":               func(m *metadata.FileMetaData) { m.RowGroups[0].Columns[0].MetaData.Codec = 77 },
		"another type":           func(m *metadata.FileMetaData) { m.RowGroups[0].Columns[0].MetaData.Type = 2 },
		"a column less":          func(m *metadata.FileMetaData) { m.RowGroups[0].Columns = m.RowGroups[0].Columns[1:] },
		"another file":           func(m *metadata.FileMetaData) { p := "b.parquet"; m.RowGroups[0].Columns[0].FilePath = &p },
		"rows and values":        func(m *metadata.FileMetaData) { claimAll(m, 1<<31) },
		"rows beyond the budget": func(m *metadata.FileMetaData) { claimAll(m, 1<<50) },
		"a group twice": func(m *metadata.FileMetaData) {
			m.RowGroups = append(m.RowGroups, m.RowGroups[0])
		},
		"a schema without end": func(m *metadata.FileMetaData) {
			n := int32(1 << 30)
			m.Schema.Root()
			m.FileMetaData.Schema[0].NumChildren = &n
		},
		"a schema of nothing": func(m *metadata.FileMetaData) { m.FileMetaData.Schema = m.FileMetaData.Schema[:1] },
	} {
		err := readAll(t.Context(), withFooter(t, good, change), format.Options{Budget: 64 << 20})
		if err == nil || !strings.Contains(err.Error(), "a.parquet") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := readAll(t.Context(), withFooter(t, good, func(*metadata.FileMetaData) {}), format.Options{}); err != nil {
		t.Errorf("the file as it was: %v", err)
	}
}

// claimAll says that all columns of the first row group have n rows.
func claimAll(m *metadata.FileMetaData, n int64) {
	m.NumRows += n - m.RowGroups[0].NumRows
	m.RowGroups[0].NumRows = n
	for _, c := range m.RowGroups[0].Columns {
		c.MetaData.NumValues = n
	}
}

// TestOtherFiles: what is no Parquet file that can be read says so.
func TestOtherFiles(t *testing.T) {
	leak.Check(t)
	good := formattest.Encode(t, parquet.Format, format.WriteOptions{}, formattest.Batch(formattest.Numbers()[9:], 50, true, 2))
	for _, c := range []struct {
		data []byte
		want string
	}{
		{[]byte("PAR1"), "cut short"},
		{good[:len(good)-1], "cut short"},
		{append(bytes.Clone(good[:len(good)-4]), "PARE"...), "encrypted"},
		{append(bytes.Clone(good[:len(good)-8]), "\xff\xff\xff\xffPAR1"...), "footer of 4294967295 bytes"},
		{append(bytes.Clone(good[:len(good)-8]), "\x00\x00\x00\x00PAR1"...), "footer"},
	} {
		if err := readAll(t.Context(), c.data, format.Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v; want %q", err, c.want)
		}
	}
}

// TestEncrypted: files whose footer is in the clear and whose columns are not.
func TestEncrypted(t *testing.T) {
	leak.Check(t)
	key := arrowparquet.NewFileEncryptionProperties("0123456789012345", arrowparquet.WithPlaintextFooter())
	data := library(t, formattest.Batch(formattest.Numbers(), 50, true, 2), 50, arrowparquet.WithEncryptionProperties(key))
	if err := readAll(t.Context(), data, format.Options{}); err == nil || !strings.Contains(err.Error(), "is encrypted; write it again without") {
		t.Error(err)
	}
}

// TestBudget: what takes more than the budget is an error that says so, in columns of all kinds.
func TestBudget(t *testing.T) {
	leak.Check(t)
	for _, d := range []arrow.DataType{arrow.PrimitiveTypes.Int64, arrow.BinaryTypes.String, arrow.ListOf(arrow.PrimitiveTypes.Int64), arrow.FixedWidthTypes.Boolean} {
		data := formattest.Encode(t, parquet.Format, format.WriteOptions{}, formattest.Batch([]arrow.DataType{d}, 20000, true, 2))
		if err := readAll(t.Context(), data, format.Options{Budget: 30000 - 25000*btoi(d.ID() == arrow.BOOL)}); err == nil || !strings.Contains(err.Error(), "raise Options.Budget") {
			t.Errorf("%s: %v", d, err)
		}
		if err := readAll(t.Context(), data, format.Options{Budget: 16 << 20}); err != nil {
			t.Errorf("%s: %v", d, err)
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestContext: reading ends when the context does.
func TestContext(t *testing.T) {
	leak.Check(t)
	data := formattest.Encode(t, parquet.Format, format.WriteOptions{BatchRows: 100}, formattest.Batch(held(), 1000, true, 2))
	file := formattest.Open(t, parquet.Format, "a.parquet", data, format.Options{})
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := file.Read(ended, []int{0}, 0, 10); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	for i := range file.Schema.NumFields() {
		ctx, end := context.WithCancel(t.Context())
		b := &ending{data: data, end: end, left: 1 << 30}
		file, err := format.Open(ctx, parquet.Format, format.NewInput("a.parquet", len(data), "1", b), format.Options{})
		if err != nil {
			t.Fatal(err)
		}
		b.left = 3
		if _, err := file.Read(ctx, []int{i}, 0, file.Rows); !errors.Is(err, context.Canceled) {
			t.Errorf("column %d: %v", i, err)
		}
		if b.left < -4 {
			t.Errorf("column %d: %d reads after the end", i, -b.left)
		}
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	}
}

// ending is bytes that end a context after so many reads.
type ending struct {
	mu   sync.Mutex
	data []byte
	left int
	end  func()
}

func (e *ending) View(ctx context.Context, at, n int) ([]byte, error) {
	b := make([]byte, n)
	return b, e.Fill(ctx, b, at)
}

func (e *ending) Fill(_ context.Context, dst []byte, at int) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.left--; e.left < 0 {
		e.end()
	}
	copy(dst, e.data[at:])
	return nil
}

func (e *ending) Close() error { return nil }

// FuzzRead opens and reads whatever it gets.
func FuzzRead(f *testing.F) {
	text := arrow.BinaryTypes.String
	kinds := []arrow.DataType{
		arrow.PrimitiveTypes.Float64, arrow.PrimitiveTypes.Int16, arrow.FixedWidthTypes.Boolean, text, arrow.ListOf(text),
		&arrow.Decimal128Type{Precision: 30, Scale: 4}, &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: text},
	}
	e := arrowparquet.Encodings
	for _, d := range kinds {
		batch := formattest.Batch([]arrow.DataType{d}, 30, true, 6)
		for _, version := range []arrowparquet.DataPageVersion{arrowparquet.DataPageV1, arrowparquet.DataPageV2} {
			for _, dictionary := range []bool{false, true} {
				f.Add(library(f, batch, 20, arrowparquet.WithDataPageVersion(version), arrowparquet.WithDictionaryDefault(dictionary), arrowparquet.WithStats(false)))
			}
		}
	}
	for _, codec := range []string{"snappy", "gzip", "brotli", "zstd", "lz4"} {
		f.Add(formattest.Encode(f, parquet.Format, format.WriteOptions{Compression: codec}, formattest.Batch(kinds[:4], 20, true, 6)))
	}
	plain := arrowparquet.WithDictionaryDefault(false)
	f.Add(library(f, formattest.Batch(formattest.Numbers()[4:5], 30, true, 6), 30, plain, arrowparquet.WithEncoding(e.DeltaBinaryPacked)))
	f.Add(library(f, formattest.Batch(formattest.Numbers()[9:], 30, true, 6), 30, plain, arrowparquet.WithEncoding(e.ByteStreamSplit)))
	f.Add(library(f, formattest.Batch([]arrow.DataType{text}, 30, true, 6), 30, plain, arrowparquet.WithEncoding(e.DeltaByteArray)))
	f.Add(library(f, formattest.Batch([]arrow.DataType{text}, 30, true, 6), 30, plain, arrowparquet.WithEncoding(e.DeltaLengthByteArray)))
	f.Add(library(f, formattest.Batch(formattest.Numbers()[:1], 30, true, 6), 30, plain, arrowparquet.WithEncoding(e.RLE)))
	f.Add(library(f, formattest.Batch(kinds, 20, true, 6), 20, arrowparquet.WithCompression(compress.Codecs.Snappy)))
	f.Fuzz(func(t *testing.T, data []byte) {
		_ = readAll(t.Context(), data, format.Options{Budget: 16 << 20})
	})
}
