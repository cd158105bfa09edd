package comm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/darray-go/darray/net/link"
)

const (
	// dialLimit ends the attempt to reach a rank that is in the table; it was there a moment ago.
	dialLimit = 10 * time.Second
	// noticeLimit bounds how long word to other ranks may keep a goroutine or Close.
	noticeLimit = time.Second
	// patience is how long a receive waits before it looks after the rank it waits for.
	patience = time.Second
)

// mesh is this rank's end of the connections to all others, shared by every communicator over them.
//
// Ranks are joined with rank 0 from the start and with each other on first use, dialed from either side. Where both
// dial at once, the lower rank's conn stays: it turns down the other's while its own dial is under way, and the higher
// rank sends nothing on a conn of its own before it is welcomed.
type mesh struct {
	rank, size int
	host       string
	transport  link.Transport
	peers      []*peer // by rank; nil for this one
	box        *mailbox
	patience   time.Duration

	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup // all goroutines
	notices sync.WaitGroup // those among them that bring word to other ranks
}

// member is one line of the table of ranks.
type member struct {
	host string
	pid  int
	addr string
}

func newMesh(rank int, table []member, t link.Transport) *mesh {
	m := &mesh{
		rank: rank, size: len(table), host: table[rank].host, transport: t, patience: patience,
		peers: make([]*peer, len(table)), box: newMailbox(rank, len(table)),
	}
	for r, line := range table {
		if r != rank {
			m.peers[r] = newPeer(r, line.host, line.addr)
		}
	}
	return m
}

// run starts f unless the mesh is closed; close waits for it.
func (m *mesh) run(f func()) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.running.Go(f)
	return true
}

// adopt makes conn the one to p and reads from it. False: p has one, and the caller closes conn.
func (m *mesh) adopt(p *peer, conn link.Conn) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed || !p.settle(conn) {
		return false
	}
	m.running.Go(func() { m.read(p, conn) }) // under the lock, so that close finds every settled conn with its reader
	return true
}

// serve answers the dials of other ranks until the transport is closed.
func (m *mesh) serve() {
	for {
		conn, err := m.transport.Accept(context.Background())
		if err != nil {
			return
		}
		if !m.run(func() { m.answer(conn) }) {
			conn.Close()
		}
	}
}

func (m *mesh) answer(conn link.Conn) {
	r := conn.Peer()
	ctx, cancel := context.WithTimeout(context.Background(), noticeLimit)
	defer cancel()
	if r < 0 || r >= m.size || r == m.rank {
		turnAway(ctx, []link.Conn{conn}, fmt.Errorf("rank %d of %d takes no rank %d: the job is complete without it", m.rank, m.size, r))
		return
	}
	p := m.peers[r]
	switch {
	case r < m.rank: // the lower rank's dial stays
	case !p.claim(func() {}):
		turnAway(ctx, []link.Conn{conn}, fmt.Errorf("rank %d is joined with a rank %d on %s already, or is about to be", m.rank, r, p.host))
		return
	default:
		if err := conn.Send(ctx, control(ctlWelcome), link.Payload{}); err != nil {
			m.lose(p, err)
		}
	}
	if !m.adopt(p, conn) {
		conn.Close()
	}
}

// connect returns the conn to a rank, made now if there is none.
func (m *mesh) connect(ctx context.Context, rank int) (link.Conn, error) {
	p := m.peers[rank]
	if conn, err := p.state(); conn != nil || err != nil {
		return conn, err
	}
	m.dial(p)
	select {
	case <-p.settled:
		return p.state()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// dial starts to join p unless that is under way. It is no caller's own: others may wait for the same conn.
func (m *mesh) dial(p *peer) {
	ctx, cancel := context.WithTimeout(context.Background(), dialLimit)
	if !p.claim(cancel) {
		cancel()
		return
	}
	started := m.run(func() {
		defer cancel()
		conn, err := m.join(ctx, p)
		switch {
		case err != nil && p.isSettled(): // by an accepted conn, which ended ctx
		case err != nil:
			m.lose(p, fmt.Errorf("dial %s: %w", p.addr, err))
		case !m.adopt(p, conn):
			conn.Close()
		}
	})
	if !started {
		cancel()
		p.end(ErrClosed)
	}
}

// errTurnedDown: the other side keeps a conn of its own making.
var errTurnedDown = errors.New("turned down in favour of its own connection")

// join dials until there is a conn that both sides keep, by this or by the other rank's dial.
func (m *mesh) join(ctx context.Context, p *peer) (link.Conn, error) {
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		conn, err := m.transport.Dial(ctx, p.rank, p.addr)
		if err == nil && p.rank < m.rank {
			err = welcomed(ctx, conn)
		}
		if !errors.Is(err, errTurnedDown) {
			return conn, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, err
		}
	}
}

// welcomed waits for the lower rank's word that conn stays, and else closes it.
func welcomed(ctx context.Context, conn link.Conn) error {
	msg, err := conn.Recv(ctx)
	switch {
	case err != nil:
	case msg.Kind == kindControl && msg.Op == ctlWelcome:
		msg.Discard()
		return nil
	default:
		msg.Discard()
		err = errTurnedDown
	}
	conn.Close()
	return err
}

// read takes in what p sends, until its last word or the end of the conn. Closing the conn tells p that all has been read.
func (m *mesh) read(p *peer, conn link.Conn) {
	defer conn.Close()
	for {
		msg, err := conn.Recv(context.Background())
		switch {
		case err != nil:
			close(p.drained)
			m.lose(p, err)
			return
		case msg.Kind == kindControl:
			if last := m.heed(p, msg); last {
				close(p.drained)
				return
			}
		case !m.box.deliver(&letter{source: p.rank, Message: msg}):
			msg.Discard()
		}
	}
}

// farewell ends p, which has left in good order.
func (m *mesh) farewell(p *peer) {
	if err, first := p.end(ErrLeft); first {
		m.box.leave(err, false, false)
		if m.rank == 0 {
			m.tell(notice{ctl: ctlGone, err: err}, p.rank)
		}
	}
}

// hearOut gives rank 0 time to say why p went: p may have told only the ranks that it was joined with.
func (m *mesh) hearOut(p *peer) {
	timer := time.NewTimer(noticeLimit)
	defer timer.Stop()
	select {
	case <-p.ended:
	case <-m.peers[0].ended:
	case <-timer.C:
	}
}

// lose ends p, which said no goodbye, and tells the others. Rank 0 is joined with everybody, so what it has lost is gone
// for all; what another rank has lost may be there for the rest, but no collective can succeed any more.
func (m *mesh) lose(p *peer, cause error) {
	if errors.Is(cause, link.ErrClosed) {
		m.unplugged(cause)
	}
	if m.rank > 0 && p.rank > 0 {
		m.hearOut(p)
	}
	err, first := p.end(cause)
	if !first || m.box.over() != nil {
		return
	}
	m.box.leave(err, true, false)
	if m.rank == 0 {
		m.tell(notice{ctl: ctlGone, err: err}, p.rank)
	} else {
		m.tell(notice{ctl: ctlSevered, err: err}, p.rank)
	}
}

// unplugged ends everything because the transport was closed under it: then this rank is the one that is lost.
func (m *mesh) unplugged(cause error) {
	m.box.close(&RankError{Rank: m.rank, Host: m.host, Cause: fmt.Errorf("its transport was closed under it: %w", cause)})
}

// close says goodbye to all, ends every conn and the transport, and waits for the goroutines.
func (m *mesh) close() error {
	m.mu.Lock()
	already := m.closed
	m.closed = true
	m.mu.Unlock()
	m.box.close(ErrClosed)
	if already {
		m.running.Wait()
		return nil
	}
	m.notices.Wait()
	// Rank 0 spreads the word that this rank has left, so it comes last: the others must have read all by then.
	others := slices.DeleteFunc(slices.Clone(m.peers), func(p *peer) bool { return p == nil || p.rank == 0 })
	m.hangUp(others, notice{ctl: ctlGoodbye})
	if m.rank > 0 {
		m.hangUp(m.peers[:1], notice{ctl: ctlGoodbye})
	}
	var err error
	if m.transport != nil {
		err = m.transport.Close()
	}
	m.running.Wait()
	return err
}

// hangUp says a last word to peers, gives them time to read all that came before, and ends their conns and dials.
func (m *mesh) hangUp(peers []*peer, last notice) {
	var all sync.WaitGroup
	for _, p := range peers {
		if p != nil {
			all.Go(func() { m.part(p, last) })
		}
	}
	all.Wait()
}

func (m *mesh) part(p *peer, last notice) {
	conn, _ := p.state()
	if conn != nil {
		m.bring(p, last)
		timer := time.NewTimer(noticeLimit)
		defer timer.Stop()
		select {
		case <-p.drained: // the peer has closed its end
		case <-timer.C:
		}
	}
	p.end(ErrClosed)
	if conn != nil {
		conn.Close()
	}
}
