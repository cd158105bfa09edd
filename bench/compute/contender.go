package compute

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// question is what the suite asks a contender, a line of JSON; rivals/compute.py explains the words.
type question struct {
	Do     string       `json:"do"`
	Kernel string       `json:"kernel,omitempty"`
	DType  string       `json:"dtype,omitempty"`
	N      int          `json:"n,omitempty"`
	Spans  [][2]float64 `json:"spans,omitempty"` // of the operands: from, and below
	Mode   string       `json:"mode,omitempty"`
	Inner  int          `json:"inner,omitempty"`
	Repeat int          `json:"repeat,omitempty"`
	Limit  float64      `json:"limit"` // seconds
}

// prepare is the question for a kernel's operands.
func (k kernel) prepare(dtype string, n int) question {
	q := question{Do: "prepare", Kernel: k.name, DType: dtype, N: n}
	for i := range k.operands {
		s := k.span(i)
		q.Spans = append(q.Spans, [2]float64{s.lo, s.hi})
	}
	return q
}

// answer is a contender's.
type answer struct {
	About       string    `json:"about,omitempty"`
	Check       []float64 `json:"check,omitempty"`
	Runs        []float64 `json:"runs_s,omitempty"`
	Allocs      float64   `json:"allocs,omitempty"` // of a call
	Unavailable string    `json:"unavailable,omitempty"`
	Error       string    `json:"error,omitempty"`
}

// side is whom a contender plays for.
type side int

const (
	ours side = iota
	rival
	limit  // the machine
	beside // shown, and compared with nobody
)

// contender is a process that takes turns.
type contender struct {
	name    string
	about   string
	side    side
	threads int
	argv    []string
	kernels []string // that it takes part in; nil: all
	modes   []string // likewise
	process *process // of a contender that has joined
}

// takesPart reports whether c is measured at a kernel in a mode.
func (c *contender) takesPart(kernel, mode string) bool {
	return (c.kernels == nil || slices.Contains(c.kernels, kernel)) && (c.modes == nil || slices.Contains(c.modes, mode))
}

// errUnavailable is a case that a contender does not have.
var errUnavailable = errors.New("not available")

// process answers questions until it is stopped. It is for one goroutine.
type process struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers *json.Decoder
	said    *tail
	broken  error
	stopped bool
}

// launch starts a contender and gives what it says of itself.
func launch(ctx context.Context, argv, env []string) (*process, string, error) {
	p := &process{cmd: exec.Command(argv[0], argv[1:]...), said: new(tail)}
	p.cmd.Env, p.cmd.Stderr = env, p.said
	ownGroup(p.cmd)
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, "", err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	p.in, p.answers = in, json.NewDecoder(out)
	if err := p.cmd.Start(); err != nil {
		return nil, "", err
	}
	hello, err := p.listen(ctx)
	if err != nil {
		return nil, "", err
	}
	return p, hello.About, nil
}

// ask gives the answer to a question. An error of the process, not of the case, ends it, and every later question gets the
// same.
func (p *process) ask(ctx context.Context, q question) (answer, error) {
	if p.broken != nil {
		return answer{}, p.broken
	}
	line, err := json.Marshal(q)
	if err != nil {
		return answer{}, err
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		return answer{}, p.breakOff(err)
	}
	a, err := p.listen(ctx)
	switch {
	case err != nil:
		return a, err
	case a.Unavailable != "":
		return a, fmt.Errorf("%w: %s", errUnavailable, a.Unavailable)
	case a.Error != "":
		return a, errors.New(a.Error)
	}
	return a, nil
}

// listen waits for an answer; the end of ctx ends the process.
func (p *process) listen(ctx context.Context) (answer, error) {
	release := context.AfterFunc(ctx, func() { _ = p.cmd.Process.Kill() })
	defer release()
	var a answer
	if err := p.answers.Decode(&a); err != nil {
		return a, p.breakOff(errors.Join(context.Cause(ctx), err))
	}
	return a, nil
}

// breakOff ends a process that no longer answers, and says why that is as far as the process said it.
func (p *process) breakOff(err error) error {
	_ = p.cmd.Process.Kill()
	ended := p.stop()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("it ended (%v)", ended)
	}
	if said := p.said.String(); said != "" {
		err = fmt.Errorf("%w: %s", err, said)
	}
	p.broken = err
	return err
}

// stopLimit is how long a process may take to end by itself.
const stopLimit = 5 * time.Second

// stop lets the process end and waits for that; it is safe to call twice.
func (p *process) stop() error {
	if p.stopped {
		return nil
	}
	p.stopped = true
	_ = p.in.Close() // the end of the questions
	kill := time.AfterFunc(stopLimit, func() { _ = p.cmd.Process.Kill() })
	defer kill.Stop()
	err := p.cmd.Wait()
	if p.broken == nil {
		p.broken = errors.New("it was stopped")
	}
	return err
}

// tail keeps the end of what was written to it.
type tail struct{ kept []byte }

const tailBytes = 2000

func (t *tail) Write(b []byte) (int, error) {
	t.kept = append(t.kept, b...)
	if extra := len(t.kept) - tailBytes; extra > 0 {
		t.kept = bytes.Clone(t.kept[extra:])
	}
	return len(b), nil
}

// String is the last line, which is where programs say what was wrong.
func (t *tail) String() string {
	text := strings.TrimSpace(string(t.kept))
	return text[strings.LastIndexByte(text, '\n')+1:]
}
