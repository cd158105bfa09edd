//go:build linux

package chaos_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/darray-go/darray/internal/leak"
)

var (
	faultRuns = flag.Int("chaos.runs", 6, "runs of TestFaults; seeds count from -chaos.seed")
	faultSeed = flag.Int("chaos.seed", 0, "first seed of TestFaults")
	faultSide = flag.Int("chaos.parallel", 3, "runs of TestFaults at a time")
)

const (
	killedLimit = 500 * time.Millisecond // to an error after a rank was killed where a launcher watches
	endedLimit  = time.Second            // to the end of every rank then
	faultLimit  = 5 * time.Second        // to either after anything else
	startLimit  = 40 * time.Second
	runLimit    = 20 * time.Second // a rank that is there so long after it should not be hangs
	moreRounds  = 5
)

// plan is one run, made of its seed.
type plan struct {
	seed     int
	fault    string // "kill", "stop": a rank; "cut": the hosts from each other
	launched bool   // by darray run; else each rank by itself
	shrink   bool   // the ranks that are left go on
	ranks    [2]int
	victim   int           // of a cut nobody: the hosts are cut from each other
	after    time.Duration // the ranks have come together
}

func newPlan(seed int) plan {
	r := rand.New(rand.NewPCG(uint64(seed), 1))
	p := plan{seed: seed, fault: []string{"kill", "stop", "cut"}[seed%3], launched: seed/3%2 == 0}
	p.ranks = [2]int{2 + r.IntN(2), 2 + r.IntN(2)}
	p.victim = r.IntN(p.ranks[0] + p.ranks[1])
	p.after = time.Duration(r.IntN(400_000)) * time.Microsecond
	p.shrink = !p.launched && p.fault != "cut" && r.IntN(2) == 0
	return p
}

func (p plan) String() string {
	by := "direct"
	if p.launched {
		by = "launched"
	}
	if p.shrink {
		by += ", shrink"
	}
	what := p.fault
	if p.fault != "cut" {
		what = fmt.Sprintf("%s rank %d", p.fault, p.victim)
	}
	return fmt.Sprintf("seed %d: %s of %v after %v, %s", p.seed, what, p.ranks, p.after, by)
}

// limits are for the error of a rank and for its end.
func (p plan) limits() (failed, ended time.Duration) {
	if p.fault == "kill" && p.launched {
		return killedLimit, endedLimit
	}
	return faultLimit, faultLimit
}

// Random programs over real processes on two hosts lose a rank or a host. Every rank that is left ends in time, with an error
// that names who is lost, and nothing stays behind. A rank that was stopped and wakes ends too.
func TestFaults(t *testing.T) {
	leak.Check(t)
	need(t)
	p := build(t)
	side := min(*faultSide, *faultRuns)
	seeds := make(chan int)
	took := &times{by: make(map[string][]time.Duration)}
	var nets sync.WaitGroup
	for range side {
		n := hosts(t)
		nets.Go(func() {
			for seed := range seeds {
				if err := faultRun(n, p, newPlan(seed), took); err != nil {
					t.Errorf("%v:\n%v", newPlan(seed), err)
				}
			}
		})
	}
	for seed := range *faultRuns {
		seeds <- *faultSeed + seed
	}
	close(seeds)
	nets.Wait()
	t.Log(took)
}

// times are what was measured, by what.
type times struct {
	mu sync.Mutex
	by map[string][]time.Duration
}

func (m *times) add(what string, d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.by[what] = append(m.by[what], d)
}

func (m *times) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var lines []string
	for what, ds := range m.by {
		slices.Sort(ds)
		lines = append(lines, fmt.Sprintf("%-24s n %4d  min %6.3f  median %6.3f  max %6.3f s", what, len(ds),
			ds[0].Seconds(), ds[len(ds)/2].Seconds(), ds[len(ds)-1].Seconds()))
	}
	slices.Sort(lines)
	return "from the event\n" + strings.Join(lines, "\n")
}

// faultJob is a run under way.
type faultJob struct {
	*job
	plan
	begun time.Time
	errs  []error
	seen  map[int]event     // the first failure by rank
	again map[int]event     // by rank
	gone  map[int]time.Time // by rank
}

func (f *faultJob) fail(format string, args ...any) {
	f.errs = append(f.errs, fmt.Errorf(format, args...))
}

func faultRun(n *network, p programs, pl plan, took *times) (err error) {
	env := []string{fmt.Sprintf("%s=%d", seedEnv, pl.seed)}
	if pl.shrink {
		env = append(env, fmt.Sprintf("%s=%d", shrinkEnv, moreRounds))
	}
	j, err := newJob(n, pl.ranks, fmt.Sprintf("%d-%d", os.Getpid(), pl.seed), "rounds", env...)
	if err != nil {
		return err
	}
	f := &faultJob{job: j, plan: pl, seen: make(map[int]event), again: make(map[int]event), gone: make(map[int]time.Time)}
	defer func() {
		left, err2 := j.end()
		for _, l := range left {
			f.fail("left behind: %s", l)
		}
		if err = errors.Join(append(f.errs, err, err2)...); err != nil {
			err = fmt.Errorf("%w\nstderr:\n%s", err, j.stderr.String())
		}
	}()
	start := j.direct
	if pl.launched {
		start = j.launch
	}
	if err := start(p); err != nil {
		return err
	}
	if err := f.begin(); err != nil {
		return err
	}
	if pl.fault == "cut" {
		defer func() { err = errors.Join(err, n.script("heal", "1", "2")) }()
	}
	if err := f.strike(); err != nil {
		return err
	}
	f.follow()
	f.check(took)
	return nil
}

// begin waits until all ranks have come together, and then for the plan's time.
func (f *faultJob) begin() error {
	limit := time.After(startLimit)
	var strike <-chan time.Time
	for {
		select {
		case e := <-f.events:
			if e.Kind != joined {
				return fmt.Errorf("before anything happens: %+v", e)
			}
			if err := f.watch(e.Rank, e.PID); err != nil {
				return err
			}
			if len(f.pids) == f.size() {
				strike = time.After(f.after)
			}
		case x := <-f.exits:
			return fmt.Errorf("rank %d ended before anything happened", x.rank)
		case <-strike:
			return nil
		case <-limit:
			return fmt.Errorf("%d of %d ranks came together in %v", len(f.pids), f.size(), startLimit)
		}
	}
}

// strike does the plan's harm.
func (f *faultJob) strike() error {
	f.begun = time.Now()
	switch f.fault {
	case "kill":
		return syscall.Kill(f.pids[f.victim], syscall.SIGKILL)
	case "stop":
		return syscall.Kill(f.pids[f.victim], syscall.SIGSTOP)
	default:
		err := f.net.script("cut", "1", "2")
		f.begun = time.Now() // only now nothing passes in either direction
		return err
	}
}

// follow takes in what happens until all ranks, and what started them, have ended. A stopped rank goes on when all others have failed.
func (f *faultJob) follow() {
	limit := time.After(runLimit)
	stopped := f.fault == "stop"
	for running := len(f.cmds); len(f.gone) < f.size() || running > 0; {
		select {
		case <-f.ended: // all that its ranks said has been read by then
			running--
		case e := <-f.events:
			switch e.Kind {
			case failed:
				if _, twice := f.seen[e.Rank]; twice {
					f.fail("rank %d fails twice: %s", e.Rank, e.Text)
				}
				f.seen[e.Rank] = e
			case again:
				f.again[e.Rank] = e
			default:
				f.fail("rank %d: %+v", e.Rank, e)
			}
		case x := <-f.exits:
			f.gone[x.rank] = x.at
		case <-limit:
			for r := range f.size() {
				if _, gone := f.gone[r]; !gone {
					f.fail("rank %d hangs: %v after the event it is still there", r, runLimit)
					_ = syscall.Kill(f.pids[r], syscall.SIGQUIT) // for its stacks
				}
			}
			if running > 0 {
				f.fail("%d commands have not ended", running)
			}
			return
		}
		if stopped && !f.launched && f.settled() {
			stopped = false
			f.resumed()
		}
	}
}

// settled reports whether all others know of the victim.
func (f *faultJob) settled() bool {
	for r := range f.size() {
		_, gone := f.gone[r]
		if _, seen := f.seen[r]; r != f.victim && !seen && !gone {
			return false
		}
	}
	return true
}

func (f *faultJob) resumed() {
	if err := syscall.Kill(f.pids[f.victim], syscall.SIGCONT); err != nil {
		f.fail("wake rank %d: %v", f.victim, err)
	}
}

// check holds every rank's end against the plan.
func (f *faultJob) check(took *times) {
	by := "direct"
	if f.launched {
		by = "launched"
	}
	what := fmt.Sprintf("%s, %s", f.fault, by)
	failed, ended := f.limits()
	for r := range f.size() {
		at, gone := f.gone[r]
		if !gone || r == f.victim && f.fault != "cut" {
			continue
		}
		e, seen := f.seen[r]
		if !seen {
			f.fail("rank %d ended after %v without a word", r, at.Sub(f.begun))
			continue
		}
		took.add(what+": error", e.At.Sub(f.begun))
		if d := e.At.Sub(f.begun); d > failed {
			f.fail("rank %d has its error after %v: %s", r, d, e.Text)
		}
		if !f.rightly(r, e) {
			f.fail("rank %d names rank %d: %s", r, e.Named, e.Text)
		}
		if f.shrink {
			if a := f.again[r]; a.Size != f.size()-1 {
				f.fail("rank %d goes on with %d ranks", r, a.Size)
			}
			continue
		}
		took.add(what+": exit", at.Sub(f.begun))
		if d := at.Sub(f.begun); d > ended {
			f.fail("rank %d ends after %v, its error was after %v", r, d, e.At.Sub(f.begun))
		}
	}
	if e, seen := f.seen[f.victim]; f.fault == "stop" && !f.launched && (!seen || !e.Out && e.Named == f.victim) {
		f.fail("the stopped rank %d, woken, says %q", f.victim, e.Text)
	}
}

// rightly reports whether rank r's error names who is lost for it.
func (f *faultJob) rightly(r int, e event) bool {
	if f.fault != "cut" {
		return e.Named == f.victim
	}
	if e.Out {
		return e.Named == r
	}
	return e.Named >= 0 && f.hostOf(e.Named) != f.hostOf(r)
}
