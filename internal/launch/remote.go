package launch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// errEnded ends the ranks of a host because those of another one ended.
var errEnded = errors.New("the job ended on another host")

// ServeHost is the part of RunHosts on a host: it reads what to run from in, runs it, and reports to out. It returns when
// no process that it started is left, which follows the end of in within the order's grace. It changes the working
// directory of this process. The ranks' failures are reported, not returned.
func ServeHost(ctx context.Context, in io.Reader, out io.Writer) error {
	h := &hostAgent{out: &frameWriter{w: out}, in: newFrameReader(in), signals: make(chan os.Signal, 2), show: make(chan os.Signal, 1)}
	if err := h.out.write(frame{message: message{Kind: "hello", Text: protocol}}); err != nil {
		return err
	}
	first, err := h.in.next()
	if err == nil && first.Kind != "job" {
		err = fmt.Errorf("%q where job is due", first.Kind)
	}
	if err == nil {
		err = first.Order.check()
	}
	if err != nil {
		return fmt.Errorf("read what to run: %w", err)
	}
	var result outcome
	switch err := h.run(ctx, *first.Order); {
	case err == nil:
	case errors.As(err, &result.Exit):
	default:
		result.Error = err.Error()
	}
	return h.out.write(frame{message: message{Kind: "done"}, Outcome: &result})
}

type hostAgent struct {
	in      *frameReader
	out     *frameWriter
	signals chan os.Signal
	show    chan os.Signal
	input   *os.File // rank 0's, where it has one
}

func (h *hostAgent) run(ctx context.Context, o order) error {
	if err := os.Chdir(o.Dir); err != nil {
		return fmt.Errorf("the directory must be on every host: %w", err)
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	c := Config{
		Ranks: o.Ranks, Argv: o.Argv, Env: append(os.Environ(), o.Env...), Prefix: o.Prefix, Grace: time.Duration(o.Grace),
		Stdout: stream{h.out, 1}, Stderr: stream{h.out, 2}, Signals: h.signals, Show: h.show,
	}
	if o.Input && o.First == 0 {
		theirs, ours, err := os.Pipe()
		if err != nil {
			return err
		}
		defer theirs.Close()
		c.Stdin, h.input = theirs, ours
	}
	c.part = &part{
		first: o.First, size: o.Size, localSize: o.Ranks, id: o.Job, token: o.Token, hosts: o.Hosts,
		up: func(m message) { _ = h.out.write(frame{message: m}) }, // where that fails, in has ended as well
		serve: func(s *agentServer) func() {
			go h.listen(s, end) // ends with in, which is this process's stdin: at the latest with the process
			return func() {}
		},
	}
	return Run(ctx, c)
}

// listen does what the head says.
func (h *hostAgent) listen(s *agentServer, end context.CancelCauseFunc) {
	chunks := make(chan []byte, 1) // the head sends one only after it was asked
	if h.input != nil {
		go h.feed(chunks)
	}
	defer close(chunks)
	for {
		f, err := h.in.next()
		if err != nil {
			end(fmt.Errorf("%w: %w", ErrLauncherGone, err))
			return
		}
		switch f.Kind {
		case "root":
			s.publish(f.Addr)
		case "lost":
			s.hearLost(f.message)
		case "ended":
			s.hearEnd(f.Rank)
		case "end":
			end(errEnded)
		case "signal":
			select {
			case h.signals <- signalNamed(f.Text):
			default: // two are under way
			}
		case "show":
			select {
			case h.show <- nil: // which signal it was is no matter
			default:
			}
		case "input":
			select {
			case chunks <- f.Data:
			default:
				end(errors.New("the launcher sends input that was not asked for"))
				return
			}
		}
	}
}

// feed writes rank 0's input and asks for more, until there is no more or no reader.
func (h *hostAgent) feed(chunks <-chan []byte) {
	defer h.input.Close()
	for b := range chunks {
		if len(b) == 0 {
			return
		}
		if _, err := h.input.Write(b); err != nil {
			return
		}
		if h.out.write(frame{message: message{Kind: "more"}}) != nil {
			return
		}
	}
}

// signalNamed is a signal by the name that its String method gives.
func signalNamed(name string) os.Signal {
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if s.String() == name {
			return s
		}
	}
	return terminate
}
