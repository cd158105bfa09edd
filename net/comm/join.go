package comm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/darray-go/darray/net/link"
)

// Config says who this rank is and how it finds the others.
type Config struct {
	Rank, Size int
	Transport  link.Transport // owned by the Comm from Join on, also if Join fails; may be nil if Size is 1
	Root       string         // address of rank 0 as this rank can dial it, or several with commas between them; on rank 0 for messages
	Build      string         // version and build of the program; must be the same on all ranks; at most 1 KiB
	Host       string         // for messages; at most 1 KiB
	PID        int            // for messages
	Timeout    time.Duration  // for all ranks to arrive; default 60 s

	Launcher string                // what started the ranks, for messages; may be empty
	Expected func(rank int) string // the host that a rank should be on, for messages; may be nil, or return nothing
	Waiting  func(line string)     // told every now and then what this rank waits for; may be nil; returns quickly

	// WaitWarn is how long a rank waits in a collective, or every rank in anything, before Warn hears of it, and again after
	// twice that, four times that, and so on. Default 10 s; negative: never.
	WaitWarn time.Duration
	// Warn is called on rank 0 with one sentence that says where all ranks are. It may be nil and must return soon.
	Warn func(sentence string)

	starLimit int // see overlay.go; default starLimit
}

const (
	defaultTimeout = 60 * time.Second
	// answerGrace is how much longer than Timeout a rank waits for the answer of rank 0, which has the better message.
	answerGrace = 5 * time.Second
	// cancelGrace is what remains of it when the caller does not wait any longer.
	cancelGrace = 80 * time.Millisecond
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
	m := newMesh(cfg.Rank, table, cfg.Transport, degreeFor(cfg.Size, cfg.starLimit), cfg.roll())
	world := m.world()
	around := m.neighbours()
	for r, conn := range conns {
		if conn != nil && slices.Contains(around, r) {
			m.adopt(m.peer(r), conn)
			conns[r] = nil
		}
	}
	toAll(conns, func(conn link.Conn) { conn.Close() }) // met for the table only
	if cfg.Size > 1 {
		m.run(m.serve)
	}
	if above := m.superior(); above != m.rank {
		m.dial(m.peer(above))
	}
	return world, nil
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
		shut(ctx, conn)
		return nil, nil, err
	}
	return conn, table, nil
}

// dialRoot dials rank 0 until it is up.
func dialRoot(ctx context.Context, cfg Config) (link.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, cfg.Timeout)
	defer cancel()
	begin := time.Now()
	defer cfg.report(func() string {
		return fmt.Sprintf("rank %d of %d has not reached rank 0 at %s in %v; still trying", cfg.Rank, cfg.Size, cfg.Root, time.Since(begin).Round(time.Second))
	})()
	var last error
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		attempt, done := context.WithTimeout(ctx, dialAttempt)
		conn, err := dialAny(attempt, cfg.Transport, strings.Split(cfg.Root, ","))
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
			return nil, fmt.Errorf("rank %d has not reached rank 0 at %s in %v (%s); is it up, and %s",
				cfg.Rank, cfg.Root, cfg.Timeout, last, reachable)
		}
	}
}

// reachable is the question to ask where ranks do not find each other.
const reachable = "is UDP (not only TCP) open between the hosts? DARRAY_IFACE chooses another interface"

// dialStagger is the head start that an address of rank 0 has over the next one.
const dialStagger = 100 * time.Millisecond

// dialAny dials the addresses of rank 0 one shortly after the other and returns the first conn; later ones are closed
// before anything is sent on them. A refusal counts only where no address leads to rank 0: it may be another host's with
// the same private address.
func dialAny(ctx context.Context, t link.Transport, addrs []string) (link.Conn, error) {
	if len(addrs) == 1 {
		return t.Dial(ctx, 0, addrs[0])
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		conn link.Conn
		err  error
	}
	results := make(chan result)
	var dials sync.WaitGroup
	for i, addr := range addrs {
		dials.Go(func() {
			head := time.NewTimer(time.Duration(i) * dialStagger)
			defer head.Stop()
			var r result
			select {
			case <-head.C:
				r.conn, r.err = t.Dial(ctx, 0, addr)
			case <-ctx.Done():
				r.err = ctx.Err()
			}
			results <- r
		})
	}
	var first link.Conn
	var refused, failed error
	for range addrs {
		switch r := <-results; {
		case r.err == nil && first == nil:
			first = r.conn
			cancel()
		case r.err == nil:
			r.conn.Close()
		case errors.Is(r.err, link.ErrRefused):
			refused = r.err
		case first == nil:
			failed = r.err
		}
	}
	dials.Wait()
	switch {
	case first != nil:
		return first, nil
	case refused != nil:
		return nil, refused
	}
	return nil, failed
}

// How long a rank waits before it says so, and how often after that.
const (
	quiet  = 5 * time.Second
	repeat = 20 * time.Second
)

// report calls Waiting with line from time to time until stop is called.
func (cfg Config) report(line func() string) (stop func()) {
	if cfg.Waiting == nil {
		return func() {}
	}
	done := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		next := time.NewTimer(quiet)
		defer next.Stop()
		for {
			select {
			case <-next.C:
				cfg.Waiting(line())
				next.Reset(repeat)
			case <-done:
				return
			}
		}
	})
	return func() {
		close(done)
		running.Wait()
	}
}

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

// missing names the ranks that have not joined, and what is known of where they should be.
func (cfg Config) missing(conns []link.Conn) string {
	const few = 16
	var names []string
	more := 0
	for r, conn := range conns {
		switch {
		case conn != nil || r == 0:
		case len(names) == few:
			more++
		default:
			names = append(names, fmt.Sprintf("rank %d%s", r, cfg.about(r, len(names) == 0)))
		}
	}
	text := strings.Join(names, ", ")
	if more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// about is " (launcher srun; expected on h2)", as far as it is known; the launcher is named once.
func (cfg Config) about(rank int, first bool) string {
	var parts []string
	if first && cfg.Launcher != "" {
		parts = append(parts, "launcher "+cfg.Launcher)
	}
	if cfg.Expected != nil && cfg.Expected(rank) != "" {
		parts = append(parts, "expected on "+cfg.Expected(rank))
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, "; ") + ")"
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
