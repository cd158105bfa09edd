package launch

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"

	"golang.org/x/term"
)

// job is the ranks of one Run. Its fields belong to Run's goroutine; the channels and the sink are shared.
type job struct {
	config  Config
	agent   *agentServer
	running map[int]*process
	exits   chan exit
	sink    *sink
	copies  sync.WaitGroup // one an output stream

	cause  error    // why the job ends, where it does not by itself
	failed *process // whose error that is, where one is the cause
	spared int      // the rank that is at fault and may end by itself for a while; -1: none
	ended  map[int]exit
}

// process is one rank.
type process struct {
	rank   int
	cmd    *exec.Cmd
	pipes  []*os.File // our ends of its output
	copied sync.WaitGroup
	exited chan struct{}
	stderr tail
}

type exit struct {
	process *process
	state   *os.ProcessState
	err     error
	asked   bool // it was signalled by us before
}

func newJob(c Config, agent *agentServer) *job {
	return &job{
		config: c, agent: agent, running: make(map[int]*process), exits: make(chan exit, c.Ranks),
		spared: -1, ended: make(map[int]exit),
		sink: &sink{failed: make(chan struct{})},
	}
}

// start starts one rank, what copies its output and what waits for its end.
func (j *job) start(path string, rank int, env []string) error {
	p := &process{rank: rank, exited: make(chan struct{}), cmd: &exec.Cmd{Path: path, Args: j.config.Argv, Env: env}}
	own(p.cmd)
	theirs, outputs, err := j.connect(p)
	if err == nil {
		err = p.cmd.Start()
	}
	for _, f := range theirs {
		_ = f.Close()
	}
	if err != nil {
		for _, f := range p.pipes {
			_ = f.Close()
		}
		return err
	}
	for i, o := range outputs {
		p.copied.Add(1)
		j.copies.Go(func() {
			defer p.copied.Done()
			defer func() { _ = p.pipes[i].Close() }()
			o.copy(p.pipes[i], p.exited, j.config.Grace)
		})
	}
	j.running[rank] = p
	go p.wait(j.exits, j.config.Grace)
	return nil
}

// connect sets the standard streams of a rank. A stream that needs no work of ours is the file itself; the others are pipes:
// theirs are the ends to close once the rank has them.
func (j *job) connect(p *process) (theirs []*os.File, outputs []*output, err error) {
	if p.rank == 0 && j.config.Stdin != nil {
		if theirs, err = p.connectStdin(j.config.Stdin); err != nil {
			return theirs, nil, err
		}
	}
	pipe := func(w io.Writer, keep *tail) (*os.File, error) {
		ours, their, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		theirs = append(theirs, their)
		p.pipes = append(p.pipes, ours)
		o := &output{sink: j.sink, w: w, tail: keep}
		if j.config.Prefix {
			o.prefix = []byte("[" + strconv.Itoa(p.rank) + "] ")
		}
		outputs = append(outputs, o)
		return their, nil
	}
	if errors, isFile := j.config.Stderr.(*os.File); isFile && p.rank == 0 && !j.config.Prefix && term.IsTerminal(int(errors.Fd())) {
		p.cmd.Stderr = errors // so that it can show how far it is; its last lines stand there, and need not be told again
	} else if p.cmd.Stderr, err = pipe(j.config.Stderr, &p.stderr); err != nil {
		return theirs, outputs, err
	}
	file, isFile := j.config.Stdout.(*os.File)
	switch {
	case j.config.Stdout == nil:
	case isFile && !j.config.Prefix:
		p.cmd.Stdout = file
	default:
		p.cmd.Stdout, err = pipe(j.config.Stdout, nil)
	}
	return theirs, outputs, err
}

// connectStdin gives a rank its input. A terminal is read by the launcher: the rank is in the background and may not.
func (p *process) connectStdin(r io.Reader) (theirs []*os.File, err error) {
	if file, ok := r.(*os.File); ok && !term.IsTerminal(int(file.Fd())) {
		p.cmd.Stdin = file
		return nil, nil
	}
	their, ours, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.cmd.Stdin = their
	go func() { // ends with r or at the first write after the rank ended: a read of a terminal cannot be called off
		_, _ = io.Copy(ours, r)
		_ = ours.Close()
	}()
	return []*os.File{their}, nil
}

// wait reports the end of the process, after which nothing of its group is left.
func (p *process) wait(exits chan<- exit, grace time.Duration) {
	state, err := p.cmd.Process.Wait()
	signalGroup(p.cmd.Process, os.Kill)
	close(p.exited)
	for _, f := range p.pipes {
		_ = f.SetReadDeadline(time.Now().Add(grace))
	}
	p.drain()
	exits <- exit{process: p, state: state, err: err}
}

// drain waits until all that the process wrote is read, though not for who else may hold the other end of its pipes.
func (p *process) drain() {
	read := make(chan struct{})
	go func() {
		p.copied.Wait()
		close(read)
	}()
	limit := time.NewTimer(lastWords)
	defer limit.Stop()
	select {
	case <-read:
	case <-limit.C:
	}
}

// wait sees the job to its end.
func (j *job) wait(ctx context.Context) error {
	var (
		done    = ctx.Done()
		unheard = j.sink.failed
		endAt   <-chan time.Time
		killAt  <-chan time.Time
	)
	for len(j.running) > 0 {
		select {
		case e := <-j.exits:
			if j.exited(e) {
				endAt = time.After(lead)
			}
		case s := <-j.config.Signals:
			if j.cause != nil {
				j.kill()
				continue
			}
			j.cause = &SignalError{s}
			killAt = j.end(s, signalGrace)
		case <-j.config.Show:
			j.show()
		case <-done:
			done = nil
			j.setCause(context.Cause(ctx))
			endAt = time.After(lead)
		case <-endAt:
			killAt = j.end(terminate, j.config.Grace)
		case <-unheard:
			unheard = nil
			j.setCause(j.sink.failure())
			killAt = j.end(terminate, j.config.Grace)
		case <-killAt:
			j.kill()
		}
	}
	j.copies.Wait()
	return j.result()
}

// lead is the time between the word to the ranks that one is lost and SIGTERM: they end by an error that names it, and not
// by a signal that does not say why. What has never joined waits it out for nothing.
const lead = 100 * time.Millisecond

// exited takes note of an exit; true where it is the one that ends the job.
func (j *job) exited(e exit) bool {
	p := e.process
	delete(j.running, p.rank)
	if e.err != nil {
		j.setCause(fmt.Errorf("wait for rank %d: %w", p.rank, e.err))
		return true
	}
	code := exitCode(e.state)
	e.asked = j.cause != nil && p.rank != j.spared
	j.ended[p.rank] = e
	j.agent.exited(p.rank, e.state.String(), code != 0)
	j.agent.hasEnded(p.rank)
	if code == 0 || j.cause != nil {
		return false
	}
	j.agent.part.up(message{Kind: "failed", Rank: p.rank})
	j.failed, j.cause = p, exitOf(e)
	if culprit := j.agent.culprit(p.rank); culprit != p.rank {
		j.spared = culprit
	}
	return true
}

func (j *job) setCause(err error) {
	if j.cause == nil {
		j.cause = err
	}
}

// end asks the ranks that are left to end and gives the time at which they have had their chance.
func (j *job) end(s os.Signal, grace time.Duration) <-chan time.Time {
	j.signal(s)
	return time.After(grace)
}

func (j *job) kill() {
	j.spared = -1
	j.signal(os.Kill)
}

func (j *job) signal(s os.Signal) {
	for _, p := range j.running {
		if p.rank == j.spared {
			continue
		}
		signalGroup(p.cmd.Process, s)
	}
}

func (j *job) result() error {
	j.accuse()
	if err, ok := j.cause.(*ExitError); ok {
		err.Stderr = j.failed.stderr.strings()
	}
	switch {
	case j.cause != nil:
		return j.cause
	case j.sink.failure() != nil:
		return j.sink.failure()
	case !j.agent.joined() && (j.config.part == nil || j.config.part.serve == nil): // of several hosts, one may have none
		return fmt.Errorf("%d %s ran, %w: the program must call darray.Main or darray.SPMD",
			j.config.Ranks, plural(j.config.Ranks, "process", "processes"), ErrNotJoined)
	}
	return nil
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
