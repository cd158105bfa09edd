package compute

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

// player computes what a contender of this executable is asked for.
type player interface {
	// prepare makes the operands of a kernel; errUnavailable where there is no such kernel.
	prepare(q question) error
	// play gives the call that is timed, and one whose result is summed up.
	play(mode string) (call func() error, check func() ([]float64, error), err error)
	free() error
}

// clock is a player that takes its times itself: some calls in a row, in seconds.
type clock interface {
	batch(mode string, inner int, call func() error) (float64, error)
}

// Serve is a contender of this executable, darray or STREAM: it answers the questions on in until they end.
func Serve(in io.Reader, out io.Writer, o ServeOptions) error {
	p, about, err := newPlayer(o)
	if err != nil {
		return err
	}
	questions, answers := json.NewDecoder(in), json.NewEncoder(out)
	if err := answers.Encode(answer{About: about}); err != nil {
		return err
	}
	s := &server{player: p}
	for {
		var q question
		if err := questions.Decode(&q); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("a contender reads questions from `darray bench`: %w", err)
		}
		a, err := s.answer(q)
		if errors.Is(err, errUnavailable) {
			a.Unavailable = strings.TrimPrefix(err.Error(), errUnavailable.Error()+": ")
		} else if err != nil {
			a.Error = err.Error()
		}
		rest()
		if err := answers.Encode(a); err != nil {
			return err
		}
	}
}

// ServeOptions say which contender it is.
type ServeOptions struct {
	Stream  bool   // STREAM instead of darray
	Past    bool   // STREAM stores past the caches
	Threads int    // of STREAM; darray has GOMAXPROCS
	Device  string // "cuda" or "sim": darray on a GPU
	Copy    bool   // the copies of that GPU instead of darray
}

func newPlayer(o ServeOptions) (player, string, error) {
	switch {
	case o.Stream:
		return newLimit(o)
	case o.Copy:
		return newCopies(o.Device)
	case o.Device != "":
		return newCard(o.Device)
	}
	return newEngine()
}

// server is the conversation with one player.
type server struct {
	player player
	call   func() error
	check  func() ([]float64, error)
}

func (s *server) answer(q question) (answer, error) {
	switch q.Do {
	case "prepare":
		return answer{}, s.player.prepare(q)
	case "check":
		return s.first(q.Mode)
	case "run":
		return s.run(q)
	case "free":
		s.call, s.check = nil, nil
		err := s.player.free()
		debug.FreeOSMemory()
		return answer{}, err
	}
	return answer{}, fmt.Errorf("no question %q; there are prepare, check, run and free", q.Do)
}

// first makes one call and sums up its result.
func (s *server) first(mode string) (answer, error) {
	if err := s.play(mode); err != nil {
		return answer{}, err
	}
	check, err := s.check()
	return answer{Check: check}, err
}

func (s *server) play(mode string) (err error) {
	s.call, s.check, err = s.player.play(mode)
	return err
}

// run makes a call that does not count, then batches of calls until there are enough or the time is over.
func (s *server) run(q question) (answer, error) {
	if q.Inner < 1 || q.Repeat < 1 {
		return answer{}, fmt.Errorf("%d batches of %d calls: both are at least 1", q.Repeat, q.Inner)
	}
	if err := s.play(q.Mode); err != nil {
		return answer{}, err
	}
	if err := s.call(); err != nil {
		return answer{}, err
	}
	var a answer
	before, end := allocations(), time.Now().Add(time.Duration(q.Limit*float64(time.Second)))
	for len(a.Runs) == 0 || len(a.Runs) < q.Repeat && time.Now().Before(end) {
		took, err := s.batch(q.Mode, q.Inner)
		if err != nil {
			return a, err
		}
		a.Runs = append(a.Runs, took/float64(q.Inner))
	}
	a.Allocs = float64(allocations()-before) / float64(q.Inner*len(a.Runs))
	return a, nil
}

// batch is the time of some calls in a row, in seconds.
func (s *server) batch(mode string, inner int) (float64, error) {
	if c, ok := s.player.(clock); ok {
		return c.batch(mode, inner, s.call)
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
