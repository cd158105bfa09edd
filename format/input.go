package format

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray/array"
)

// Input is the bytes of a file, wherever it lies. Its methods may be called from several goroutines.
type Input struct {
	Path    string // for messages, and to know the format where content does not tell
	Size    int    // bytes
	Version string // a mark of the content, the same on every rank that sees the same file
	Mapped  bool   // View copies nothing

	bytes Bytes

	mu     sync.Mutex
	users  int  // calls that read
	done   bool // Close was called
	viewed bool // somebody may still see what was viewed
}

// Bytes is what an Input reads. Ranges lie within the size that was told. Where they are memory of the system they may have a method
// Unmap, which is called in place of Close when nobody reads and nothing that was viewed is kept.
type Bytes interface {
	// View gives n bytes at a position, not to be written: fresh memory, or memory that stays as long as the Bytes are reachable,
	// even after Close.
	View(ctx context.Context, at, n int) ([]byte, error)
	// Fill reads bytes from a position into dst.
	Fill(ctx context.Context, dst []byte, at int) error
	Close() error
}

// NewInput is the input over b: of a size, with a mark of its content.
func NewInput(path string, size int, version string, b Bytes) *Input {
	_, mapped := b.(*mapping)
	return &Input{Path: path, Size: size, Version: version, Mapped: mapped, bytes: b}
}

// Memory is an input over bytes, which must not change.
func Memory(path string, data []byte) *Input {
	return NewInput(path, len(data), fmt.Sprintf("%d bytes", len(data)), &mapping{data: data})
}

// OpenLocal opens a regular file, by mapping it unless o.Copy says otherwise or the system cannot. Its version is its size and
// modification time. The input is to be closed.
func OpenLocal(path string, o Options) (*Input, error) {
	info, err := os.Stat(path) // before Open, which waits for a writer of a named pipe
	if err != nil {
		return nil, describe(path, err)
	}
	switch {
	case info.IsDir():
		return nil, fmt.Errorf("%s: is a directory; name the files in it", path)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: is not a regular file; copy what it holds to one first", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, describe(path, err)
	}
	if info, err = file.Stat(); err != nil {
		return nil, errors.Join(describe(path, err), file.Close())
	}
	size := int(info.Size())
	version := fmt.Sprintf("%d@%d", size, info.ModTime().UnixNano())
	if !o.Copy && size > 0 {
		if m, err := newMapping(file, size); err == nil {
			_ = file.Close() // the mapping stays
			return NewInput(path, size, version, m), nil
		}
	}
	return NewInput(path, size, version, copying{file}), nil
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

// View gives n bytes at a position, not to be written, for the call of a Format or Reader that asks: what stays beyond it is kept by
// Buffer.
func (in *Input) View(ctx context.Context, at, n int) ([]byte, error) {
	if err := in.within(at, n); err != nil {
		return nil, err
	}
	return in.bytes.View(ctx, at, n)
}

// Fill reads the bytes from a position on into dst.
func (in *Input) Fill(ctx context.Context, dst []byte, at int) error {
	if err := in.within(at, len(dst)); err != nil {
		return err
	}
	return in.bytes.Fill(ctx, dst, at)
}

// within checks a range before anything is allocated for it.
func (in *Input) within(at, n int) error {
	if at < 0 || n < 0 || at > in.Size-n {
		return fmt.Errorf("bytes [%d, %d+%d) of a file of %d", at, at, n, in.Size)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.done && in.users == 0 {
		return errClosed
	}
	return nil
}

// Section is bytes [at, at+n) as a reader, for libraries, as long as ctx lasts.
func (in *Input) Section(ctx context.Context, at, n int) *io.SectionReader {
	return io.NewSectionReader(readerAt{ctx, in}, int64(at), int64(n))
}

// readerAt is an Input as libraries read files, for the time of one call.
type readerAt struct {
	ctx context.Context
	in  *Input
}

func (r readerAt) ReadAt(dst []byte, at int64) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	if at < 0 || at >= int64(r.in.Size) {
		return 0, io.EOF
	}
	n := min(len(dst), r.in.Size-int(at))
	if err := r.in.Fill(r.ctx, dst[:n], int(at)); err != nil {
		return 0, err
	}
	if n < len(dst) {
		return n, io.EOF
	}
	return n, nil
}

// Buffer is a view of the input as an Arrow buffer that keeps the input reachable, and its memory as long; releasing it frees nothing.
func (in *Input) Buffer(view []byte) *memory.Buffer {
	in.mu.Lock()
	in.viewed = true
	in.mu.Unlock()
	return memory.NewBufferWithAllocator(view, &keeper{in: in})
}

// keeper is the allocator of buffers over an input.
type keeper struct {
	memory.GoAllocator
	in *Input
}

// Free does nothing: the memory is the input's.
func (*keeper) Free([]byte) {}

// Close ends reading, when the calls that are under way have ended. What Buffer was called for stays good. Safe twice.
func (in *Input) Close() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.done {
		return nil
	}
	in.done = true
	return in.end()
}

// begin is the start of a call that reads, which leave ends.
func (in *Input) begin() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.done {
		return errClosed
	}
	in.users++
	return nil
}

// leave ends what begin has begun.
func (in *Input) leave() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.users--
	return in.end()
}

// end closes what is read if nobody reads any more.
func (in *Input) end() error {
	if !in.done || in.users > 0 {
		return nil
	}
	if m, ok := in.bytes.(interface{ Unmap() }); ok && !in.viewed {
		m.Unmap()
		return nil
	}
	return in.bytes.Close()
}

// errClosed is a read of a file after Close.
var errClosed = errors.New("the file is closed; open it again")

func (in *Input) closed() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.done {
		return errClosed
	}
	return nil
}

// wrap adds the file's name.
func (in *Input) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", in.Path, err)
}

// errCut is a file that became shorter while it was open.
var errCut = errors.New("the file became shorter while it was open; write new versions to another name and rename them")

// copying reads a file into memory of the garbage collector.
type copying struct{ file *os.File }

func (c copying) View(ctx context.Context, at, n int) ([]byte, error) {
	b := array.AllocBytes(n)
	return b, c.Fill(ctx, b, at)
}

func (c copying) Fill(_ context.Context, dst []byte, at int) error {
	n, err := c.file.ReadAt(dst, int64(at))
	if n == len(dst) {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return errCut
	}
	return err
}

func (c copying) Close() error { return c.file.Close() }
