package launch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// linger is how much longer than its own grace an agent has to report the end.
const linger = time.Second

// wait sees the job to its end.
func (j *hostsJob) wait(ctx context.Context) error {
	defer close(j.over)
	var (
		done    = ctx.Done()
		unheard = j.sink.failed
		killAt  <-chan time.Time
	)
	end := func() {
		j.tellAll(nil, frame{message: message{Kind: "end"}})
		if killAt == nil {
			killAt = time.After(j.config.Grace + linger)
		}
	}
	if j.cause != nil {
		end()
	}
	for j.running > 0 {
		select {
		case e := <-j.events:
			if j.handle(e) {
				end()
			}
		case s := <-j.config.Signals:
			if j.cause == nil {
				j.cause = &SignalError{s}
				killAt = time.After(signalGrace + linger)
			}
			j.tellAll(nil, frame{message: message{Kind: "signal", Text: s.String()}})
		case <-j.config.Show:
			j.tellAll(nil, frame{message: message{Kind: "show"}}) // a table from each host
		case <-done:
			done = nil
			j.setCause(context.Cause(ctx))
			end()
		case <-unheard:
			unheard = nil
			j.setCause(j.sink.failure())
			end()
		case <-killAt:
			for _, r := range j.agents {
				if !r.ended {
					signalGroup(r.cmd.Process, os.Kill)
				}
			}
		}
	}
	return j.result()
}

// handle takes note of an event; true where it ends the job.
func (j *hostsJob) handle(e hostEvent) bool {
	r, f := e.from, e.frame
	switch {
	case e.ended:
		return j.disconnected(r, e.err)
	case f.Kind == "input":
		r.tell(f)
	case f.Kind == "root" || f.Kind == "lost" || f.Kind == "ended":
		j.tellAll(r, frame{message: f.message})
	case f.Kind == "joined":
		j.joined = true
	case f.Kind == "failed":
		if j.first == nil {
			j.first = r
		}
		j.tellAll(r, frame{message: message{Kind: "end"}})
	case f.Kind == "done" && f.Outcome != nil:
		r.done = true
		return j.finished(r, *f.Outcome)
	}
	return false
}

// finished hears how a host's ranks ended; true where that ends the job.
func (j *hostsJob) finished(r *remote, o outcome) bool {
	close(r.send)
	r.ended = true // as far as speaking goes
	if j.cause != nil {
		return false
	}
	switch {
	case j.first != nil && j.first != r:
	case o.Exit != nil:
		o.Exit.Host = r.host
		j.cause = o.Exit
	case o.Error != "" && o.Error != errEnded.Error():
		j.cause = fmt.Errorf("%s: %s", r.host, o.Error)
	}
	return j.cause != nil
}

// disconnected hears that ssh ended; true where that ends the job.
func (j *hostsJob) disconnected(r *remote, err error) bool {
	j.running--
	if !r.ended {
		close(r.send)
		r.ended = true
	}
	if r.done {
		return false
	}
	why := "its connection ended"
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		why = err.Error()
	}
	for rank := r.order.First; rank < r.order.First+r.order.Ranks; rank++ {
		j.tellAll(r, frame{message: message{Kind: "lost", Rank: rank, Text: r.host + ": " + why}})
	}
	if j.cause == nil {
		j.cause = &HostError{Host: r.host, Reason: why, SSH: j.hosts.SSH[0], Remote: j.hosts.Remote, Stderr: r.stderr.strings()}
	}
	return true
}

// HostError says that a host's agent could not be started, or that the connection to it ended. Its ranks end by themselves.
type HostError struct {
	Host, Reason, SSH, Remote string
	Stderr                    []string // the last lines of ssh
}

// Error says what to look at.
func (e *HostError) Error() string {
	text := fmt.Sprintf("%s: %s: %s; does `%s %s %s version` work without a password, and is darray there? --remote says where it is",
		e.Host, e.SSH, e.Reason, e.SSH, e.Host, e.Remote)
	for _, line := range e.Stderr {
		text += "\n  " + line
	}
	return text
}

func (j *hostsJob) setCause(err error) {
	if j.cause == nil {
		j.cause = err
	}
}

// tellAll tells every agent but one.
func (j *hostsJob) tellAll(but *remote, f frame) {
	for _, r := range j.agents {
		if r != but {
			r.tell(f)
		}
	}
}

func (j *hostsJob) result() error {
	switch {
	case j.cause != nil:
		return j.cause
	case j.sink.failure() != nil:
		return j.sink.failure()
	case !j.joined:
		return fmt.Errorf("%d processes ran, %w: the program must call darray.Main or darray.SPMD", j.hosts.Size(), ErrNotJoined)
	}
	return nil
}
