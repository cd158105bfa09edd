package darray

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"github.com/darray-go/darray/exec"
	"github.com/darray-go/darray/exec/cpu"
	"github.com/darray-go/darray/net/comm"
)

// Main runs a driver program. Started alone, f gets a cluster of GOMAXPROCS ranks in this process. Started by a launcher,
// rank 0 runs f over the ranks of the job, and Main on the other ranks serves f's plans and returns when f is done.
// Inside f the cluster is the default one. ctx ends at SIGINT or SIGTERM; a second signal ends the process.
// The other ranks go on for two seconds after a signal, in which rank 0 ends the job in good order.
// The error is f's, or says why the ranks did not come together.
func Main(f func(ctx context.Context, c *Cluster) error) error {
	cfg, err := ConfigFromEnv()
	if err != nil {
		return err
	}
	return cfg.Main(f)
}

// Main is the package function with this configuration instead of the environment's.
func (cfg Config) Main(f func(ctx context.Context, c *Cluster) error) error {
	if cfg.Size == 0 {
		cfg.hint()
		c, err := cfg.alone()
		if err != nil {
			return err
		}
		return drive(c, f)
	}
	follow := context.Background()
	if cfg.Rank > 0 {
		var stop context.CancelFunc
		follow, stop = followerContext()
		defer stop()
	}
	return cfg.join(follow, func(cm *comm.Comm) error {
		device, err := cfg.device(runtime.GOMAXPROCS(0))
		if err != nil {
			return err
		}
		c := &Cluster{devices: []*cpu.Device{device}, size: cm.Size(), cancel: func() {}, memory: cfg.pool(1), tables: &tables{}}
		if c.driver, err = c.executor(cfg, cm, exec.Options{}); err != nil {
			return errors.Join(err, c.Close())
		}
		if cm.Rank() > 0 {
			return errors.Join(c.driver.Serve(follow), c.Close())
		}
		return drive(c, f)
	})
}

// hint tells those who may have expected more ranks than this process why there are none.
func (cfg Config) hint() {
	if cfg.place.Hint != "" {
		say(cfg.place.Hint)
	}
}

// drive runs f over c as the default cluster and closes c.
func drive(c *Cluster, f func(ctx context.Context, c *Cluster) error) (err error) {
	ctx, stop := signalContext()
	defer stop()
	defer setDefault(c)()
	defer func() { err = errors.Join(err, c.Close()) }()
	return f(ctx, c)
}

// SPMD runs f on every rank of the job, MPI style: single program, multiple data. Started alone, there is one rank, or
// Config.Ranks of them as goroutines of this process. ctx ends at SIGINT or SIGTERM. A rank whose f fails or panics
// makes the operations of the others fail with a *RankError that names it.
func SPMD(f func(ctx context.Context, c *comm.Comm) error) error {
	cfg, err := ConfigFromEnv()
	if err != nil {
		return err
	}
	return cfg.SPMD(f)
}

// SPMD is the package function with this configuration instead of the environment's.
func (cfg Config) SPMD(f func(ctx context.Context, c *comm.Comm) error) error {
	ctx, stop := signalContext()
	defer stop()
	if cfg.Size > 0 {
		return cfg.join(ctx, func(c *comm.Comm) error { return runRank(ctx, c, f) })
	}
	cfg.hint()
	comms, err := cfg.local(cmp.Or(cfg.Ranks, 1))
	if err != nil {
		return err
	}
	errs, blames := make([]error, len(comms)), make([]int, len(comms))
	var ranks sync.WaitGroup
	for r, c := range comms {
		ranks.Go(func() {
			errs[r] = runRank(ctx, c, f)
			blames[r] = blame(c, errs[r])
			errs[r] = errors.Join(errs[r], c.Close())
		})
	}
	ranks.Wait()
	return rootCause(errs, blames)
}

// runRank runs f on one rank; its failure or panic is told to the other ranks. The stack is this rank's to tell.
func runRank(ctx context.Context, c *comm.Comm, f func(ctx context.Context, c *comm.Comm) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			c.Abort(fmt.Errorf("panic: %v", r))
			err = fmt.Errorf("rank %d: panic: %v\n%s", c.Rank(), r, debug.Stack())
		} else if err != nil {
			c.Abort(err)
		}
	}()
	return f(ctx, c)
}

func signalContext() (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // from then on a second signal has its usual effect
	return ctx, stop
}

// followerContext ends a while after a signal, which rank 0 has as a rule as well: it then ends the job in good order,
// while a rank that is gone at once is one that rank 0 waits for in vain. A second signal ends the process.
func followerContext() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signalled, stop := signalContext()
	context.AfterFunc(signalled, func() {
		time.AfterFunc(followerGrace, func() { cancel(context.Cause(signalled)) })
	})
	return ctx, func() {
		cancel(nil)
		stop()
	}
}

// followerGrace is how long rank 0 has, after a signal, to end the job before a rank leaves it.
const followerGrace = 2 * time.Second
