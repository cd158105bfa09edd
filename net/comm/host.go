package comm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/darray-go/darray/net/link"
)

// arrival is a rank at rank 0's door: its conn and what it said, or why that was not to be read.
type arrival struct {
	conn link.Conn
	hello
	err error
}

// host is rank 0's part of the rendezvous: it waits for all, then sends everybody the table, or the reason why not.
func host(ctx context.Context, cfg Config) ([]member, []link.Conn, error) {
	table := make([]member, cfg.Size)
	table[0] = cfg.self().member
	conns := make([]link.Conn, cfg.Size)

	waiting, cancel := context.WithTimeout(ctx, cfg.Timeout)
	defer cancel()
	door := openDoor(waiting, cfg.Transport)
	err := assemble(waiting, cfg, door, table, conns)

	// What ended the wait must not keep the word from the others, so this has a time limit of its own.
	grace := answerGrace
	if ctx.Err() != nil {
		grace = cancelGrace
	}
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer done()
	if err != nil {
		present := slices.DeleteFunc(conns, func(c link.Conn) bool { return c == nil })
		turnAway(ctx, present, err)
		door.linger(ctx, cfg.Size-1-len(present), err)
		turnAway(ctx, door.shut(), err)
		return nil, nil, err
	}
	turnAway(ctx, door.shut(), fmt.Errorf("all %d ranks of this job have joined already", cfg.Size))
	payload := link.Payload{Bufs: [][]byte{encodeTable(table)}}
	// A rank that cannot be told is lost; whoever reads its conn will say so.
	toAll(conns, func(conn link.Conn) { _ = conn.Send(ctx, control(ctlTable), payload) })
	return table, conns, nil
}

// assemble fills table and conns until all ranks are there.
func assemble(ctx context.Context, cfg Config, door *door, table []member, conns []link.Conn) error {
	begin := time.Now()
	seen := make([]hello, cfg.Size)
	seen[0] = cfg.self()
	listening := cmp.Or(cfg.Root, table[0].addr)
	slow := time.NewTimer(quiet)
	defer slow.Stop()
	for n := 1; n < cfg.Size; {
		select {
		case <-slow.C:
			if cfg.Waiting != nil {
				cfg.Waiting(fmt.Sprintf("%d of %d ranks joined in %v; waiting for %s. Rank 0 listens on %s/udp",
					n, cfg.Size, time.Since(begin).Round(time.Second), cfg.missing(conns), listening))
			}
			slow.Reset(repeat)
		case a := <-door.arrivals:
			if a.err != nil {
				if errors.Is(a.err, link.ErrPeerLost) {
					a.conn.Close() // it gave up on this dial and will come again
					continue
				}
				turnAway(ctx, []link.Conn{a.conn}, a.err)
				return a.err
			}
			if err := inspect(a, seen, conns); err != nil {
				turnAway(ctx, []link.Conn{a.conn}, err)
				return err
			}
			seen[a.rank], table[a.rank], conns[a.rank] = a.hello, a.member, a.conn
			n++
		case err := <-door.broken:
			return fmt.Errorf("rank 0: waiting for the others: %w", err)
		case <-ctx.Done():
			if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("rank 0 stopped waiting for the others: %w", context.Cause(ctx))
			}
			return fmt.Errorf("%d of %d ranks joined in %v; missing: %s. Rank 0 listens on %s/udp: %s",
				n, cfg.Size, cfg.Timeout, cfg.missing(conns), listening, reachable)
		}
	}
	return nil
}

// inspect compares a rank with rank 0 and with who is there.
func inspect(a arrival, seen []hello, conns []link.Conn) error {
	first := seen[0]
	switch {
	case a.size != first.size:
		return fmt.Errorf("%v is in a job of %d ranks, %v in one of %d ranks; start all with the same size", a.hello, a.size, first, first.size)
	case a.build != first.build:
		return fmt.Errorf("%v runs build %q, %v build %q; start the same program everywhere", a.hello, a.build, first, first.build)
	case a.rank >= a.size:
		return fmt.Errorf("%v: there are %d ranks", a.hello, a.size)
	case a.rank == 0 || conns[a.rank] != nil:
		return fmt.Errorf("two processes claim rank %d: %v and %v", a.rank, seen[a.rank], a.hello)
	case a.rank != a.conn.Peer():
		return fmt.Errorf("%v was let in as rank %d; give its transport the same rank", a.hello, a.conn.Peer())
	}
	return nil
}

// door accepts conns and reads what they say first, each in its own time.
type door struct {
	arrivals chan arrival
	broken   chan error // one slot: why nobody can come in any more
	cancel   context.CancelFunc
	closed   <-chan struct{} // when nobody is let in any more
	inside   sync.WaitGroup

	mu   sync.Mutex
	late []link.Conn // of those whom nobody waited for
}

func openDoor(ctx context.Context, t link.Transport) *door {
	ctx, cancel := context.WithCancel(ctx)
	d := &door{arrivals: make(chan arrival), broken: make(chan error, 1), cancel: cancel, closed: ctx.Done()}
	d.inside.Go(func() {
		for {
			conn, err := t.Accept(ctx)
			if err != nil {
				if ctx.Err() == nil {
					d.broken <- err
				}
				return
			}
			d.inside.Go(func() { d.greet(ctx, conn) })
		}
	})
	return d
}

func (d *door) greet(ctx context.Context, conn link.Conn) {
	h, err := readHello(ctx, conn)
	a := arrival{conn: conn, hello: h, err: err}
	select {
	case d.arrivals <- a:
	case <-ctx.Done():
		d.leave(conn)
	}
}

// linger tells up to n ranks that are still on their way why they need not have come, for a short time; without it
// they would look for a rank 0 that is no more until their own limit.
func (d *door) linger(ctx context.Context, n int, why error) {
	timer := time.NewTimer(lingerLimit)
	defer timer.Stop()
	for range n {
		select {
		case a := <-d.arrivals:
			turnAway(ctx, []link.Conn{a.conn}, why)
		case <-d.closed:
			return
		case <-ctx.Done():
			return
		case <-timer.C:
			return
		}
	}
}

// leave keeps conn for shut.
func (d *door) leave(conn link.Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.late = append(d.late, conn)
}

// shut stops accepting and returns the conns of those who came in but are in no table.
func (d *door) shut() []link.Conn {
	d.cancel()
	d.inside.Wait()
	return d.late
}

func readHello(ctx context.Context, conn link.Conn) (hello, error) {
	msg, err := conn.Recv(ctx)
	if err != nil {
		return hello{}, fmt.Errorf("rank %d introducing itself: %w", conn.Peer(), err)
	}
	defer msg.Discard()
	if msg.Kind != kindControl || msg.Op != ctlHello || msg.Size > maxHello {
		return hello{}, fmt.Errorf("rank %d began with message %d/%d of %d bytes; is it the same program?",
			conn.Peer(), msg.Kind, msg.Op, msg.Size)
	}
	raw := make([]byte, msg.Size)
	if err := msg.ReadInto(ctx, raw); err != nil {
		return hello{}, fmt.Errorf("rank %d introducing itself: %w", conn.Peer(), err)
	}
	h, err := decodeHello(raw)
	if err != nil {
		return hello{}, fmt.Errorf("rank %d: %w", conn.Peer(), err)
	}
	h.addr = conn.PeerAddr() // leads back, whatever interface the rank believes to listen on
	return h, nil
}

// turnAway tells all of them why and closes their conns.
func turnAway(ctx context.Context, conns []link.Conn, why error) {
	text := why.Error()
	payload := link.Payload{Bufs: [][]byte{[]byte(text[:min(len(text), link.EagerLimit)])}}
	toAll(conns, func(conn link.Conn) {
		_ = conn.Send(ctx, control(ctlRefuse), payload) // whoever cannot be told sees the conn close
		shut(ctx, conn)
	})
}
