package comm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/darray-go/darray/net/link"
)

const (
	// dialLimit ends the attempt to reach a rank that is in the table; it was there a moment ago.
	dialLimit = 10 * time.Second
	// noticeLimit bounds how long word to other ranks may keep a goroutine or Close.
	noticeLimit = time.Second
	// patience is how long a receive waits before it looks after the rank it waits for, and between two looks.
	patience = time.Second
	// firstLook is how long a receive of a collective waits before it asks the other rank for the first time: longer than
	// a collective takes on its way, and short for one who waits for an error.
	firstLook = 20 * time.Millisecond
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
	table      []member
	peers      []atomic.Pointer[peer] // by rank; made by peer
	overlay    *overlay
	councils   councils
	box        *mailbox
	patience   time.Duration
	made       atomic.Uint32 // communicators that this rank has reserved a number for
	roll       roll
	quit       chan struct{} // closed by close
	aborted    atomic.Pointer[notice]
	relayed    recent // failed collectives of the communicator of all ranks

	mu      sync.Mutex
	closed  bool
	scratch []byte         // of the last collective, for the next
	running sync.WaitGroup // all goroutines
	notices sync.WaitGroup // those among them that bring word to other ranks
}

// member is one line of the table of ranks.
type member struct {
	host string
	pid  int
	addr string
}

// newMesh keeps table. A degree of len(table) makes the overlay a star.
func newMesh(rank int, table []member, t link.Transport, degree int, r roll) *mesh {
	m := &mesh{
		rank: rank, size: len(table), host: table[rank].host, transport: t, patience: patience, roll: r, quit: make(chan struct{}),
		table: table, peers: make([]atomic.Pointer[peer], len(table)), overlay: newOverlay(degree),
	}
	m.box = newMailbox(rank, m.host, m.alarm)
	m.run(m.watch)
	return m
}

// peer returns another rank as this one sees it.
func (m *mesh) peer(rank int) *peer {
	if p := m.peers[rank].Load(); p != nil {
		return p
	}
	m.peers[rank].CompareAndSwap(nil, newPeer(rank, m.table[rank].host, m.table[rank].addr))
	p := m.peers[rank].Load()
	if gone := m.box.goneWhy(rank); gone != nil {
		p.end(gone.Cause)
	}
	return p
}

// isLinked reports whether this rank has or had a conn to another.
func (m *mesh) isLinked(rank int) bool {
	p := m.peers[rank].Load()
	return p != nil && p.linked() != nil
}

// known are the peers that anything was done with.
func (m *mesh) known() []*peer {
	var ps []*peer
	for r := range m.peers {
		if p := m.peers[r].Load(); p != nil {
			ps = append(ps, p)
		}
	}
	return ps
}

// world returns the communicator of all ranks.
func (m *mesh) world() *Comm {
	all := make([]int, m.size)
	for r := range all {
		all[r] = r
	}
	return &Comm{m: m, st: m.box.make(worldContext, all), rank: m.rank}
}

func (m *mesh) hostOf(rank int) string {
	return m.table[rank].host
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
	open := !m.closed && m.box.over() == nil
	if open {
		m.running.Add(1) // so that close waits for the reader; it ends p or finds it settled
	}
	m.mu.Unlock()
	// Without the lock: what has waited for conn is delivered now, perhaps by this goroutine to a rank that needs its own.
	if !open || !p.settle(conn) {
		if open {
			m.running.Done()
		}
		return false
	}
	go func() {
		defer m.running.Done()
		m.read(p, conn)
	}()
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
			m.excuse(conn)
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
	if m.box.over() != nil {
		m.excuse(conn)
		return
	}
	p := m.peer(r)
	if sentence := m.sentence(r); sentence != nil {
		h, payload := notice{ctl: ctlGone, news: sentence}.message()
		_ = conn.Send(ctx, h, payload)
		shut(ctx, conn)
		return
	}
	switch {
	case r < m.rank: // the lower rank's dial stays
	case !p.claim(func() {}):
		turnAway(ctx, []link.Conn{conn}, fmt.Errorf("rank %d is joined with a rank %d on %s already, or is about to be", m.rank, r, p.host))
		return
	default:
		if err := welcome(conn); err != nil {
			m.lose(p, err)
		}
	}
	if !m.adopt(p, conn) {
		m.excuse(conn)
	}
}

// welcome tells the dialer that conn stays. It has all the time that a dial has: late is not lost.
func welcome(conn link.Conn) error {
	ctx, cancel := context.WithTimeout(context.Background(), dialLimit)
	defer cancel()
	return conn.Send(ctx, control(ctlWelcome), link.Payload{})
}

// excuse closes conn, which is not wanted. If that is because everything is over here, it says why.
func (m *mesh) excuse(conn link.Conn) {
	last := notice{ctl: ctlGoodbye}
	switch {
	case m.aborted.Load() != nil:
		last = *m.aborted.Load()
	case m.box.over() == nil || !errors.Is(m.box.over(), ErrClosed):
		conn.Close()
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), noticeLimit)
	defer cancel()
	h, payload := last.message()
	_ = conn.Send(ctx, h, payload)
	shut(ctx, conn)
}

// connect returns the conn to a rank, made now if there is none.
func (m *mesh) connect(ctx context.Context, rank int) (link.Conn, error) {
	p := m.peer(rank)
	if conn, err := p.state(); conn != nil || err != nil {
		return conn, err
	}
	m.dial(p)
	select {
	case <-p.settled:
		return p.state()
	case <-m.box.ended:
		return nil, m.box.over()
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
			m.hearOut(p)
			m.lose(p, fmt.Errorf("dial %s: %w", p.addr, err))
		case !m.adopt(p, conn):
			conn.Close()
			if !p.isSettled() {
				p.end(ErrClosed)
			}
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
			err = m.welcomed(ctx, conn)
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
func (m *mesh) welcomed(ctx context.Context, conn link.Conn) error {
	msg, err := conn.Recv(ctx)
	switch {
	case err != nil:
	case msg.Kind == kindControl && msg.Op == ctlWelcome:
		msg.Discard()
		return nil
	case msg.Kind == kindControl && msg.Op != ctlRefuse: // why there will be no conn
		m.heed(m.peer(conn.Peer()), msg)
		err = errTurnedDown
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
	conn.Divert(func(msg *link.Message) bool {
		return msg.Kind != kindControl && m.box.deliver(letter{source: p.rank, Message: msg})
	})
	if placer, ok := conn.(link.Placer); ok {
		placer.Place(func(h link.Header, payload link.Payload) bool { return m.box.place(p.rank, h, payload) })
	}
	for {
		msg, err := conn.Recv(context.Background())
		switch {
		case err != nil:
			close(p.drained)
			m.lose(p, err)
			return
		case msg.Kind == kindControl:
			if last := m.heed(p, msg); last {
				p.reading.Lock() // what it sent before may still be read
				close(p.drained)
				p.reading.Unlock()
				return
			}
		case !m.box.deliver(letter{source: p.rank, Message: msg}):
			msg.Discard()
		}
	}
}

// farewell ends p, which has left in good order.
func (m *mesh) farewell(p *peer) {
	m.learn(news{err: &RankError{Rank: p.rank, Host: p.host, Cause: ErrLeft}})
}

// close says goodbye to all, ends every conn and the transport, and waits for the goroutines.
func (m *mesh) close() error {
	m.mu.Lock()
	already := m.closed
	m.closed = true
	m.mu.Unlock()
	m.box.close(ErrClosed)
	if !already {
		close(m.quit)
	}
	if already {
		m.running.Wait()
		return nil
	}
	m.notices.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), noticeLimit)
	defer cancel()
	// Whoever is above this rank spreads the word that it has left, so that comes last: the others must have read all by then.
	above := m.superior()
	m.hangUp(ctx, slices.DeleteFunc(m.known(), func(p *peer) bool { return p.rank == above }), notice{ctl: ctlGoodbye})
	m.hangUp(ctx, m.known(), notice{ctl: ctlGoodbye})
	var err error
	if m.transport != nil {
		m.dropScratch()
		err = m.transport.Close()
	}
	m.running.Wait()
	return err
}

// hangUp says a last word to peers, gives them time to read all that came before, and ends their conns and dials.
func (m *mesh) hangUp(ctx context.Context, peers []*peer, last notice) {
	var all sync.WaitGroup
	for _, p := range peers {
		all.Go(func() { m.part(ctx, p, last) })
	}
	all.Wait()
}

func (m *mesh) part(ctx context.Context, p *peer, last notice) {
	conn, err := p.state()
	if conn != nil {
		if slices.Contains(m.neighbours(), p.rank) && m.owes(p) {
			m.recite(p)
		}
		m.bring(p, last)
		select {
		case <-p.drained: // the peer has closed its end
		case <-ctx.Done():
		}
	}
	p.end(ErrClosed)
	if conn != nil && err == nil {
		shut(ctx, conn)
	}
}

// shut closes conn, and gives up on a peer that does not take its leave before ctx ends.
func shut(ctx context.Context, conn link.Conn) {
	if dropper, ok := conn.(link.Dropper); ok {
		defer context.AfterFunc(ctx, dropper.Drop)()
	}
	conn.Close()
}
