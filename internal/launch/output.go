package launch

import (
	"bytes"
	"errors"
	"io"
	"os"
	"sync"
	"time"
)

// sink is where the ranks' output goes: one for both streams, as they may be the same file.
type sink struct {
	mu     sync.Mutex
	err    error // the first failed write; nothing is written after it
	failed chan struct{}
}

func (s *sink) write(w io.Writer, b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil || w == nil {
		return
	}
	if _, err := w.Write(b); err != nil {
		s.err = err
		close(s.failed)
	}
}

func (s *sink) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// output copies one stream of one rank.
type output struct {
	sink   *sink
	w      io.Writer
	prefix []byte // nil: bytes pass through as they come
	line   []byte // a line that has no end yet; only with prefix
	tail   *tail  // nil: not kept
}

// maxLine cuts a line that does not end, in bytes.
const maxLine = 1 << 20

func (o *output) add(b []byte) {
	if o.tail != nil {
		o.tail.add(b)
	}
	if o.prefix == nil {
		o.sink.write(o.w, b)
		return
	}
	o.line = append(o.line, b...)
	for {
		end := bytes.IndexByte(o.line, '\n')
		if end < 0 {
			break
		}
		o.sink.write(o.w, append(bytes.Clone(o.prefix), o.line[:end+1]...))
		o.line = o.line[end+1:]
	}
	if len(o.line) > maxLine {
		o.flush()
	}
}

// flush writes a last line that had no end.
func (o *output) flush() {
	if len(o.line) > 0 {
		line := append(bytes.Clone(o.prefix), o.line...)
		o.line = nil
		o.sink.write(o.w, append(line, '\n'))
	}
}

// copy reads r to its end. After exited is closed it gives up once nothing has come for grace: a process that left the
// rank's group may hold the other end open for ever.
func (o *output) copy(r *os.File, exited <-chan struct{}, grace time.Duration) {
	defer o.flush()
	buf := make([]byte, 32<<10)
	last := false // the read before timed out with a limit set after the exit
	for {
		n, err := r.Read(buf)
		if n > 0 {
			o.add(buf[:n])
			last = false
		}
		switch {
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded) && !last:
			last = true
		default:
			return
		}
		select {
		case <-exited:
			_ = r.SetReadDeadline(time.Now().Add(grace))
		default:
		}
	}
}

// tail keeps the last lines of a stream.
type tail struct {
	mu    sync.Mutex
	lines [][]byte
	open  bool   // the last line has no end yet
	cause []byte // the line that says why, where a stack has pushed it out
}

const (
	tailLines = 10
	tailWidth = 400 // bytes kept of a line
)

func (t *tail) add(b []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(b) > 0 {
		if !t.open {
			if len(t.lines) == tailLines {
				if t.cause == nil && isCause(t.lines[0]) {
					t.cause = t.lines[0]
				}
				t.lines = t.lines[1:]
			}
			t.lines = append(t.lines, nil)
			t.open = true
		}
		part, rest, ended := bytes.Cut(b, []byte{'\n'})
		line := &t.lines[len(t.lines)-1]
		*line = append(*line, part[:min(len(part), tailWidth-len(*line))]...)
		t.open, b = !ended, rest
	}
}

func (t *tail) strings() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []string
	if t.cause != nil {
		out = append(out, string(t.cause), "...")
	}
	for _, l := range t.lines {
		out = append(out, string(l))
	}
	return out
}

// isCause recognizes the line before the stack of a Go program that dies; the runtime's own, and that of darray.SPMD.
func isCause(line []byte) bool {
	return bytes.HasPrefix(line, []byte("panic: ")) || bytes.HasPrefix(line, []byte("fatal error: ")) || bytes.Contains(line, []byte(": panic: "))
}
