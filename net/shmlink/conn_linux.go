package shmlink

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/darray-go/darray/net/link"
)

const (
	// maxUnread bounds the announced messages of one peer that wait here; each is or was a Send that blocks at the peer.
	maxUnread = 1 << 17
	// maxUnsent bounds what is kept for a peer that does not read while it sends more that is to be answered.
	maxUnsent = 2*link.EagerCredit + maxUnread*link.HeaderSize
)

// conn is a rank's end of one upgraded connection. Two goroutines serve it: one is woken by the peer's knocks and by the
// end of its process, the other watches the inner conn. Whoever waits for something may take in frames in their place.
//
// Locks: rx before mu. Nobody who holds mu blocks; who holds rx handles what is in the ring, or looks at it for some us.
type conn struct {
	t        *transport
	peer     int
	peerAddr string
	inner    link.Conn
	s        *shared
	raw      syscall.RawConn

	inbox   *link.Inbox
	count   link.Counter
	running sync.WaitGroup
	parted  chan struct{} // closed when the peer has answered our goodbye
	ended   chan struct{} // closed when the conn serves nobody any more
	over    chan struct{} // closed when Close has finished
	looks   int           // how often who waits looks before it sleeps
	knocks  atomic.Uint64 // system calls that woke the peer
	vain    atomic.Int32  // looks of Poll that found nothing, since one did

	rx    sync.Mutex
	in    inRing
	dead  bool   // in is not read any more
	eager uint64 // eager bytes that came

	mu        sync.Mutex
	closed    bool  // by this end's owner
	err       error // why nothing more is sent: the peer left or was lost
	out       outRing
	nextID    uint64               // of the next message announced
	sent      uint64               // eager bytes
	sending   map[uint64]*outgoing // announced, not yet delivered
	free      []int                // slots of this end's lane, the last used one last: it is the warmest
	lastID    uint64               // of the last message announced by the peer
	receiving map[uint64]*incoming // announced by the peer, not yet finished
	answered  bool                 // parted is closed

	readHere  *atomic.Uint64 // own word: eager bytes that have been finished here
	readThere *atomic.Uint64 // the peer's
}

var (
	_ link.Conn     = (*conn)(nil)
	_ link.Poller   = (*conn)(nil)
	_ link.Exporter = (*conn)(nil)
)

func newConn(t *transport, inner link.Conn, s *shared) link.Conn {
	c := &conn{
		t: t, peer: inner.Peer(), peerAddr: inner.PeerAddr(), inner: inner, s: s,
		inbox:  link.NewInbox(),
		parted: make(chan struct{}), ended: make(chan struct{}), over: make(chan struct{}),
		looks: int(t.cfg.Spin / lookTime),
		in:    newInRing(s.own, s.peer), out: newOutRing(s.own, s.peer),
		sending: make(map[uint64]*outgoing), receiving: make(map[uint64]*incoming),
		readHere: s.own.word(readAt), readThere: s.peer.word(readAt),
	}
	for i := range slots {
		c.free = append(c.free, slots-1-i)
	}
	c.raw, _ = s.sock.SyscallConn() // it fails for a nil conn only
	watching, stop := context.WithCancel(context.Background())
	c.running.Go(func() {
		defer stop()
		c.serve()
	})
	c.running.Go(func() { c.watch(watching) })
	return c
}

// Peer returns the rank that the inner session proves.
func (c *conn) Peer() int { return c.peer }

// PeerAddr returns the peer's address as the inner conn has it.
func (c *conn) PeerAddr() string { return c.peerAddr }

// Reason is empty: the conn uses shared memory.
func (c *conn) Reason() string { return "" }

// Stats returns the counts so far.
func (c *conn) Stats() link.Stats { return c.count.Stats(scheme) }

// Export derives keying material from the inner session.
func (c *conn) Export(label string, n int) ([]byte, error) {
	return c.inner.(link.Exporter).Export(label, n) // there is no conn without it
}

// Divert hands messages to take in the goroutine that finds them.
func (c *conn) Divert(take func(*link.Message) bool) { c.inbox.Divert(c.count.Taken(take)) }

// Recv returns the oldest message.
func (c *conn) Recv(ctx context.Context) (*link.Message, error) {
	m, err := c.inbox.Get(ctx)
	if err != nil {
		return nil, fmt.Errorf("receive from rank %d: %w", c.peer, err)
	}
	c.count.Recvd()
	return m, nil
}

// Poll takes in what is in the ring; where the ranks have cores of their own, it looks for about lookTime.
func (c *conn) Poll() (found, spin bool) {
	if c.looks == 0 {
		return c.poll(0), false
	}
	if c.poll(spinning) {
		c.vain.Store(0)
		return true, true
	}
	if int(c.vain.Add(1)) < c.looks {
		runtime.Gosched()
		return false, true
	}
	c.vain.Store(0)
	return false, false
}

// spinning is how often one look reads the ring's head, for about lookTime where nothing comes.
const (
	spinning = 1000
	lookTime = time.Microsecond
)

// maxRounds bounds how often one look empties a ring that the peer goes on filling, as its caller has other things to do.
const maxRounds = 16

// poll takes in what is in the ring, unless somebody does. It reads its head up to times+1 times.
func (c *conn) poll(times int) bool {
	return c.rx.TryLock() && c.take(times)
}

// take is poll; rx is held, and released.
func (c *conn) take(times int) bool {
	var found bool
	var knock bool
	var err error
	if !c.dead {
		found, err = c.takeIn(times)
		knock = c.in.roomGiven()
	}
	c.rx.Unlock()
	if knock {
		c.knock()
	}
	if err != nil {
		c.fail(err)
	}
	return found
}

func (c *conn) takeIn(times int) (found bool, err error) {
	if times > 0 {
		c.in.awake()
		for i := 0; i < times && !c.in.news(); i++ {
		}
	}
	for range maxRounds {
		more, err := c.in.drain(c.t.cfg.MaxMessage, c.handle)
		found = found || more
		if err != nil {
			return found, err
		}
		c.in.asleep()
		if !c.in.news() {
			return found, nil
		}
	}
	return found, c.s.sock.SetReadDeadline(time.Unix(1, 0)) // serve goes on
}

// wait blocks until there is an event or ctx ends, and looks at the ring first.
func (c *conn) wait(ctx context.Context, event <-chan struct{}) error {
	for range c.looks {
		select {
		case <-event:
			return nil
		default:
		}
		if !c.poll(spinning) {
			runtime.Gosched()
		}
	}
	select {
	case <-event:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// unlock releases mu and wakes the peer if it sleeps and there is something for it.
func (c *conn) unlock() {
	wake := c.out.wake()
	c.mu.Unlock()
	if wake {
		c.knock()
	}
}

// unlockQuiet is unlock, and leaves a sleeping peer asleep unless wake: who calls it sees to that later.
func (c *conn) unlockQuiet(wake bool) {
	if wake {
		c.unlock()
	} else {
		c.mu.Unlock()
	}
}

// knock wakes the peer. It never blocks: a socket that takes no more holds knocks enough.
func (c *conn) knock() {
	c.knocks.Add(1)
	_ = c.raw.Write(func(fd uintptr) bool {
		_, _ = unix.SendmsgN(int(fd), []byte{1}, nil, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		return true
	})
}

// queue sends a frame. mu is held, and released by unlock.
func (c *conn) queue(f link.Frame, size int, bufs ...[]byte) {
	if err := c.out.put(&f, size, bufs); err != nil {
		c.breakOff(err)
	}
}

// breakOff ends the conn because of what the peer has written where only mu is held: its socket's reader does the rest.
func (c *conn) breakOff(err error) {
	if c.err == nil {
		c.err = c.lost(err)
	}
	c.s.sock.Close()
}

// serve is woken by knocks, and tells everybody when the peer's process has ended.
func (c *conn) serve() {
	buf := make([]byte, 256)
	c.rx.Lock()
	c.take(0) // falls asleep for the first time
	for {
		_, err := c.s.sock.Read(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) { // somebody has left the ring to this goroutine
			err = c.s.sock.SetReadDeadline(time.Time{})
		}
		if err != nil {
			c.fail(fmt.Errorf("%w: the process of rank %d has ended, or its conn", link.ErrPeerLost, c.peer))
			return
		}
		c.mu.Lock()
		if err := c.out.flush(); err != nil {
			c.breakOff(err)
		}
		c.unlock()
		c.rx.Lock()
		c.take(0)
	}
}

// watch ends the conn with the inner one, which finds out a peer that is there and does nothing; and the inner one with the conn.
func (c *conn) watch(ctx context.Context) {
	for {
		m, err := c.inner.Recv(ctx)
		if err != nil {
			if ctx.Err() == nil {
				c.fail(err)
			}
			break
		}
		m.Discard()
	}
	<-ctx.Done()
	drop(c.inner) // it carries nothing that this conn has not: nobody, least of all a dead peer, is waited for
}

// Drop ends the Conn without waiting for the peer, also where Close already waits; what it has not received is lost.
func (c *conn) Drop() {
	c.fail(fmt.Errorf("%w: rank %d was given up", link.ErrPeerLost, c.peer))
	c.Close()
}

// Close ends what waits at this end, says goodbye and waits until the peer has everything that Send has accepted, at most
// Config.CloseTimeout.
func (c *conn) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		<-c.over
		return nil
	}
	c.closed = true
	gone := c.err != nil
	if gone {
		c.out.hold() // no goodbye will tell it
	}
	c.stopSending(link.ErrClosed)
	c.stopReceiving(link.ErrClosed)
	if !gone {
		c.queue(link.Frame{Type: frameBye}, 0)
	}
	c.unlock()
	c.inbox.Drop(link.ErrClosed)
	if !gone {
		patience, cancel := context.WithTimeout(context.Background(), c.t.cfg.CloseTimeout)
		c.wait(patience, c.parted)
		cancel()
	}
	c.s.sock.Close()
	c.running.Wait()
	c.s.release()
	c.t.forget(c)
	close(c.over)
	return nil
}

// failure is why nothing can be sent or asked for, or nil. mu is held.
func (c *conn) failure() error {
	if c.closed {
		return link.ErrClosed
	}
	return c.err
}

// leave notes that the peer takes nothing more: it said goodbye or was lost. What it sent before is still received.
func (c *conn) leave(err error) {
	c.mu.Lock()
	if c.err == nil {
		c.err = err
	}
	err = c.err
	c.stopSending(err)
	c.stopReceiving(err)
	c.mu.Unlock()
	c.inbox.End(err)
}

// abandon is leave where the peer may be there and read what a Send has lent it, whose memory the Send's caller then uses
// again: the peer must not count that as read.
func (c *conn) abandon(err error) {
	c.mu.Lock()
	c.out.hold()
	c.mu.Unlock()
	c.leave(err)
}

// fail ends everything because the peer is lost, or breaks the protocol. What is in the ring is taken in first.
func (c *conn) fail(err error) {
	c.rx.Lock()
	if !c.dead && !errors.Is(err, link.ErrFrame) && !errors.Is(err, link.ErrTooLarge) {
		_, _ = c.in.drain(c.t.cfg.MaxMessage, c.handle)
	}
	first := !c.dead
	c.dead = true
	c.rx.Unlock()
	c.abandon(c.lost(err))
	c.s.sock.Close()
	if first {
		c.mu.Lock()
		c.out.shut = true
		c.part()
		c.mu.Unlock()
		close(c.ended)
	}
}

// part lets Close go on. mu is held.
func (c *conn) part() {
	if !c.answered {
		c.answered = true
		close(c.parted)
	}
}

// lost makes ErrPeerLost of what ended the conn.
func (c *conn) lost(err error) error {
	if errors.Is(err, link.ErrPeerLost) {
		return err
	}
	return fmt.Errorf("%w: connection to rank %d: %w", link.ErrPeerLost, c.peer, err)
}

func (c *conn) farewell() error {
	return fmt.Errorf("%w: closed by rank %d", link.ErrPeerLost, c.peer)
}
