package darray

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"github.com/darray-go/darray/internal/launch"
	"github.com/darray-go/darray/net/comm"
	"github.com/darray-go/darray/net/quiclink"
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
		c, err := cfg.Local(cfg.localRanks(runtime.GOMAXPROCS(0)))
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
		ex, err := cfg.executor(cm, runtime.GOMAXPROCS(0))
		if err != nil {
			return err
		}
		if cm.Rank() > 0 {
			return errors.Join(ex.Serve(follow), ex.Close())
		}
		c := &Cluster{driver: ex, size: cm.Size(), cancel: func() {}}
		return drive(c, f)
	})
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
	comms, err := comm.NewLocal(cfg.localRanks(1))
	if err != nil {
		return err
	}
	errs := make([]error, len(comms))
	var ranks sync.WaitGroup
	for r, c := range comms {
		ranks.Go(func() { errs[r] = errors.Join(runRank(ctx, c, f), c.Close()) })
	}
	ranks.Wait()
	return rootCause(errs)
}

// rootCause is the error of a rank that failed by itself, if there is one, rather than of one that lost another.
func rootCause(errs []error) error {
	var first error
	for _, err := range errs {
		if re := (*RankError)(nil); err != nil && !errors.As(err, &re) {
			return err
		}
		if first == nil {
			first = err
		}
	}
	return first
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

// join brings this process into its job, runs body, and leaves. ctx limits the joining.
func (cfg Config) join(ctx context.Context, body func(c *comm.Comm) error) (err error) {
	joining, lose := context.WithCancelCause(ctx)
	defer lose(nil)
	agent, err := cfg.agent(joining)
	if err != nil {
		return err
	}
	joined := make(chan *comm.Comm, 1)
	if agent != nil {
		defer agent.Close()
		done := make(chan struct{})
		defer close(done)
		go watch(agent, cfg.Rank, lose, joined, done)
	}
	c, err := cfg.comm(joining, agent)
	if err != nil {
		if why := context.Cause(joining); why != nil && errors.Is(err, context.Canceled) { // who is missing, not that we stopped
			err = fmt.Errorf("stopped joining: %w", why)
		}
		return fmt.Errorf("rank %d of %d: %w", cfg.Rank, cfg.Size, err)
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	joined <- c
	return body(c)
}

// watch ends this rank's joining, or its operations, when the launcher says that a rank died. Without its launcher nobody
// would end or reap this process, so it ends itself if its operations' errors have not ended it soon after.
func watch(agent *launch.Agent, rank int, lose context.CancelCauseFunc, joined <-chan *comm.Comm, done <-chan struct{}) {
	var loss launch.Loss
	select {
	case <-done:
		return
	case loss = <-agent.Lost():
	}
	why := launch.ErrLauncherGone
	if loss.Rank != launch.LauncherRank {
		why = &RankError{Rank: loss.Rank, Op: "run", Cause: errors.New(loss.State)}
	}
	lose(why)
	var orphaned <-chan time.Time
	if loss.Rank == launch.LauncherRank {
		orphaned = time.After(orphanGrace)
	}
	for {
		select {
		case <-done:
			return
		case c := <-joined:
			c.Abort(why)
		case <-orphaned:
			fmt.Fprintf(os.Stderr, "darray: rank %d: %v\n", rank, why)
			os.Exit(1)
		}
	}
}

// orphanGrace is how long a rank without a launcher may take to return from the program's function.
const orphanGrace = 2 * time.Second

func (cfg Config) agent(ctx context.Context) (*launch.Agent, error) {
	if cfg.Agent == "" {
		return nil, nil
	}
	agent, err := launch.Connect(ctx, cfg.Agent, cfg.Rank, string(cfg.Token))
	if err != nil {
		return nil, fmt.Errorf("rank %d: the launcher's agent does not answer: %w", cfg.Rank, err)
	}
	return agent, nil
}

// comm opens this rank's socket, finds rank 0 and joins.
func (cfg Config) comm(ctx context.Context, agent *launch.Agent) (*comm.Comm, error) {
	if cfg.Size == 1 {
		comms, err := comm.NewLocal(1)
		if err != nil {
			return nil, err
		}
		return comms[0], nil
	}
	root := cfg.Addr
	if root == "" && agent == nil {
		return nil, fmt.Errorf("rank 0's address is not known; set DARRAY_ADDR=host:port on every rank, or start with `darray run`")
	}
	if root == "" && cfg.Rank > 0 {
		var err error
		if root, err = agent.RootAddr(ctx); err != nil {
			return nil, err
		}
	}
	job := cfg.Job
	if job == "" {
		job = "darray"
	}
	if len(cfg.Token) < minToken {
		return nil, fmt.Errorf("the job's token has %d bytes; give every rank the same %d or more, secret and random, by DARRAY_TOKEN or DARRAY_TOKEN_FILE", len(cfg.Token), minToken)
	}
	tr, err := quiclink.Listen(quiclink.Config{
		Rank: cfg.Rank, Size: cfg.Size, Job: job, Token: cfg.Token, Addr: cfg.listenAddr(root), IdleTimeout: cfg.PeerTimeout,
	})
	if err != nil {
		return nil, err
	}
	if agent != nil && cfg.Rank == 0 {
		if err := agent.Publish(tr.Addr()); err != nil {
			return nil, errors.Join(err, tr.Close())
		}
	}
	host, _ := os.Hostname()
	c, err := comm.Join(ctx, comm.Config{
		Rank: cfg.Rank, Size: cfg.Size, Transport: tr, Root: root, Build: buildID(), Host: host, PID: os.Getpid(), Timeout: cfg.JoinTimeout,
	})
	if err != nil {
		return nil, errors.Join(err, tr.Close())
	}
	return c, nil
}

// minToken is the least length of a job's token in bytes.
const minToken = 16

// listenAddr is where this rank listens: rank 0 at its published address, the others at any port of the interface kind
// that reaches rank 0.
func (cfg Config) listenAddr(root string) string {
	if cfg.Rank == 0 && root != "" {
		return root
	}
	host, _, err := net.SplitHostPort(root)
	switch ip := net.ParseIP(host); {
	case err != nil || host == "localhost" || ip.IsLoopback() && ip.To4() != nil:
		return "127.0.0.1:0"
	case ip != nil && ip.To4() == nil:
		return "[::]:0"
	}
	return "0.0.0.0:0"
}

// buildID tells whether two ranks run the same program: the module's version and revision, or the executable's build id.
func buildID() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	id := info.GoVersion + " " + info.Main.Path + "@" + info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" || s.Key == "vcs.modified" {
			id += " " + s.Value
		}
	}
	return id
}
