package arrowipc

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/darray-go/darray/array"
)

// Writer writes an Arrow file batch by batch under a temporary name in the same folder. Commit puts it in place; Abort,
// which may always be deferred, removes it. After an error only Abort is left to call. It is for one goroutine.
type Writer struct {
	path    string
	old     bool // a file of that name is there already
	temp    *os.File
	buffer  *bufio.Writer
	encoder *encoder
	err     error // the first failure, or errDone
}

// errDone is a call after Commit or Abort.
var errDone = errors.New("the file is already committed or aborted; make a new Writer")

// NewWriter begins a file of columns as the schema says; NewSchema makes one. The types are bool and the numbers.
func NewWriter(path string, schema *arrow.Schema, o WriteOptions) (*Writer, error) {
	return newWriter(path, schema, o, func(w io.Writer) io.Writer { return w })
}

// newWriter takes a seam through which tests let the disk fail.
func newWriter(path string, schema *arrow.Schema, o WriteOptions, through func(io.Writer) io.Writer) (*Writer, error) {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // replace the file, not the link to it
	}
	mode := fs.FileMode(0o666)
	info, err := os.Stat(path)
	if err == nil {
		if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("write %s: is not a regular file; choose another name", path)
		}
		mode = info.Mode().Perm()
	}
	w := &Writer{path: path, old: err == nil}
	if w.temp, err = createTemp(path, mode); err != nil {
		return nil, fmt.Errorf("write %s: %w; check the folder and the right to write in it", path, err)
	}
	w.buffer = bufio.NewWriter(through(w.temp))
	if w.encoder, err = newEncoder(w.buffer, schema, o); err != nil {
		return nil, w.fail(err)
	}
	return w, nil
}

// createTemp makes a new hidden file beside path.
func createTemp(path string, mode fs.FileMode) (*os.File, error) {
	for {
		name := fmt.Sprintf(".%s.%08x.tmp", filepath.Base(path), rand.Uint32())
		f, err := os.OpenFile(filepath.Join(filepath.Dir(path), name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

// Write appends one block a column, all of one length, as one or more record batches.
func (w *Writer) Write(ctx context.Context, columns ...*array.Block) error {
	if w.err != nil {
		return w.err
	}
	if err := w.encoder.write(ctx, columns); err != nil {
		return w.fail(err)
	}
	return nil
}

// Commit ends the file, waits until it is on the disk and gives it its name, replacing an older file in one step.
func (w *Writer) Commit() error {
	if w.err != nil {
		return w.err
	}
	err := w.encoder.close()
	if err == nil {
		err = w.buffer.Flush()
	}
	if err == nil {
		err = w.temp.Sync()
	}
	if err == nil {
		err = w.temp.Close()
	}
	if err == nil {
		err = os.Rename(w.temp.Name(), w.path)
	}
	if err != nil {
		return w.fail(err)
	}
	w.err = errDone
	if err := syncFolder(filepath.Dir(w.path)); err != nil {
		return fmt.Errorf("write %s: %w; the new file is in place, but may be lost if the machine fails now", w.path, err)
	}
	return nil
}

// Abort removes what was written. It does nothing after Commit.
func (w *Writer) Abort() {
	if w.err == nil {
		w.discard()
		w.err = errDone
	}
}

// fail removes what was written and keeps the error, with what is left behind.
func (w *Writer) fail(err error) error {
	w.discard()
	state := "no file was made"
	if w.old {
		state = "the file of that name is as it was"
	}
	w.err = fmt.Errorf("write %s: %w; %s", w.path, err, state)
	return w.err
}

func (w *Writer) discard() {
	_ = w.temp.Close() // an error says that it is closed already
	_ = os.Remove(w.temp.Name())
}
