package launch

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// frame is one line of JSON between RunHosts and the agent that it starts on a host, over the agent's stdin and stdout:
//
//	agent  hello text=protocol                before anything else; lines before it are the host's own greeting
//	head   job order                          what to run
//	both   root addr                          rank 0 listens
//	both   lost rank text                     a rank's process ended before it left
//	both   ended rank                         the process of a rank that is at fault has ended, see blame.go
//	agent  joined                             the first rank here joined
//	agent  failed rank                        a rank failed; done follows when the others here have ended
//	agent  output stream data                 of the ranks
//	head   input data, or end of it           for rank 0; the agent asks for each but the first by more
//	head   signal text, or end                for the ranks
//	head   show                               print where the ranks are
//	agent  done outcome                       the last word
//
// The end of its stdin ends the agent and its ranks.
type frame struct {
	message
	Stream  int      `json:"stream,omitempty"`
	Data    []byte   `json:"data,omitempty"`
	Order   *order   `json:"order,omitempty"`
	Outcome *outcome `json:"outcome,omitempty"`
}

// protocol is what both ends have to speak.
const protocol = "darray agent 1"

// order is what an agent has to run. The token travels here and nowhere else.
type order struct {
	Job    string   `json:"job"`
	Token  string   `json:"token"`
	First  int      `json:"first"`
	Ranks  int      `json:"ranks"`
	Size   int      `json:"size"`
	Argv   []string `json:"argv"`
	Env    []string `json:"env"` // NAME=VALUE, over the host's own
	Dir    string   `json:"dir"`
	Hosts  string   `json:"hosts"`
	Prefix bool     `json:"prefix"`
	Input  bool     `json:"input"`
	Grace  int64    `json:"grace"` // nanoseconds
}

// check bounds what is believed of an order.
func (o *order) check() error {
	switch {
	case o == nil:
		return errors.New("no order")
	case CheckRanks(o.Ranks) != nil:
		return CheckRanks(o.Ranks)
	case o.First < 0 || o.Size > MaxRanks || o.First > o.Size-o.Ranks:
		return fmt.Errorf("%d ranks from %d on of %d", o.Ranks, o.First, o.Size)
	case len(o.Argv) == 0 || o.Job == "" || o.Token == "" || o.Grace < 0:
		return errors.New("an order without program, job or token")
	}
	return nil
}

// outcome is how the ranks of one host ended.
type outcome struct {
	Exit  *ExitError `json:"exit,omitempty"`
	Error string     `json:"error,omitempty"` // any other reason; empty: all is well
}

const (
	maxFrame = 4 << 20 // bytes of a line: an order has arguments and variables
	maxChunk = 32 << 10
)

// frameWriter writes frames from several goroutines.
type frameWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (f *frameWriter) write(v frame) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(line) >= maxFrame {
		return fmt.Errorf("arguments and variables of %d bytes are too long to be passed on; at most %d", len(line), maxFrame)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	_, err = f.w.Write(append(line, '\n'))
	return err
}

// stream is an io.Writer for the output of ranks.
type stream struct {
	frames *frameWriter
	number int // 1 stdout, 2 stderr
}

func (s stream) Write(b []byte) (int, error) {
	for n := 0; n < len(b); n += maxChunk {
		err := s.frames.write(frame{message: message{Kind: "output"}, Stream: s.number, Data: b[n:min(n+maxChunk, len(b))]})
		if err != nil {
			return n, err
		}
	}
	return len(b), nil
}

// frameReader reads frames.
type frameReader struct {
	in   *bufio.Reader
	line bytes.Buffer
}

func newFrameReader(r io.Reader) *frameReader {
	return &frameReader{in: bufio.NewReaderSize(r, 2*maxChunk)}
}

// next reads one frame; io.EOF where the other side has closed between two.
func (f *frameReader) next() (frame, error) {
	line, err := f.readLine()
	if err != nil {
		return frame{}, err
	}
	return parseFrame(line)
}

// readLine returns a line that holds until the next call.
func (f *frameReader) readLine() ([]byte, error) {
	f.line.Reset()
	for {
		part, err := f.in.ReadSlice('\n')
		if f.line.Len()+len(part) > maxFrame {
			return nil, fmt.Errorf("a line of more than %d bytes", maxFrame)
		}
		f.line.Write(part)
		switch {
		case err == nil:
			return f.line.Bytes(), nil
		case errors.Is(err, io.EOF) && f.line.Len() > 0:
			return nil, io.ErrUnexpectedEOF
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

func parseFrame(line []byte) (frame, error) {
	var v frame
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		return frame{}, fmt.Errorf("malformed message: %w", err)
	}
	if v.Kind == "" || len(v.Data) > maxChunk {
		return frame{}, errors.New("malformed message")
	}
	return v, nil
}
