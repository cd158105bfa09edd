package quiclink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/quic-go/quic-go"

	"github.com/darray-go/darray/net/link"
)

const (
	scheme     = "quic"
	tcpScheme  = "quic+tcp"  // of a Conn with lanes over TCP
	quicScheme = "quic+quic" // of a Conn with lanes over QUIC
)

// Transport makes one rank's connections over one UDP socket.
type Transport struct {
	cfg      Config
	id       *identity
	udp      *net.UDPConn
	quic     *quic.Transport
	listener *quic.Listener
	tcp      net.Listener // of lanes; nil without
	sockets  []*laneSocket
	offer    offer // which lanes this rank would have

	halfLanes chan struct{} // has room for the TCP connections that may prove nothing

	ctx      context.Context // of the transport's own goroutines; Close ends it
	cancel   context.CancelFunc
	incoming chan *conn
	running  sync.WaitGroup
	accepted atomic.Int64 // connections that others began and that have not ended, whatever they have proved

	mu       sync.Mutex
	conns    map[*conn]struct{}     // not closed by their owners; nil once the transport is closed
	expected map[[16]byte]*expected // by the name of the session: lanes that are being dialed to here
	closed   chan struct{}          // when Close has finished
}

var _ link.Transport = (*Transport)(nil)

// Listen opens the rank's socket and starts to accept peers. The Transport must be closed.
func Listen(cfg Config) (*Transport, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	id, err := newIdentity(cfg)
	if err != nil {
		return nil, err
	}
	reset, err := id.resetKey()
	if err != nil {
		return nil, err
	}
	udp, err := listenUDP(cfg.Addr)
	if err != nil {
		return nil, err
	}
	t := &Transport{
		cfg: cfg, id: id, udp: udp,
		incoming: make(chan *conn),
		conns:    make(map[*conn]struct{}),
		expected: make(map[[16]byte]*expected),
		closed:   make(chan struct{}),
	}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	t.quic = t.quicTransport(udp)
	t.quic.StatelessResetKey = reset
	if err := t.listenLanes(); err != nil {
		return nil, errors.Join(err, t.closeLanes(), udp.Close())
	}
	t.listener, err = t.quic.Listen(id.tlsConfig(), cfg.quicConfig())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("quiclink: listen on %s: %w", cfg.Addr, err), t.closeLanes(), udp.Close())
	}
	t.running.Go(t.listen)
	return t, nil
}

func (t *Transport) quicTransport(udp *net.UDPConn) *quic.Transport {
	return &quic.Transport{
		Conn:                packetConn(udp),
		VerifySourceAddress: func(net.Addr) bool { return t.accepted.Load() >= t.expects()+unverified },
		ConnContext:         t.admit,
	}
}

// listenLanes opens what Config.Bulk and Lanes ask for.
func (t *Transport) listenLanes() error {
	switch {
	case t.cfg.Bulk == BulkTCP:
		return t.listenTCP(max(t.cfg.Lanes, 1))
	case t.cfg.Lanes > 0:
		return t.listenQUIC(t.cfg.Lanes)
	}
	return nil
}

func listenUDP(addr string) (*net.UDPConn, error) {
	pc, err := net.ListenPacket("udp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("quiclink: another process has UDP address %s: end it, choose another address, "+
			"or use port 0 to let the system choose: %w", addr, err)
	case err != nil:
		return nil, fmt.Errorf("quiclink: listen on %q: %w; want host:port of this machine", addr, err)
	}
	return pc.(*net.UDPConn), nil // what ListenPacket returns for "udp"
}

// Scheme returns "quic".
func (t *Transport) Scheme() string { return scheme }

// Addr returns the socket's "ip:port". Where Config.Addr named no interface, neither does it.
func (t *Transport) Addr() string { return t.udp.LocalAddr().String() }

// Dial connects to rank peer at "ip:port". It returns when the peer's hello is here, so both have proved themselves.
// The errors: ErrRefused (wrong token or job; another rank is there), ErrPeerLost (nobody answers there).
func (t *Transport) Dial(ctx context.Context, peer int, addr string) (link.Conn, error) {
	c, err := t.dial(ctx, peer, addr)
	if err != nil {
		return nil, fmt.Errorf("dial rank %d at %s: %w", peer, addr, err)
	}
	return c, nil
}

// resolve looks a name up anew for each dial: in a cluster that is starting, names come and move.
func resolve(ctx context.Context, addr string) (netip.AddrPort, error) {
	if to, err := netip.ParseAddrPort(addr); err == nil {
		return to, nil
	}
	host, service, err := net.SplitHostPort(addr)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("want host:port: %w", err)
	}
	port, err := net.DefaultResolver.LookupPort(ctx, "udp", service)
	if err != nil {
		return netip.AddrPort{}, err
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	at := ips[0].Unmap()
	for _, ip := range ips { // IPv4 where there is one: the socket is of that kind on a host that has it
		if ip = ip.Unmap(); ip.Is4() {
			at = ip
			break
		}
	}
	return netip.AddrPortFrom(at, uint16(port)), nil
}

func (t *Transport) dial(ctx context.Context, peer int, addr string) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if peer < 0 || peer >= t.cfg.Size || peer == t.cfg.Rank {
		return nil, fmt.Errorf("rank %d of %d has no such peer", t.cfg.Rank, t.cfg.Size)
	}
	to, err := resolve(ctx, addr)
	if err != nil {
		return nil, err
	}
	c, err := t.connect(ctx, peer, to)
	if t.ctx.Err() != nil || err == nil && !t.add(c) {
		return nil, link.ErrClosed
	}
	return c, err
}

// connect makes the QUIC connection and passes the hellos.
func (t *Transport) connect(ctx context.Context, peer int, to netip.AddrPort) (*conn, error) {
	dialing, cancel := context.WithTimeout(ctx, t.cfg.HandshakeTimeout)
	defer cancel()
	defer context.AfterFunc(t.ctx, cancel)()
	conf := t.id.tlsConfig()
	conf.ServerName = peerName(t.cfg.Job, peer)
	qc, err := t.quic.Dial(dialing, net.UDPAddrFromAddrPort(to), conf, t.cfg.quicConfig())
	if err != nil {
		return nil, dialError(ctx, err)
	}
	ch, err := t.greet(dialing, qc, peer)
	if err != nil {
		err = dialError(ctx, err)
		qc.CloseWithError(codeRefused, "hello failed")
		return nil, err
	}
	return newConn(t, peer, ch), nil
}

// How many connections beyond those of the ranks others may have begun here: so many before who begins another must show
// that it receives at its address (a round trip, for which nothing is kept), and so many before it is sent away. A
// connection that proves nothing ends after HandshakeTimeout.
const (
	unverified = 64
	unproved   = 256
)

// expects is how many connections the ranks of the job may begin here.
func (t *Transport) expects() int64 { return int64(t.cfg.Size) * int64(1+len(t.sockets)) }

// admit is asked before anything is kept of a connection.
func (t *Transport) admit(ctx context.Context, _ *quic.ClientInfo) (context.Context, error) {
	if t.accepted.Add(1) > t.expects()+unproved {
		t.accepted.Add(-1)
		return nil, errors.New("quiclink: too many connections")
	}
	context.AfterFunc(ctx, func() { t.accepted.Add(-1) }) // ctx ends with the connection
	return ctx, nil
}

// listen accepts QUIC connections; each is greeted by its own goroutine, so that a slow one holds up nobody.
func (t *Transport) listen() {
	for {
		qc, err := t.listener.Accept(t.ctx)
		if err != nil {
			return // closed
		}
		t.running.Go(func() { t.welcome(qc) })
	}
}

// welcome checks a peer that TLS has let in, answers its hello and hands it to Accept.
func (t *Transport) welcome(qc *quic.Conn) {
	ctx, cancel := context.WithTimeout(t.ctx, t.cfg.HandshakeTimeout)
	defer cancel()
	peer, err := t.id.verifiedRank(qc.ConnectionState().TLS)
	if err != nil {
		qc.CloseWithError(codeRefused, err.Error())
		return
	}
	ch, err := t.hear(ctx, qc, peer)
	if err != nil {
		qc.CloseWithError(codeRefused, err.Error())
		return
	}
	c := newConn(t, peer, ch)
	if !t.add(c) {
		return
	}
	select {
	case t.incoming <- c: // even if the peer has left: its messages are here
	case <-t.ctx.Done():
	}
}

// Accept returns the next peer that dialed and proved itself.
func (t *Transport) Accept(ctx context.Context) (link.Conn, error) {
	if t.ctx.Err() != nil {
		return nil, fmt.Errorf("accept on rank %d: %w", t.cfg.Rank, link.ErrClosed)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("accept on rank %d: %w", t.cfg.Rank, err)
	}
	select {
	case c := <-t.incoming:
		return c, nil
	case <-t.ctx.Done():
		return nil, fmt.Errorf("accept on rank %d: %w", t.cfg.Rank, link.ErrClosed)
	case <-ctx.Done():
		return nil, fmt.Errorf("accept on rank %d: %w", t.cfg.Rank, ctx.Err())
	}
}

// Close says goodbye on every Conn, all at once, and frees the socket.
func (t *Transport) Close() error {
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
	err := errors.Join(t.listener.Close(), t.closeLanes(), t.quic.Close(), t.udp.Close())
	t.running.Wait()
	if err != nil {
		return fmt.Errorf("quiclink: close rank %d: %w", t.cfg.Rank, err)
	}
	return nil
}

// closeLanes ends the listening for lanes.
func (t *Transport) closeLanes() error {
	t.cancel() // tells acceptTCP and acceptQUIC
	var errs []error
	if t.tcp != nil {
		errs = append(errs, t.tcp.Close())
	}
	for _, s := range t.sockets {
		errs = append(errs, s.close())
	}
	return errors.Join(errs...)
}

// add enters c; if the transport is closed, it closes c.
func (t *Transport) add(c *conn) bool {
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

func (t *Transport) forget(c *conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.conns, c)
}
