package format

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// Output is a new file in the folder where it is to be: without a name, so that nothing is left where the process is killed, or under a
// temporary one where the system has no such files. Commit puts it in place; Abort, which may always be deferred, removes it.
// After an error only Abort is left to call. It is for one goroutine.
type Output struct {
	path   string
	old    bool // a file of that name is there already
	temp   *os.File
	name   string // the temporary one; "": none
	buffer *bufio.Writer
	synced bool  // all of it is on the disk
	err    error // the first failure, or errDone
}

// errDone is a call after Commit or Abort.
var errDone = errors.New("the file is already committed or aborted; make a new one")

// bufferBytes is how much is written at a time: what keeps system calls few, and encoders write long runs past it.
const bufferBytes = 256 << 10

// NewOutput begins a file. A symbolic link's target is replaced, not the link.
func NewOutput(path string) (*Output, error) {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	mode := fs.FileMode(0o666)
	info, err := os.Stat(path)
	if err == nil {
		if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("write %s: is not a regular file; choose another name", path)
		}
		mode = info.Mode().Perm()
	}
	o := &Output{path: path, old: err == nil}
	if o.temp, err = createUnnamed(filepath.Dir(path), mode); err != nil {
		if o.temp, err = createTemp(path, mode); err != nil {
			return nil, fmt.Errorf("write %s: %w; check the folder and the right to write in it", path, err)
		}
		o.name = o.temp.Name()
	}
	o.buffer = bufio.NewWriterSize(o.temp, bufferBytes)
	return o, nil
}

// createTemp makes a new hidden file beside path.
func createTemp(path string, mode fs.FileMode) (*os.File, error) {
	for {
		f, err := os.OpenFile(tempName(path), os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

func tempName(path string) string {
	return filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.%08x.tmp", filepath.Base(path), rand.Uint32()))
}

// Write appends bytes.
func (o *Output) Write(b []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	return o.buffer.Write(b)
}

// Sync waits until all is on the disk, so that Commit has little left to do: nothing may be written any more.
func (o *Output) Sync() error {
	if o.err != nil || o.synced {
		return o.err
	}
	err := o.buffer.Flush()
	if err == nil {
		err = o.temp.Sync()
	}
	if o.synced = true; err != nil {
		return o.Fail(err)
	}
	return nil
}

// CommitAs is Commit under another name of the same file system.
func (o *Output) CommitAs(path string) error {
	o.path = path
	return o.Commit()
}

// Commit waits until all is on the disk and gives the file its name, replacing an older one in one step. On failure it removes what
// was written and says what is left.
func (o *Output) Commit() error {
	err := o.Sync()
	if o.err != nil {
		return o.err
	}
	for err == nil && o.name == "" { // a name can only be given that nobody has
		name := tempName(o.path)
		if err = nameFile(o.temp, name); err == nil {
			o.name = name
		} else if errors.Is(err, fs.ErrExist) {
			err = nil
		}
	}
	if err == nil {
		err = o.temp.Close()
	}
	if err == nil {
		err = os.Rename(o.name, o.path)
	}
	if err != nil {
		return o.Fail(err)
	}
	o.err = errDone
	if err := syncFolder(filepath.Dir(o.path)); err != nil {
		return fmt.Errorf("write %s: %w; the new file is in place, but may be lost if the machine fails now", o.path, err)
	}
	return nil
}

// Abort removes what was written. It does nothing after Commit.
func (o *Output) Abort() {
	if o.err == nil {
		o.discard()
		o.err = errDone
	}
}

// Fail is Abort, and err with the file's name and what is left behind.
func (o *Output) Fail(err error) error {
	if o.err != nil {
		return o.err
	}
	o.discard()
	state := "no file was made"
	if o.old {
		state = "the file of that name is as it was"
	}
	o.err = fmt.Errorf("write %s: %w; %s", o.path, err, state)
	return o.err
}

func (o *Output) discard() {
	_ = o.temp.Close() // an error says that it is closed already
	if o.name != "" {
		_ = os.Remove(o.name)
	}
}
