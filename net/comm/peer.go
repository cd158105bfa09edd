package comm

import (
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

	notices atomic.Int32 // on their way to it

	mu      sync.Mutex
	conn    link.Conn // stays for Stats when err is set
	err     *RankError
	joining bool
	settled chan struct{} // closed with the first conn or err
	ended   chan struct{} // closed with err
	drained chan struct{} // closed when nothing more is read from conn
	undial  func()        // ends the dial under way
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
