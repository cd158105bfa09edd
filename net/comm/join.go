package comm

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/darray-go/darray/net/link"
)

// Config says who this rank is and how it finds the others.
type Config struct {
	Rank, Size int
	Transport  link.Transport // owned by the Comm from Join on, also if Join fails; may be nil if Size is 1
	Root       string         // address of rank 0 as this rank can dial it; unused on rank 0
	Build      string         // version and build of the program; must be the same on all ranks; at most 1 KiB
	Host       string         // for messages; at most 1 KiB
	PID        int            // for messages
	Timeout    time.Duration  // for all ranks to arrive; default 60 s
}

const (
	defaultTimeout = 60 * time.Second
	// answerGrace is how much longer than Timeout a rank waits for the answer of rank 0, which has the better message.
	answerGrace = 5 * time.Second
	// lingerLimit is how long rank 0 stays after a conflict for those who are on their way.
	lingerLimit = time.Second
	// dialAttempt ends one attempt to reach rank 0, which may come up while it lasts.
	dialAttempt = 5 * time.Second
)

// Join meets the other ranks at rank 0 and returns when all are there. If that fails it fails on every rank that can be
// reached, at once where two processes claim one rank or sizes or builds differ, and names who is missing or in conflict.
func Join(ctx context.Context, cfg Config) (*Comm, error) {
	if cfg.Timeout <= 0 {
		cfg.Timeout = defaultTimeout
	}
	c, err := join(ctx, cfg)
	if err != nil {
		if cfg.Transport != nil {
			err = errors.Join(err, cfg.Transport.Close())
		}
		return nil, fmt.Errorf("comm: %w", err)
	}
	return c, nil
}

func join(ctx context.Context, cfg Config) (*Comm, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	var table []member
	var conns []link.Conn // by rank
	var err error
	switch {
	case cfg.Size == 1:
		table, conns = []member{cfg.self().member}, make([]link.Conn, 1)
	case cfg.Rank == 0:
		table, conns, err = host(ctx, cfg)
	default:
		conns = make([]link.Conn, cfg.Size)
		conns[0], table, err = attend(ctx, cfg)
	}
	if err != nil {
		return nil, err
	}
	m := newMesh(cfg.Rank, table, cfg.Transport)
	for r, conn := range conns {
		if conn != nil {
			m.adopt(m.peers[r], conn)
		}
	}
	if cfg.Size > 1 {
		m.run(m.serve)
	}
	return &Comm{m: m, context: worldContext}, nil
}

func (cfg Config) check() error {
	switch {
	case cfg.Size < 1 || cfg.Size > maxRanks || cfg.Rank < 0 || cfg.Rank >= cfg.Size:
		return fmt.Errorf("rank %d of %d: the rank must be in 0 to size-1, the size at most %d", cfg.Rank, cfg.Size, maxRanks)
	case len(cfg.Build) > maxString || len(cfg.Host) > maxString:
		return fmt.Errorf("rank %d: build or host name longer than %d bytes", cfg.Rank, maxString)
	case cfg.Size > 1 && cfg.Transport == nil:
		return fmt.Errorf("rank %d of %d has no transport", cfg.Rank, cfg.Size)
	case cfg.Rank > 0 && cfg.Root == "":
		return fmt.Errorf("rank %d does not know the address of rank 0", cfg.Rank)
	}
	return checkPlatform()
}

func (cfg Config) self() hello {
	h := hello{rank: cfg.Rank, size: cfg.Size, build: cfg.Build, member: member{host: cfg.Host, pid: cfg.PID}}
	if cfg.Transport != nil {
		h.addr = cfg.Transport.Addr()
	}
	return h
}

// attend is a rank's part: it reaches rank 0, introduces itself and waits for the table.
func attend(ctx context.Context, cfg Config) (link.Conn, []member, error) {
	conn, err := dialRoot(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, cfg.Timeout+answerGrace)
	defer cancel()
	table, err := introduce(ctx, cfg, conn)
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	return conn, table, nil
}

// dialRoot dials rank 0 until it is up.
func dialRoot(ctx context.Context, cfg Config) (link.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, cfg.Timeout)
	defer cancel()
	var last error
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		attempt, done := context.WithTimeout(ctx, dialAttempt)
		conn, err := cfg.Transport.Dial(attempt, 0, cfg.Root)
		done()
		if err == nil {
			return conn, nil
		}
		if errors.Is(err, link.ErrRefused) {
			return nil, fmt.Errorf("rank %d: %w", cfg.Rank, err)
		}
		if last == nil || ctx.Err() == nil { // the end of ctx is no news about rank 0
			last = err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			if context.Cause(ctx) != context.DeadlineExceeded {
				return nil, fmt.Errorf("rank %d: reaching rank 0 at %s: %w", cfg.Rank, cfg.Root, context.Cause(ctx))
			}
			return nil, fmt.Errorf("rank %d has not reached rank 0 at %s in %v (%s); is it up, and %s?",
				cfg.Rank, cfg.Root, cfg.Timeout, last, reachable)
		}
	}
}

// reachable is the question to ask where ranks do not find each other.
const reachable = "is UDP (not only TCP) open between the hosts"

func introduce(ctx context.Context, cfg Config, conn link.Conn) ([]member, error) {
	payload := link.Payload{Bufs: [][]byte{cfg.self().encode()}}
	sent := conn.Send(ctx, control(ctlHello), payload)
	if sent != nil && !errors.Is(sent, link.ErrPeerLost) {
		return nil, fmt.Errorf("rank %d: introducing itself to rank 0: %w", cfg.Rank, sent)
	}
	msg, err := conn.Recv(ctx) // even where rank 0 has closed: it may have said why
	if err != nil {
		return nil, fmt.Errorf("rank %d: waiting for the table of ranks from rank 0: %w", cfg.Rank, err)
	}
	defer msg.Discard()
	if msg.Kind != kindControl || msg.Op != ctlTable && msg.Op != ctlRefuse || msg.Size > maxTable(cfg.Size) {
		return nil, fmt.Errorf("rank %d: rank 0 answered with message %d/%d of %d bytes; is it the same program?",
			cfg.Rank, msg.Kind, msg.Op, msg.Size)
	}
	raw := make([]byte, msg.Size)
	if err := msg.ReadInto(ctx, raw); err != nil {
		return nil, fmt.Errorf("rank %d: reading the table of ranks: %w", cfg.Rank, err)
	}
	if msg.Op == ctlRefuse {
		return nil, errors.New(string(raw))
	}
	table, err := decodeTable(raw)
	if err == nil && len(table) != cfg.Size {
		err = fmt.Errorf("it has %d ranks", len(table))
	}
	if err != nil {
		return nil, fmt.Errorf("rank %d: table of %d ranks from rank 0: %w", cfg.Rank, cfg.Size, err)
	}
	return table, nil
}

// missing names the ranks that have not joined.
func missing(conns []link.Conn) string {
	const few = 16
	var names []string
	more := 0
	for r, conn := range conns {
		switch {
		case conn != nil || r == 0:
		case len(names) == few:
			more++
		default:
			names = append(names, fmt.Sprintf("%d", r))
		}
	}
	text := "rank " + strings.Join(names, ", rank ")
	if more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// toAll calls f with every conn there is, at the same time.
func toAll(conns []link.Conn, f func(conn link.Conn)) {
	var all sync.WaitGroup
	for _, conn := range conns {
		if conn != nil {
			all.Go(func() { f(conn) })
		}
	}
	all.Wait()
}
