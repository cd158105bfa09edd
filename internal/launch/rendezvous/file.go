package rendezvous

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/darray-go/darray/internal/launch/socket"
)

// shared passes the note by a file on a disk that all hosts of the job see. It is readable by its owner alone, and its
// first line says of which job it is: what a dead job left behind belongs to nobody and is replaced.
type shared struct {
	path string
	job  string

	written string // what the file holds because of us
}

func (s *shared) Describe() string { return "the file " + s.path }

func (s *shared) label() string {
	sum := sha256.Sum256([]byte(s.job))
	return hex.EncodeToString(sum[:16])
}

func (s *shared) Publish(_ context.Context, n Note) error {
	note, err := n.encode()
	if err != nil {
		return err
	}
	text := s.label() + "\n" + note + "\n"
	tmp, err := os.CreateTemp(filepath.Dir(s.path), ".darray-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = tmp.WriteString(text)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), s.path) // readers see all of it or nothing
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	s.written = text
	return nil
}

func (s *shared) Await(ctx context.Context) (Note, error) {
	return poll(ctx, func() (Note, error) {
		text, err := s.read()
		if err != nil {
			return Note{}, err
		}
		label, rest, _ := strings.Cut(text, "\n")
		if label != s.label() {
			return Note{}, fmt.Errorf("%s is another job's", s.path)
		}
		note, ended := strings.CutSuffix(rest, "\n")
		if !ended {
			return Note{}, fmt.Errorf("%s has no end yet", s.path)
		}
		return decodeNote(note)
	})
}

// read refuses a file that others could have written or can read.
func (s *shared) read() (string, error) {
	f, err := os.Open(s.path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 || !socket.IsOurs(info):
		return "", &finalError{fmt.Errorf("%s is not a file of this user alone (mode 0600); remove it or choose another", s.path)}
	}
	text, err := io.ReadAll(io.LimitReader(f, 2*maxNote))
	return string(text), err
}

// Close removes the file, if it is still the one that this rank wrote.
func (s *shared) Close() error {
	if s.written == "" {
		return nil
	}
	text, err := s.read()
	if err != nil || text != s.written {
		return nil // the next job's
	}
	s.written = ""
	return os.Remove(s.path)
}
