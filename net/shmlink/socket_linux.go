package shmlink

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	proofSize = sha256.Size
	// strangers is how many may be at the socket at a time without having proved anything; one more is sent away.
	strangers = 64
	maxArena  = 1 << 40
	// socketPrefix begins the name of every rank's socket; nothing else is connected to, whatever a peer says. "@" makes it
	// abstract: it is in no file system, belongs to a network namespace, and goes with its process.
	socketPrefix = "@darray-"
)

// host is what a rank offers to the others on its host: an arena to read from and a socket to meet at.
type host struct {
	patience time.Duration
	arena    *arena
	name     string
	boot     string
	listener *net.UnixListener
	running  sync.WaitGroup
	ctx      context.Context // of who is being welcomed; close ends it
	cancel   context.CancelFunc
	room     chan struct{} // one slot for each stranger

	mu      sync.Mutex
	waiting map[[nonceSize]byte]*expected
}

// shared is what the two ends have agreed on.
type shared struct {
	sock      *net.UnixConn
	arena     *arena
	own, peer *memory // lanes
	peerArena *memory
}

// release ends what is not used any more; of nil, nothing.
func (s *shared) release() {
	if s == nil {
		return
	}
	if s.sock != nil {
		s.sock.Close()
	}
	for _, m := range []*memory{s.own, s.peer, s.peerArena} {
		if m != nil {
			m.release()
		}
	}
}

// expected is a peer that has been told where to connect.
type expected struct {
	key    []byte
	nonces []byte // the dialer's and the accepter's
	nonce  [nonceSize]byte
	came   chan *shared // one slot
	over   bool         // nobody waits any more; guarded by host.mu
}

func newHost(cfg Config) (*host, error) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return nil, err
	}
	a, err := newArena(cfg.Arena)
	if err != nil {
		return nil, err
	}
	var id [16]byte
	_, _ = rand.Read(id[:]) // it never errs
	h := &host{
		patience: cfg.Patience, arena: a,
		name: socketPrefix + hex.EncodeToString(id[:]), boot: string(bytes.TrimSpace(boot)),
		room:    make(chan struct{}, strangers),
		waiting: make(map[[nonceSize]byte]*expected),
	}
	h.listener, err = net.ListenUnix("unix", &net.UnixAddr{Name: h.name, Net: "unix"})
	if err != nil {
		return nil, errors.Join(err, a.close())
	}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.running.Go(h.listen)
	return h, nil
}

func (h *host) close() error {
	err := h.listener.Close()
	h.cancel()
	h.running.Wait()
	return errors.Join(err, h.arena.close())
}

// describe fills in where this rank is.
func (h *host) describe(n *note) {
	n.uid, n.pid = uint32(os.Geteuid()), uint32(os.Getpid())
	n.boot, n.socket = h.boot, h.name
}

// expect lets a peer with the key connect.
func (h *host) expect(key []byte, mine, theirs [nonceSize]byte) *expected {
	e := &expected{key: key, nonces: append(theirs[:], mine[:]...), nonce: mine, came: make(chan *shared, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waiting[mine] = e
	return e
}

// forget ends expect; a peer that has connected and was not waited for is dropped.
func (h *host) forget(e *expected) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.waiting, e.nonce)
	e.over = true
	select {
	case s := <-e.came:
		s.release()
	default:
	}
}

// hand passes what was agreed on to who waits for it, if somebody still does.
func (h *host) hand(e *expected, s *shared) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if e.over {
		s.release()
		return
	}
	e.came <- s // has room: each is taken once
}

// take gives the expected peer to who proves to be it; each is taken once.
func (h *host) take(nonce [nonceSize]byte) *expected {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := h.waiting[nonce]
	delete(h.waiting, nonce)
	return e
}

func (h *host) find(nonce [nonceSize]byte) *expected {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.waiting[nonce]
}

func (e *expected) wait(ctx context.Context) (*shared, error) {
	select {
	case s := <-e.came:
		return s, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("the peer did not connect for shared memory: %w", ctx.Err())
	}
}

func (h *host) listen() {
	for {
		sock, err := h.listener.AcceptUnix()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue // no descriptor left, or one that has gone already
		}
		select {
		case h.room <- struct{}{}:
			h.running.Go(func() {
				defer func() { <-h.room }()
				if h.welcome(sock) != nil {
					sock.Close()
				}
			})
		default:
			sock.Close()
		}
	}
}

// welcome lets a peer prove itself, proves this end, and passes the memory. Until then a stranger learns nothing.
func (h *host) welcome(sock *net.UnixConn) error {
	if err := errors.Join(sameUser(sock), sock.SetDeadline(time.Now().Add(h.patience))); err != nil {
		return err
	}
	stop := context.AfterFunc(h.ctx, func() { sock.SetDeadline(time.Now()) })
	defer stop()
	var hello [nonceSize + proofSize]byte
	if _, err := io.ReadFull(sock, hello[:]); err != nil {
		return err
	}
	nonce := [nonceSize]byte(hello[:])
	e := h.find(nonce)
	if e == nil || !hmac.Equal(hello[nonceSize:], e.proof("dial")) || h.take(nonce) == nil {
		return errors.New("shmlink: a stranger at the socket")
	}
	s := &shared{sock: sock, arena: h.arena}
	err := s.offer(e.proof("accept"))
	if err == nil {
		_, err = s.receive(1)
	}
	if err == nil && !stop() {
		err = h.ctx.Err()
	}
	if err == nil {
		err = sock.SetDeadline(time.Time{})
	}
	if err != nil {
		s.release()
		return err
	}
	h.hand(e, s)
	return nil
}

// dial connects to the peer that expects it, proves this end, checks the peer, and passes the memory.
func (h *host) dial(ctx context.Context, key []byte, mine, theirs note) (*shared, error) {
	if !strings.HasPrefix(theirs.socket, socketPrefix) {
		return nil, fmt.Errorf("the peer's socket %q has not the name of one", theirs.socket)
	}
	c, err := new(net.Dialer).DialContext(ctx, "unix", theirs.socket)
	if err != nil {
		return nil, fmt.Errorf("connect to the peer's socket (is it in another network namespace?): %w", err)
	}
	s := &shared{sock: c.(*net.UnixConn), arena: h.arena} // what DialContext returns for "unix"
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Now()) })
	e := &expected{key: key, nonces: append(mine.nonce[:], theirs.nonce[:]...)}
	err = s.introduce(e, theirs.nonce)
	if !stop() {
		err = errors.Join(context.Cause(ctx), err)
	}
	if err != nil {
		s.release()
		return nil, fmt.Errorf("meet the peer at its socket: %w", err)
	}
	return s, nil
}

func (s *shared) introduce(e *expected, nonce [nonceSize]byte) error {
	if err := sameUser(s.sock); err != nil {
		return err
	}
	if _, err := s.sock.Write(append(nonce[:], e.proof("dial")...)); err != nil {
		return err
	}
	proof, err := s.receive(proofSize)
	if err != nil {
		return err
	}
	if !hmac.Equal(proof, e.proof("accept")) {
		return errors.New("who listens there does not know the session's key")
	}
	return s.offer([]byte{1})
}

// proof is what only the ends of the session can say.
func (e *expected) proof(role string) []byte {
	mac := hmac.New(sha256.New, e.key)
	mac.Write([]byte("darray shm " + role))
	mac.Write(e.nonces)
	return mac.Sum(nil)
}

// offer sends word and, with it, this end's lane and arena.
func (s *shared) offer(word []byte) error {
	own, fd, err := newMemory("darray-lane", laneSize)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	s.own = own
	_, _, err = s.sock.WriteMsgUnix(word, unix.UnixRights(fd, s.arena.fd), nil)
	return err
}

// receive takes n bytes and, with them, the peer's lane and arena. Descriptors that are too many or of another kind are
// closed.
func (s *shared) receive(n int) ([]byte, error) {
	word, oob := make([]byte, n), make([]byte, unix.CmsgSpace(2*4))
	got, oobn, _, _, err := s.sock.ReadMsgUnix(word, oob)
	if err != nil {
		return nil, err
	}
	fds := received(oob[:oobn])
	if got != n || len(fds) != 2 {
		for _, fd := range fds {
			unix.Close(fd)
		}
		return nil, fmt.Errorf("the peer sent %d bytes and %d descriptors, want %d and 2", got, len(fds), n)
	}
	var errLane, errArena error
	s.peer, errLane = openMemory(fds[0], laneSize, laneSize)
	s.peerArena, errArena = openMemory(fds[1], 0, maxArena)
	return word, errors.Join(errLane, errArena)
}

func received(oob []byte) (fds []int) {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil
	}
	for i := range msgs {
		if more, err := unix.ParseUnixRights(&msgs[i]); err == nil {
			fds = append(fds, more...)
		}
	}
	return fds
}

// sameUser holds that the process at the other end belongs to this one's user.
func sameUser(sock *net.UnixConn) error {
	raw, err := sock.SyscallConn()
	if err != nil {
		return err
	}
	var cred *unix.Ucred
	var failed error
	if err := raw.Control(func(fd uintptr) { cred, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil {
		return err
	}
	if failed != nil {
		return failed
	}
	if cred.Uid != uint32(os.Geteuid()) {
		return fmt.Errorf("the process at the socket runs as user %d, this one as %d", cred.Uid, os.Geteuid())
	}
	return nil
}
