package files

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"

	"github.com/darray-go/darray/bench/talk"
)

// Serve is a contender of this executable, "darray", "darray-again", "disk" or "mmap": it answers the questions on in until they end.
func Serve(in io.Reader, out io.Writer, who string) error {
	switch who {
	case byDisk:
		return talk.Serve(in, out, "write(2) of as many bytes, and fsync(2): the limit of writing here", &bare{})
	case byMmap:
		return talk.Serve(in, out, "a bare sum over a new mapping of as many bytes of the file: what page faults leave of the limit", &mapped{})
	case ourName, byAgain:
	default:
		return fmt.Errorf("no contender %q; there are %s, %s, %s, %s", who, ourName, byAgain, byDisk, byMmap)
	}
	p, about, err := newEngine(who == byAgain)
	if err != nil {
		return err
	}
	return talk.Serve(in, out, about, p)
}

// bare writes bytes, as many as our file has.
type bare struct {
	file  *talk.File
	piece []byte
}

// pieceBytes is what a call of write(2) takes.
const pieceBytes = 1 << 20

func (b *bare) Prepare(q talk.Question) error {
	if q.File == nil || !q.File.Write || q.File.Bytes < 1 {
		return fmt.Errorf("%w: there is nothing to write", talk.ErrUnavailable)
	}
	b.file, b.piece = q.File, make([]byte, pieceBytes)
	noise := rand.New(rand.NewPCG(1, 2))
	for i := range b.piece {
		b.piece[i] = byte(noise.Uint32())
	}
	return nil
}

func (b *bare) Play(string) (call func() error, check func() ([]float64, error), err error) {
	if b.file == nil {
		return nil, nil, fmt.Errorf("%w: nothing is prepared", talk.ErrUnavailable)
	}
	return b.write, func() ([]float64, error) { return nil, b.write() }, nil
}

// Batch times calls, each of which makes a new file.
func (b *bare) Batch(_ string, inner int, call func() error) (float64, error) {
	return newFile(b.file.Path, inner, call)
}

func (b *bare) write() (err error) {
	f, err := os.Create(b.file.Path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for left := b.file.Bytes; left > 0; left -= pieceBytes {
		if _, err := f.Write(b.piece[:min(left, pieceBytes)]); err != nil {
			return err
		}
	}
	return f.Sync()
}

func (b *bare) Free() error {
	*b = bare{}
	return nil
}

// newFile times calls that make a file which is not there before.
func newFile(path string, inner int, call func() error) (float64, error) {
	var took time.Duration
	for range inner {
		if err := remove(path); err != nil {
			return 0, err
		}
		start := time.Now()
		if err := call(); err != nil {
			return 0, err
		}
		took += time.Since(start)
	}
	return took.Seconds(), nil
}

// remove deletes a file that may not be there.
func remove(path string) error {
	if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
