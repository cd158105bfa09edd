package talk

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/darray-go/darray/bench/report"
)

// Player computes what a contender of this executable is asked for, one question at a time.
type Player interface {
	// Prepare makes what the question names; an error that is ErrUnavailable says that there is no such thing.
	Prepare(q Question) error
	// Play gives the call that is timed, and one whose result is summed up.
	Play(mode string) (call func() error, check func() ([]float64, error), err error)
	// Free drops what Prepare made.
	Free() error
}

// Clock is a player that takes its times itself: some calls in a row, in seconds.
type Clock interface {
	Batch(mode string, inner int, call func() error) (float64, error)
}

// Serve has a player answer the questions on in until they end.
func Serve(in io.Reader, out io.Writer, about string, p Player) error {
	questions, answers := json.NewDecoder(in), json.NewEncoder(out)
	if err := answers.Encode(Answer{About: about}); err != nil {
		return err
	}
	s := &server{player: p}
	for {
		var q Question
		if err := questions.Decode(&q); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("a contender reads questions from `darray bench`: %w", err)
		}
		a, err := s.answer(q)
		if errors.Is(err, ErrUnavailable) {
			a.Unavailable = strings.TrimPrefix(err.Error(), ErrUnavailable.Error()+": ")
		} else if err != nil {
			a.Error = err.Error()
		}
		rest()
		if err := answers.Encode(a); err != nil {
			return err
		}
	}
}

// server is the conversation with one player.
type server struct {
	player Player
	call   func() error
	check  func() ([]float64, error)
}

func (s *server) answer(q Question) (Answer, error) {
	switch q.Do {
	case "prepare":
		err := s.player.Prepare(q)
		report.ResetPeakMemory()
		return Answer{}, err
	case "check":
		return s.first(q.Mode)
	case "run":
		return s.run(q)
	case "free":
		s.call, s.check = nil, nil
		err := s.player.Free()
		debug.FreeOSMemory()
		return Answer{}, err
	}
	return Answer{}, fmt.Errorf("no question %q; there are prepare, check, run and free", q.Do)
}

// first makes one call and sums up its result.
func (s *server) first(mode string) (Answer, error) {
	if err := s.play(mode); err != nil {
		return Answer{}, err
	}
	check, err := s.check()
	return Answer{Check: check}, err
}

func (s *server) play(mode string) (err error) {
	s.call, s.check, err = s.player.Play(mode)
	return err
}

// run makes a call that does not count, unless one has been made, then batches of calls until there are enough or the time is over.
func (s *server) run(q Question) (Answer, error) {
	if q.Inner < 1 || q.Repeat < 1 {
		return Answer{}, fmt.Errorf("%d batches of %d calls: both are at least 1", q.Repeat, q.Inner)
	}
	if err := s.play(q.Mode); err != nil {
		return Answer{}, err
	}
	if !q.Warm {
		if err := s.call(); err != nil {
			return Answer{}, err
		}
	}
	var a Answer
	before, end := allocations(), time.Now().Add(time.Duration(q.Limit*float64(time.Second)))
	for len(a.Runs) == 0 || len(a.Runs) < q.Repeat && time.Now().Before(end) {
		took, err := s.batch(q.Mode, q.Inner)
		if err != nil {
			return a, err
		}
		a.Runs = append(a.Runs, took/float64(q.Inner))
	}
	a.Peak = report.PeakMemory()
	a.Allocs = float64(allocations()-before) / float64(q.Inner*len(a.Runs))
	return a, nil
}

// batch is the time of some calls in a row, in seconds.
func (s *server) batch(mode string, inner int) (float64, error) {
	if c, ok := s.player.(Clock); ok {
		return c.Batch(mode, inner, s.call)
	}
	start := time.Now()
	for range inner {
		if err := s.call(); err != nil {
			return 0, err
		}
	}
	return time.Since(start).Seconds(), nil
}

// allocations counts those of this process.
func allocations() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

// rest waits, a second at most, until this process uses no CPU time, so that a collection of garbage does not run into the
// next contender's turn.
func rest() {
	end := time.After(time.Second)
	for used := report.CPUSeconds(); ; {
		select {
		case <-end:
			return
		case <-time.After(2 * time.Millisecond):
		}
		now := report.CPUSeconds()
		if now-used < 0.4e-3 {
			return
		}
		used = now
	}
}
