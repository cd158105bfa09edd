package comm

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/darray-go/darray/net/link"
)

// peer is another rank as this one sees it. It is idle, then joining (this rank dials, or is answering a dial), then
// has a conn, and at last an err.
type peer struct {
	rank int
	host string // empty where it is not known
	addr string

	reading sync.RWMutex             // held for reading while a payload of its is read, see mesh.read
	notices atomic.Int32             // on their way to it
	live    atomic.Pointer[liveConn] // conn as long as it is usable, for who does not want to wait for the lock

	told    int  // entries of the overlay's log that it was sent; guarded by the overlay's lock
	telling bool // it is being told; likewise

	mu      sync.Mutex
	conn    link.Conn // stays for Stats when err is set
	err     *RankError
	joining bool
	settled chan struct{} // closed with the first conn or err
	ended   chan struct{} // closed with err
	drained chan struct{} // closed when nothing more is read from conn
	undial  func()        // ends the dial under way
	backlog []*start      // messages that were sent before there was a conn
}

func newPeer(rank int, host, addr string) *peer {
	return &peer{rank: rank, host: host, addr: addr, settled: make(chan struct{}), ended: make(chan struct{}), drained: make(chan struct{}), undial: func() {}}
}

// state returns the usable conn, or why there is none; neither: not yet.
func (p *peer) state() (link.Conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return nil, p.err
	}
	return p.conn, nil
}

// claim makes the caller the one that settles the pair, unless somebody does or has. If the other side's conn settles it
// first, undial is called.
func (p *peer) claim(undial func()) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.joining || p.conn != nil || p.err != nil {
		return false
	}
	p.joining, p.undial = true, undial
	return true
}

// settle gives the pair its one conn and ends a dial under way. False: it has one, or is beyond use.
func (p *peer) settle(conn link.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conn != nil || p.err != nil {
		return false
	}
	p.conn = conn
	for _, s := range p.backlog {
		s.begin(conn)
	}
	p.backlog = nil
	poller, _ := conn.(link.Poller)
	p.live.Store(&liveConn{conn, poller})
	p.finish()
	return true
}

// end makes the peer unusable and reports whether it was not before.
func (p *peer) end(cause error) (*RankError, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return p.err, false
	}
	p.err = &RankError{Rank: p.rank, Host: p.host, Cause: cause}
	p.live.Store(nil)
	for _, s := range p.backlog {
		s.err = p.err
		close(s.begun)
	}
	p.backlog = nil
	close(p.ended)
	if p.conn == nil {
		p.finish()
	}
	return p.err, true
}

func (p *peer) finish() {
	close(p.settled)
	p.undial()
}

func (p *peer) isSettled() bool {
	select {
	case <-p.settled:
		return true
	default:
		return false
	}
}

// linked returns the conn even if the peer has ended; nil where there never was one.
func (p *peer) linked() link.Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.conn
}

// liveConn is a conn, and its other face where it has one.
type liveConn struct {
	link.Conn
	poller link.Poller
}

// pollLimit bounds how often a receive looks by itself before it waits to be woken: some 10 to 20 us, a few times what a
// message takes between processes that share memory. It is no time, since a clock may stand still (testing/synctest).
const pollLimit = 128

// poll looks for messages from p on this goroutine until w has its outcome, for a short time and only while the link says
// that there is a core to spare.
func (p *peer) poll(w *waiter) {
	conn := p.live.Load()
	if conn == nil || conn.poller == nil {
		return
	}
	for range pollLimit {
		_, spin := conn.poller.Poll()
		if len(w.got) > 0 || !spin {
			return
		}
		runtime.Gosched() // to who brings the message
		if len(w.got) > 0 {
			return
		}
	}
}

// look takes in what has come from p without waiting.
func (p *peer) look() {
	if conn := p.live.Load(); conn != nil && conn.poller != nil {
		conn.poller.Poll()
	}
}

// start is a message on its way to its place among those to a peer, which it gets as soon as there is a conn.
type start struct {
	h     link.Header
	p     link.Payload
	begun chan struct{} // closed when wait and err are set

	wait func(ctx context.Context) error
	err  error
}

func (s *start) begin(conn link.Conn) {
	s.wait, s.err = conn.Start(s.h, s.p)
	close(s.begun)
}

// queue starts a message to p, by a dial if there is no conn, and returns the rest of the sending.
func (m *mesh) queue(p *peer, h link.Header, payload link.Payload) (wait func(ctx context.Context) error) {
	s := &start{h: h, p: payload, begun: make(chan struct{})}
	p.mu.Lock()
	switch {
	case p.err != nil:
		s.err = p.err
		close(s.begun)
	case p.conn != nil:
		s.begin(p.conn)
	default:
		p.backlog = append(p.backlog, s)
	}
	p.mu.Unlock()
	m.dial(p)
	return func(ctx context.Context) error {
		select {
		case <-s.begun:
		case <-ctx.Done():
			if p.recall(s) {
				return context.Cause(ctx)
			}
			<-s.begun
		}
		if s.wait == nil {
			return s.err
		}
		return s.wait(ctx)
	}
}

// recall takes a message back that has not begun; false: it has.
func (p *peer) recall(s *start) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(p.backlog, s)
	if i >= 0 {
		p.backlog = slices.Delete(p.backlog, i, i+1)
	}
	return i >= 0
}
