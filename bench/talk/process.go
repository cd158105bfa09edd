// Package talk is how a benchmark speaks with its contenders: processes that live through a run and answer a question, a line of JSON,
// with a line of JSON. Rivals in other languages speak the same words; rivals/compute.py explains them.
package talk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// ErrUnavailable is a case that a contender does not have.
var ErrUnavailable = errors.New("not available")

// Process answers questions until it is stopped. It is for one goroutine.
type Process struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers *json.Decoder
	said    *tail
	broken  error
	stopped bool
}

// Launch starts a contender and gives what it says of itself.
func Launch(ctx context.Context, argv, env []string) (*Process, string, error) {
	p := &Process{cmd: exec.Command(argv[0], argv[1:]...), said: new(tail)}
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

// Ask gives the answer to a question. An error of the process, not of the case, ends it, and every later question gets the
// same.
func (p *Process) Ask(ctx context.Context, q Question) (Answer, error) {
	if p.broken != nil {
		return Answer{}, p.broken
	}
	line, err := json.Marshal(q)
	if err != nil {
		return Answer{}, err
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		return Answer{}, p.breakOff(err)
	}
	a, err := p.listen(ctx)
	switch {
	case err != nil:
		return a, err
	case a.Unavailable != "":
		return a, fmt.Errorf("%w: %s", ErrUnavailable, a.Unavailable)
	case a.Error != "":
		return a, errors.New(a.Error)
	}
	return a, nil
}

// listen waits for an answer; the end of ctx ends the process.
func (p *Process) listen(ctx context.Context) (Answer, error) {
	release := context.AfterFunc(ctx, func() { _ = p.cmd.Process.Kill() })
	defer release()
	var a Answer
	if err := p.answers.Decode(&a); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause // for which it was killed
		}
		return a, p.breakOff(err)
	}
	return a, nil
}

// breakOff ends a process that no longer answers, and says why that is as far as the process said it.
func (p *Process) breakOff(err error) error {
	_ = p.cmd.Process.Kill()
	ended := p.Stop()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("it ended (%v)", ended)
	}
	if said := p.said.String(); said != "" {
		err = fmt.Errorf("%w: %s", err, said)
	}
	p.broken = err
	return err
}

// Broken says why the process answers no more; nil while it does.
func (p *Process) Broken() error { return p.broken }

// Kill has the process end at once; Stop waits for that.
func (p *Process) Kill() { _ = p.cmd.Process.Kill() }

// stopLimit is how long a process may take to end by itself.
const stopLimit = 5 * time.Second

// Stop lets the process end and waits for that; it is safe to call twice.
func (p *Process) Stop() error {
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

// Threads is the environment that tells every library how many threads it may use. Nothing is said of how idle threads wait: each
// contender waits in its own turn as it does for its users.
func Threads(n int) []string {
	env := []string{"PYTHONDONTWRITEBYTECODE=1"}
	for _, name := range []string{
		"GOMAXPROCS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "NUMEXPR_NUM_THREADS", "POLARS_MAX_THREADS",
	} {
		env = append(env, name+"="+strconv.Itoa(n))
	}
	return env
}
