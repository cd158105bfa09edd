package shmlink

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/darray-go/darray/net/link"
)

const scheme = "shm"

// Over wraps a transport whose Conns implement link.Exporter. Its Conns use shared memory where both ends are on one host
// and have a Transport of this kind, else they are the inner ones; Conn.Stats says which ("shm" or the inner scheme), and
// each Conn has a method Reason() string that says why it is not shared memory, empty where it is. The result implements
// link.Allocator. It takes inner over: Close closes both.
//
// The error is of cfg. Where the host offers no shared memory, every Conn stays with inner and says so.
func Over(inner link.Transport, cfg Config) (link.Transport, error) {
	cfg, err := cfg.withDefaults(runtime.NumCPU())
	if err != nil {
		return nil, err
	}
	t := &transport{
		Transport: inner, cfg: cfg,
		incoming: make(chan link.Conn),
		broken:   make(chan struct{}),
		closed:   make(chan struct{}),
		conns:    make(map[link.Conn]struct{}),
	}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	if cfg.Disable {
		t.refuse = "shared memory is disabled"
	} else if t.host, err = newHost(cfg); err != nil {
		t.refuse = fmt.Sprintf("no shared memory on this host: %v", err)
	}
	t.running.Go(t.listen)
	return t, nil
}

// transport upgrades the conns of the one inside.
type transport struct {
	link.Transport
	cfg    Config
	host   *host  // nil where refuse says why
	refuse string // why no conn can be upgraded
	eager  buffers

	ctx      context.Context // of the transport's own goroutines; Close ends it
	cancel   context.CancelFunc
	running  sync.WaitGroup
	incoming chan link.Conn
	broken   chan struct{} // closed when the inner transport accepts no more
	why      error         // set before broken is closed
	closed   chan struct{} // when Close has finished

	mu    sync.Mutex
	conns map[link.Conn]struct{} // upgraded and not closed by their owners; nil once the transport is closed
}

// Scheme returns the inner scheme and "+shm": which of the two a Conn is, its Stats say.
func (t *transport) Scheme() string { return t.Transport.Scheme() + "+" + scheme }

// Alloc returns memory that peers on this host can read, or nil where there is none left.
func (t *transport) Alloc(n int) []byte {
	if t.host == nil {
		return nil
	}
	return t.host.arena.alloc(n)
}

// Free takes back what Alloc returned.
func (t *transport) Free(b []byte) {
	if t.host != nil {
		t.host.arena.free(b)
	}
}

// Dial connects through the inner transport and then settles with the peer whether they share memory.
func (t *transport) Dial(ctx context.Context, peer int, addr string) (link.Conn, error) {
	inner, err := t.Transport.Dial(ctx, peer, addr)
	if err != nil {
		return nil, err
	}
	c, err := t.settle(ctx, inner, t.askPeer)
	if err != nil {
		return nil, fmt.Errorf("dial rank %d at %s: %w", peer, addr, err)
	}
	return c, nil
}

// Accept returns the next peer that dialed and with which it is settled.
func (t *transport) Accept(ctx context.Context) (link.Conn, error) {
	if t.ctx.Err() != nil {
		return nil, fmt.Errorf("accept: %w", link.ErrClosed)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("accept: %w", err)
	}
	select {
	case c := <-t.incoming:
		return c, nil
	case <-t.ctx.Done():
		return nil, fmt.Errorf("accept: %w", link.ErrClosed)
	case <-t.broken:
		return nil, t.why
	case <-ctx.Done():
		return nil, fmt.Errorf("accept: %w", ctx.Err())
	}
}

// listen accepts from the inner transport; each conn is settled by its own goroutine, so that a slow peer holds up nobody.
func (t *transport) listen() {
	for {
		inner, err := t.Transport.Accept(t.ctx)
		if err != nil {
			t.why = err
			close(t.broken)
			return
		}
		t.running.Go(func() {
			c, err := t.settle(t.ctx, inner, t.answerPeer)
			if err != nil {
				return // the peer is gone, or gets the news from the inner conn's end
			}
			select {
			case t.incoming <- c:
			case <-t.ctx.Done(): // Close ends c
			}
		})
	}
}

// Close closes every Conn and the inner transport.
func (t *transport) Close() error {
	t.mu.Lock()
	conns := t.conns
	t.conns = nil
	t.mu.Unlock()
	if conns == nil {
		<-t.closed
		return nil
	}
	defer close(t.closed)
	t.cancel()
	var closing sync.WaitGroup
	for c := range conns {
		closing.Go(func() { c.Close() })
	}
	closing.Wait()
	err := t.Transport.Close()
	t.running.Wait()
	if t.host != nil {
		err = errors.Join(err, t.host.close())
	}
	return err
}

// add enters an upgraded conn; if the transport is closed, it closes the conn.
func (t *transport) add(c link.Conn) bool {
	t.mu.Lock()
	open := t.conns != nil
	if open {
		t.conns[c] = struct{}{}
	}
	t.mu.Unlock()
	if !open {
		c.Close()
	}
	return open
}

func (t *transport) forget(c link.Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.conns, c)
}

// hello describes this end to the peer of inner.
func (t *transport) hello(inner link.Conn) (note, []byte) {
	n := note{kind: noteHello, refuse: t.refuse}
	_, _ = rand.Read(n.nonce[:]) // it never errs
	if t.host == nil {
		return n, nil
	}
	exporter, ok := inner.(link.Exporter)
	if !ok {
		n.refuse = "the inner link has no session to bind shared memory to"
		return n, nil
	}
	key, err := exporter.Export("darray shm", keySize)
	if err != nil {
		n.refuse = fmt.Sprintf("no key for shared memory: %v", err)
		return n, nil
	}
	t.host.describe(&n)
	return n, key
}
