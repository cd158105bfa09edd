//go:build linux

package chaos_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/internal/chaos"
	"github.com/darray-go/darray/net/comm"
)

// Variables of the test binary: for itself, and as a rank's program.
const (
	builtEnv  = "CHAOS_BUILT"  // where programs are kept that the tests have built
	roleEnv   = "CHAOS_ROLE"   // a key of roles
	seedEnv   = "CHAOS_SEED"   // of its random steps
	runEnv    = "CHAOS_RUN"    // marks every process of a run
	shrinkEnv = "CHAOS_SHRINK" // how many more rounds the ranks that are left do together
)

// TestMain makes the test binary be the program of a rank, where it is started as one.
func TestMain(m *testing.M) {
	role := os.Getenv(roleEnv)
	if role == "" {
		os.Exit(tests(m))
	}
	if err := darray.SPMD(roles[role]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// tests runs the tests, with a place for what they build.
func tests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "chaos")
	if err == nil {
		err = os.Setenv(builtEnv, dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	return m.Run()
}

var roles = map[string]func(context.Context, *comm.Comm) error{"rounds": rounds, "suite": suite}

// Kinds of event.
const (
	joined = "joined"
	failed = "failed" // the first operation that did
	again  = "again"  // the ranks that are left have done their rounds
	done   = "done"
)

// event is a line that a rank prints.
type event struct {
	Kind  string
	Rank  int
	PID   int       // of joined
	At    time.Time // when it came about
	Named int       // of failed: the rank in the error, -1 for none
	Out   bool      // of failed: this rank is expelled
	Text  string    // of failed
	Size  int       // of again: how many ranks are left
	Links []string  // of done: the scheme of the link with each other rank, by rank
}

func (e event) print() error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(append(line, '\n'))
	return err
}

func number(name string) int {
	n, _ := strconv.Atoi(os.Getenv(name))
	return n
}

// rounds runs random programs until one fails, and some more with the ranks that are left, where it is asked to.
func rounds(ctx context.Context, c *comm.Comm) error {
	if err := comm.Barrier(ctx, c); err != nil {
		return err
	}
	if err := (event{Kind: joined, Rank: c.Rank(), PID: os.Getpid(), At: time.Now()}).print(); err != nil {
		return err
	}
	seed := number(seedEnv)
	var err error
	for round := 0; err == nil; round++ {
		err = program(ctx, c, seed, round)
	}
	if more := number(shrinkEnv); more > 0 && !errors.Is(err, comm.ErrExpelled) {
		return others(ctx, c, seed, more)
	}
	return err
}

// program runs one random program. Its first error is printed; the one that it returns is of all ranks.
func program(ctx context.Context, c *comm.Comm, seed, round int) error {
	for _, o := range chaos.Run(ctx, c, chaos.Program(uint64(seed)<<20+uint64(round), c.Size())) {
		if o.Err == nil {
			continue
		}
		verdict := comm.Barrier(ctx, c)
		if verdict == nil {
			return fmt.Errorf("round %d: %v: %w, while all ranks are there", round, o.Step, o.Err)
		}
		e := event{Kind: failed, Rank: c.WorldRank(c.Rank()), At: o.End, Named: -1, Out: errors.Is(verdict, comm.ErrExpelled)}
		e.Text = fmt.Sprintf("round %d, %v: %v; then %v", round, o.Step, o.Err, verdict)
		if re := (*comm.RankError)(nil); errors.As(verdict, &re) {
			e.Named = re.Rank
		}
		return errors.Join(verdict, e.print())
	}
	return nil
}

// others goes on with the ranks that are left.
func others(ctx context.Context, c *comm.Comm, seed, more int) error {
	d, err := c.Shrink(ctx)
	if err != nil {
		return err
	}
	for round := range more {
		if err := program(ctx, d, seed+1, round); err != nil {
			return err
		}
	}
	e := event{Kind: again, Rank: c.Rank(), At: time.Now(), Size: d.Size()}
	return errors.Join(e.print(), d.Close())
}
