// Package arrowipc reads and writes Arrow IPC: the file format and the stream format, column by column, by rows.
//
// Files are mapped, and blocks of uncompressed columns view the mapping without a copy. A block keeps its mapping alive; a
// slice made by array.Values does not, so keep the block as long as the slice (runtime.KeepAlive). A mapped file must not
// be cut short while it is in use: reading past the new end of a view ends the process with SIGBUS. Writers that rename a
// new file into place, as this package does, are safe. Options.Copy reads into memory instead.
package arrowipc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
)

// Options of Open. The zero value maps the file.
type Options struct {
	// Copy reads into memory instead of mapping: slower, and safe where others may cut the file short while it is in use.
	Copy bool
	// Budget is the bytes that one Read may allocate; 0 is 1 GiB or 64 times the file's size, whichever is more. It stops
	// small files that unpack to more than fits in memory.
	Budget int
	// Unmarked accepts a stream without its end-of-stream marker. Such a file cannot be told from one cut between two
	// batches, so by default it is an error.
	Unmarked bool
}

// File is an open Arrow file or stream. Its fields are not to be changed; its methods may be called from several goroutines.
type File struct {
	Path        string
	Schema      *arrow.Schema
	Rows        int
	Batches     []int  // rows of each record batch, in order
	Bytes       int64  // size of the file
	Version     string // a mark of the content: size and modification time
	Compression string // "", "lz4", "zstd", or "mixed" where batches differ
	Stream      bool   // the stream format, else the file format
	Mapped      bool   // blocks may view the file; false with Options.Copy and on file systems without mappings

	layout *layout
	at     []int // where each batch's message begins
	starts []int // the first row of each batch; one more for the end
	budget int

	mu  sync.Mutex
	src source // nil once closed
}

// Open opens an Arrow IPC file or stream and reads the metadata of every batch: the row counts and where each buffer lies.
// It reads no values. The file is to be closed; blocks read from it stay valid.
func Open(path string, o Options) (*File, error) {
	src, info, err := openSource(path, o)
	if err != nil {
		return nil, describe(path, err)
	}
	f, err := newFile(path, src, int(info.Size()), o)
	if err != nil {
		_ = src.close()
		return nil, err
	}
	_, f.Mapped = src.(*mapping)
	f.Version = mark(info)
	return f, nil
}

// newFile reads the metadata of a source. It is the caller's to close.
func newFile(path string, src source, size int, o Options) (f *File, err error) {
	defer guard(path, &err, debug.SetPanicOnFault(true))
	f = &File{Path: path, Bytes: int64(size), budget: o.Budget, src: src}
	if f.budget == 0 {
		f.budget = max(1<<30, 64*size)
	}
	if err := f.scan(o); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// mark is a file's Version, the same on every rank that sees the same file: its size and modification time.
func mark(info fs.FileInfo) string {
	return fmt.Sprintf("%d@%d", info.Size(), info.ModTime().UnixNano())
}

// openSource opens the bytes of a regular file that is not empty.
func openSource(path string, o Options) (source, fs.FileInfo, error) {
	info, err := os.Stat(path) // before Open, which waits for a writer of a named pipe
	if err != nil {
		return nil, nil, err
	}
	switch {
	case info.IsDir():
		return nil, nil, errors.New("is a directory; name a file in it")
	case !info.Mode().IsRegular():
		return nil, nil, errors.New("is not a regular file; copy what it holds to one first")
	case info.Size() == 0:
		return nil, nil, errors.New("is empty; write it again")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	if info, err = file.Stat(); err != nil {
		_ = file.Close()
		return nil, nil, err
	}
	size := int(info.Size())
	if !o.Copy {
		if m, err := newMapping(file, size); err == nil {
			_ = file.Close() // the mapping stays
			return m, info, nil
		}
	}
	return &copying{file, size}, info, nil
}

// describe adds the path and what to do to an error of the operating system.
func describe(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w; check the name and the folder the program runs in", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; ask the file's owner for the right to read it", err)
	}
	return fmt.Errorf("%s: %w", path, err)
}

// guard turns a panic into an error that names the file: a fault where a mapped file was cut, and whatever malformed
// input arrow-go does not expect. Deferred with debug.SetPanicOnFault(true), it also puts that setting back.
func guard(path string, err *error, faults bool) {
	debug.SetPanicOnFault(faults)
	switch r := recover().(type) {
	case nil:
	case interface{ Addr() uintptr }:
		*err = fmt.Errorf("%s: %w", path, errCut)
	default:
		*err = fmt.Errorf("%s: is malformed: %v", path, r)
	}
}

// magic opens and closes the file format.
const magic = "ARROW1"

// scan finds the schema and all batches.
func (f *File) scan(o Options) error {
	size := int(f.Bytes)
	head, err := f.src.view(extent{0, min(len(magic), size)})
	if err != nil {
		return err
	}
	f.Stream = string(head) != magic
	start, limit := 0, size
	var blocks vector
	if !f.Stream {
		start = 8 // the magic, padded
		if blocks, limit, err = f.footer(size); err != nil {
			return err
		}
	}
	m, err := readMessage(f.src, start, limit)
	if f.Stream && err != nil && !strings.HasPrefix(string(head), "\xff\xff\xff\xff") {
		return errNotArrow
	}
	if err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	if f.Schema, err = readSchema(m); err != nil {
		return err
	}
	l := newLayout(f.Schema, m.version)
	f.starts = []int{0}
	if f.Stream {
		err = f.scanStream(l, m.body.end(), limit, o)
	} else {
		err = f.scanBlocks(l, blocks, limit)
	}
	if err != nil {
		return err
	}
	f.layout = l
	return nil
}

// footer finds the list of batches at the end of a file, and where the footer begins.
func (f *File) footer(size int) (blocks vector, limit int, err error) {
	const tail = 4 + len(magic) // length, magic
	if size < 8+tail {
		return vector{}, 0, errTruncated
	}
	end, err := f.src.view(extent{size - tail, tail})
	if err != nil {
		return vector{}, 0, err
	}
	if string(end[4:]) != magic {
		return vector{}, 0, errors.New("truncated: the footer of the file is missing; copy or write it again")
	}
	n := int(int32(binary.LittleEndian.Uint32(end)))
	if n <= 0 || n > size-8-tail {
		return vector{}, 0, fmt.Errorf("the footer says that it has %d bytes", n)
	}
	limit = size - tail - n
	b, err := f.src.view(extent{limit, n})
	if err != nil {
		return vector{}, 0, err
	}
	t, fb := root(b)
	if blocks = t.vector(footerBatches, blockSize); fb.bad {
		return vector{}, 0, errors.New("the footer is corrupt")
	}
	return blocks, limit, nil
}

// scanBlocks reads the metadata of the batches that a footer lists.
func (f *File) scanBlocks(l *layout, blocks vector, limit int) error {
	for i := range blocks.n {
		at, meta, body := blocks.i64(i, 0), blocks.i32(i, 8), blocks.i64(i, 16)
		if at < 8 || at > int64(limit) {
			return fmt.Errorf("batch %d: the footer says that it is at byte %d of %d", i, at, limit)
		}
		m, err := readMessage(f.src, int(at), limit)
		if err != nil {
			return fmt.Errorf("batch %d: %w", i, err)
		}
		if m.kind != kindBatch || len(m.meta) != int(meta) || m.body.n != int(body) {
			return fmt.Errorf("batch %d: what lies at byte %d is not what the footer says", i, at)
		}
		if err := f.addBatch(l, m, int(at)); err != nil {
			return fmt.Errorf("batch %d: %w", i, err)
		}
	}
	return nil
}

// scanStream reads the metadata of the messages up to the end-of-stream marker.
func (f *File) scanStream(l *layout, at, limit int, o Options) error {
	for {
		m, err := readMessage(f.src, at, limit)
		switch {
		case errors.Is(err, errEnd) && o.Unmarked:
			return nil
		case errors.Is(err, errEnd):
			return fmt.Errorf("truncated: the stream has no end marker after %d batches of %d rows; write it again, or accept it with Options.Unmarked",
				len(f.Batches), f.Rows)
		case err != nil:
			return fmt.Errorf("after %d batches of %d rows: %w", len(f.Batches), f.Rows, err)
		}
		if m.end {
			if rest := limit - m.body.end(); rest > 0 {
				return fmt.Errorf("%d bytes follow the end-of-stream marker; keep one stream a file", rest)
			}
			return nil
		}
		switch m.kind {
		case kindBatch:
			if err := f.addBatch(l, m, at); err != nil {
				return fmt.Errorf("batch %d: %w", len(f.Batches), err)
			}
		case kindDictionary: // of columns that are not read
		default:
			return fmt.Errorf("an unexpected message of kind %d at byte %d", m.kind, at)
		}
		at = m.body.end()
	}
}

// addBatch checks a batch, so that reading any readable column of it finds its buffers, and adds it.
func (f *File) addBatch(l *layout, m message, at int) error {
	b, err := parseBatch(m, l)
	if err != nil {
		return err
	}
	for i, c := range l.columns {
		if c.dtype.Valid() {
			if _, err := b.piece(c); err != nil {
				return fmt.Errorf("column %q: %w", f.Schema.Field(i).Name, err)
			}
		}
	}
	if m.header.f.bad {
		return errors.New("its metadata is corrupt")
	}
	if f.Rows, err = addRows(f.Rows, b.rows); err != nil {
		return err
	}
	if name := b.codec.String(); len(f.Batches) == 0 {
		f.Compression = name
	} else if f.Compression != name {
		f.Compression = "mixed"
	}
	f.Batches = append(f.Batches, b.rows)
	f.at = append(f.at, at)
	f.starts = append(f.starts, f.Rows)
	return nil
}
