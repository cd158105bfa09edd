package launch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/darray-go/darray/net/comm"
)

// ErrLauncherGone is returned where the launcher ended while ranks of it were still running.
var ErrLauncherGone = errors.New("the launcher is gone")

// Loss says that a rank is gone for good: its process ended before it left. Rank is LauncherRank where it was the launcher;
// a rank that hears this should end itself.
type Loss struct {
	Rank  int
	State string // "signal: killed", "exit status 3"
}

// LauncherRank stands for the launcher in a Loss.
const LauncherRank = -1

// Agent is a rank's connection to its launcher.
type Agent struct {
	conn  net.Conn
	lost  chan Loss
	root  string        // address of rank 0; set before known is closed
	known chan struct{} // closed once root is set
	gone  chan struct{} // closed when the connection has ended

	mu     sync.Mutex // one writer at a time
	closed bool
	where  func() []comm.Position // nil: not joined yet
	ends   map[int]chan struct{}  // by rank, see blame.go
}

// handshakeTimeout bounds how long either side waits for the other to prove itself.
const handshakeTimeout = 10 * time.Second

// Connect joins the job: addr, rank and token are what the launcher passed by EnvAgent, EnvRank and EnvToken. An error
// where the launcher refuses, for example because the token is another job's.
func Connect(ctx context.Context, addr string, rank int, token string) (*Agent, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", addr)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, fmt.Errorf("reach the launcher: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	in := newMessages(conn)
	size, err := join(conn, in, rank, token)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = conn.Close()
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, fmt.Errorf("join the job as rank %d: %w", rank, err)
	}
	a := &Agent{conn: conn, lost: make(chan Loss, size+1), known: make(chan struct{}), gone: make(chan struct{})}
	go a.receive(in)
	return a, nil
}

// join proves the rank to the agent and the agent to the rank. It returns the number of ranks.
func join(conn net.Conn, in messages, rank int, token string) (size int, err error) {
	if err := conn.SetDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return 0, err
	}
	challenge, err := in.next()
	if err != nil {
		return 0, err
	}
	nonce := randomHex(16)
	hello := message{Kind: "join", Rank: rank, PID: os.Getpid(), Nonce: nonce, Proof: prove(token, "rank", challenge.Nonce, rank)}
	if err := writeMessage(conn, hello); err != nil {
		return 0, err
	}
	answer, err := in.next()
	switch {
	case err != nil:
		return 0, err
	case answer.Kind == "refused":
		return 0, fmt.Errorf("refused: %s", answer.Text)
	case answer.Kind != "welcome" || !proves(answer.Proof, token, "agent", nonce, rank):
		return 0, fmt.Errorf("what answers does not know the job's token; is %s of another job?", EnvAgent)
	case CheckRanks(answer.Size) != nil:
		return 0, CheckRanks(answer.Size)
	}
	return answer.Size, conn.SetDeadline(time.Time{})
}

// receive owns the channels until the connection ends.
func (a *Agent) receive(in messages) {
	defer close(a.gone)
	defer close(a.lost)
	for {
		m, err := in.next()
		switch {
		case err != nil:
			if !a.isClosed() {
				a.report(Loss{LauncherRank, ErrLauncherGone.Error()})
			}
			return
		case m.Kind == "root" && a.root == "":
			a.root = m.Addr
			close(a.known)
		case m.Kind == "where":
			a.answer(m)
		case m.Kind == "ended":
			a.hearEnd(m.Rank)
		case m.Kind == "lost":
			a.hearEnd(m.Rank)
			a.report(Loss{m.Rank, m.Text})
		}
	}
}

// report never blocks: there is room for one loss a rank and the launcher's, and no agent reports a rank twice.
func (a *Agent) report(l Loss) {
	select {
	case a.lost <- l:
	default:
	}
}

// Publish tells all ranks, by the launcher, where rank 0 listens. Only rank 0 may.
func (a *Agent) Publish(addr string) error { return a.send(message{Kind: "listen", Addr: addr}) }

func (a *Agent) send(m message) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := writeMessage(a.conn, m); err != nil {
		return fmt.Errorf("tell the launcher: %w", err)
	}
	return nil
}

// RootAddr waits until rank 0 has published its address. It ends with ctx, or with ErrLauncherGone.
func (a *Agent) RootAddr(ctx context.Context) (string, error) {
	select {
	case <-a.known:
		return a.root, nil
	case <-ctx.Done():
		return "", context.Cause(ctx)
	case <-a.gone:
		return "", ErrLauncherGone
	}
}

// Lost gives the losses as the launcher sees them. It is closed when the launcher is gone, after a Loss of LauncherRank, or
// after Close. It never has to be read.
func (a *Agent) Lost() <-chan Loss { return a.lost }

// Close leaves the job: the process may end from now on without being reported as lost. Safe to call twice.
func (a *Agent) Close() error {
	a.mu.Lock()
	if !a.closed {
		a.closed = true
		_ = writeMessage(a.conn, message{Kind: "leave"}) // fails where the launcher is gone: nobody is left to tell
		_ = a.conn.Close()
	}
	a.mu.Unlock()
	<-a.gone
	return nil
}

func (a *Agent) isClosed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.closed
}
