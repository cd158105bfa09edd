package darray

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/darray-go/darray/internal/launch"
	"github.com/darray-go/darray/internal/launch/detect"
	"github.com/darray-go/darray/internal/launch/rendezvous"
	"github.com/darray-go/darray/net/comm"
	"github.com/darray-go/darray/net/link"
	"github.com/darray-go/darray/net/quiclink"
	"github.com/darray-go/darray/net/shmlink"
)

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
	defer func() { err = leave(agent, c, err) }()
	joined <- c
	if agent != nil {
		agent.Answer(c.Positions)
	}
	return body(c)
}

// watch ends this rank's joining, or its operations, when the launcher says that a rank died: within milliseconds, where
// the silence of that rank would tell after Config.PeerTimeout. Without its launcher nobody would end or reap this process,
// so it ends itself if its operations' errors have not ended it soon after.
func watch(agent *launch.Agent, rank int, lose context.CancelCauseFunc, joined <-chan *comm.Comm, done <-chan struct{}) {
	var (
		c        *comm.Comm
		losses   = agent.Lost()
		early    []launch.Loss // before the ranks came together
		orphaned <-chan time.Time
	)
	for {
		select {
		case <-done:
			return
		case loss, ok := <-losses:
			switch {
			case !ok:
				losses = nil
			case loss.Rank == launch.LauncherRank:
				orphaned = time.After(orphanGrace)
				lose(launch.ErrLauncherGone)
				if c != nil {
					c.Abort(launch.ErrLauncherGone)
				}
			case c == nil:
				early = append(early, loss)
				lose(&RankError{Rank: loss.Rank, Op: "run", Cause: errors.New(loss.State)})
			default:
				markLost(c, loss)
			}
		case c = <-joined:
			for _, loss := range early {
				markLost(c, loss)
			}
			if orphaned != nil {
				c.Abort(launch.ErrLauncherGone)
			}
		case <-orphaned:
			fmt.Fprintf(os.Stderr, "darray: rank %d: %v\n", rank, launch.ErrLauncherGone)
			os.Exit(1)
		}
	}
}

// markLost ends what waits for a dead rank on all ranks.
func markLost(c *comm.Comm, loss launch.Loss) {
	if err := c.Lose(loss.Rank, errors.New(loss.State)); err != nil {
		c.Abort(fmt.Errorf("the launcher says that rank %d is lost (%s): %w", loss.Rank, loss.State, err))
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

// comm finds rank 0, opens this rank's socket and joins.
func (cfg Config) comm(ctx context.Context, agent *launch.Agent) (c *comm.Comm, err error) {
	if cfg.Size == 1 {
		comms, err := comm.NewLocal(1)
		if err != nil {
			return nil, err
		}
		return comms[0], nil
	}
	place := cfg.whole()
	meet := rendezvous.Config{
		Place: place, Addr: cfg.Addr, Token: cfg.Token, Job: cfg.Job,
		File: cfg.Rendezvous, Interface: cfg.Interface, Insecure: cfg.Insecure,
	}
	if agent != nil {
		meet.Agent = byAgent{agent}
	}
	meeting, err := rendezvous.Plan(meet)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, meeting.Close()) }()
	begin, timeout := time.Now(), cfg.JoinTimeout
	if timeout <= 0 {
		timeout = defaultJoinTimeout
	}
	tr, root, err := cfg.meet(ctx, meeting, timeout)
	if err != nil {
		return nil, err
	}
	if spent := time.Since(begin); spent > time.Second { // less would only make the message of the time limit odd
		timeout = max(timeout-spent, time.Second)
	}
	host, _ := os.Hostname()
	c, err = comm.Join(ctx, comm.Config{
		Rank: cfg.Rank, Size: cfg.Size, Transport: tr, Root: root, Build: buildID(), Host: host, PID: os.Getpid(),
		Timeout: timeout, WaitWarn: cfg.WaitWarn, Warn: say, Launcher: place.Launcher, Expected: place.Host, Waiting: say,
	})
	if err != nil {
		return nil, errors.Join(err, tr.Close())
	}
	return c, nil
}

const defaultJoinTimeout = 60 * time.Second

// whole is the place that the environment gave, or that this configuration is by itself.
func (cfg Config) whole() detect.Place {
	p := cfg.place
	if p.Launcher == "" {
		p = detect.Place{Launcher: detect.Darray, PMIFD: -1}
	}
	p.Rank, p.Size, p.LocalRank, p.LocalSize = cfg.Rank, cfg.Size, cfg.LocalRank, cfg.LocalSize
	return p
}

// meet opens this rank's socket and exchanges with the others where rank 0 is. root is rank 0's address: on the others
// to dial it, on rank 0 for messages.
func (cfg Config) meet(ctx context.Context, meeting *rendezvous.Meeting, timeout time.Duration) (tr link.Transport, root string, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("nothing in %v", timeout))
	defer cancel()
	if where := meeting.Channel(); where != "" {
		slow := time.AfterFunc(patience, func() {
			say(fmt.Sprintf("rank %d of %d: still waiting for the other ranks at %s", cfg.Rank, cfg.Size, where))
		})
		defer slow.Stop()
	}
	listen := meeting.Listen
	if cfg.Rank > 0 {
		if root, err = meeting.Await(ctx); err != nil {
			return nil, "", err
		}
		listen = meeting.ListenFor(root)
	}
	network, err := quiclink.Listen(quiclink.Config{
		Rank: cfg.Rank, Size: cfg.Size, Job: meeting.Job, Token: meeting.Token, Addr: listen, IdleTimeout: cfg.PeerTimeout,
		Bulk: cfg.Bulk, Lanes: cfg.Lanes,
	})
	if err != nil {
		return nil, "", meeting.Explain(err)
	}
	tr, err = shmlink.Over(network, shmlink.Config{Disable: cfg.Link == linkQUIC, LocalRanks: cfg.LocalSize})
	if err != nil {
		return nil, "", errors.Join(err, network.Close())
	}
	if cfg.Rank == 0 {
		if meeting.Warning != "" {
			say(meeting.Warning)
		}
		if root, err = meeting.Publish(ctx, tr.Addr()); err != nil {
			return nil, "", errors.Join(err, tr.Close())
		}
	}
	return tr, root, nil
}

// patience is how long a rank waits before it says that it does.
const patience = 5 * time.Second

// say tells the user something that is no error.
func say(line string) { fmt.Fprintln(os.Stderr, "darray: "+line) }

// byAgent passes rank 0's address by the launcher's agent. The token was in the environment.
type byAgent struct{ agent *launch.Agent }

func (byAgent) Describe() string { return "the launcher's agent" }

func (a byAgent) Publish(_ context.Context, n rendezvous.Note) error {
	return a.agent.Publish(strings.Join(n.Addrs, ","))
}

func (a byAgent) Await(ctx context.Context) (rendezvous.Note, error) {
	root, err := a.agent.RootAddr(ctx)
	return rendezvous.Note{Addrs: strings.Split(root, ",")}, err
}

func (byAgent) Close() error { return nil } // the agent is its owner's

// buildID tells whether two ranks run the same program: the module's version and revision, and the executable's own id.
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
	return id + " " + launch.BuildID()
}
