package launch

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/darray-go/darray/internal/launch/socket"
)

// agentServer is the launcher's end of the connections to its ranks.
type agentServer struct {
	part     part
	ranks    int    // on this host
	command  string // the program and its arguments
	listener net.Listener
	cleanup  func()
	done     sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	open    map[net.Conn]bool
	members map[int]*member // those that joined, also after they left
	root    string
	lost    []message            // in order, for ranks that join later
	blames  map[int]int          // by rank, see blame.go
	ended   map[int]bool         // processes, by rank
	asked   map[string]chan here // questions under way, see top.go
}

// member is a rank that has joined.
type member struct {
	conn  net.Conn
	pid   int
	left  bool          // said so; guarded by agentServer.mu
	ended chan struct{} // closed when nothing more comes from it
}

// tellTimeout bounds a write to a rank that does not read, such as a stopped one.
const tellTimeout = time.Second

func serveAgent(p part, ranks int) (*agentServer, error) {
	listener, cleanup, err := socket.ListenNew(randomHex(8))
	if err != nil {
		return nil, fmt.Errorf("listen for the ranks: %w", err)
	}
	s := &agentServer{
		part: p, ranks: ranks, listener: listener, cleanup: cleanup,
		open: make(map[net.Conn]bool), members: make(map[int]*member), blames: make(map[int]int), ended: make(map[int]bool), asked: make(map[string]chan here),
	}
	s.done.Go(s.accept)
	return s, nil
}

func (s *agentServer) addr() string { return s.listener.Addr().String() }

// close ends all connections and waits for what serves them. Ranks that are still there hear that the launcher is gone.
func (s *agentServer) close() {
	s.mu.Lock()
	s.closed = true
	for conn := range s.open {
		_ = conn.Close()
	}
	s.mu.Unlock()
	_ = s.listener.Close()
	s.done.Wait()
	s.cleanup()
}

func (s *agentServer) accept() {
	for {
		conn, err := s.listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			continue // out of descriptors for the moment; the ranks' handshakes have a limit of their own
		}
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			_ = conn.Close()
			return
		}
		s.open[conn] = true
		s.done.Go(func() { s.serve(conn) })
		s.mu.Unlock()
	}
}

// serve speaks with one connection until it ends.
func (s *agentServer) serve(conn net.Conn) {
	defer func() {
		_ = conn.Close()
		s.mu.Lock()
		delete(s.open, conn)
		s.mu.Unlock()
	}()
	in := newMessages(conn)
	rank, m, err := s.admit(conn, in)
	if errors.Is(err, errShown) {
		return
	}
	if err != nil {
		_ = writeMessage(conn, message{Kind: "refused", Text: err.Error()})
		return
	}
	defer close(m.ended)
	for {
		msg, err := in.next()
		if err != nil {
			return
		}
		switch {
		case msg.Kind == "listen" && rank == 0 && msg.Addr != "":
			if s.publish(msg.Addr) {
				s.part.up(message{Kind: "root", Addr: msg.Addr})
			}
		case msg.Kind == "here":
			s.hear(rank, msg)
		case msg.Kind == "blame":
			s.blamed(m, rank, msg.Rank)
		case msg.Kind == "leave":
			s.mu.Lock()
			m.left = true
			s.mu.Unlock()
		}
	}
}

// admit lets a connection in as a rank: it has this user's uid and knows the token.
func (s *agentServer) admit(conn net.Conn, in messages) (int, *member, error) {
	if err := socket.CheckPeer(conn); err != nil {
		return 0, nil, err
	}
	if err := conn.SetDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return 0, nil, err
	}
	nonce := randomHex(16)
	if err := writeMessage(conn, message{Kind: "challenge", Nonce: nonce}); err != nil {
		return 0, nil, err
	}
	hello, err := in.next()
	switch {
	case err != nil:
		return 0, nil, err
	case hello.Kind == "top":
		return 0, nil, s.show(conn)
	case hello.Kind != "join":
		return 0, nil, fmt.Errorf("%q where join is due", hello.Kind)
	case !proves(hello.Proof, s.part.token, "rank", nonce, hello.Rank):
		return 0, nil, fmt.Errorf("wrong token; %s must be the one that the launcher of this job set", EnvToken)
	case hello.Rank < s.part.first || hello.Rank >= s.part.first+s.ranks:
		return 0, nil, fmt.Errorf("rank %d of %d; this host has the %d from %d on", hello.Rank, s.part.size, s.ranks, s.part.first)
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return 0, nil, err
	}
	m := &member{conn: conn, pid: hello.PID, ended: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	if first, taken := s.members[hello.Rank]; taken {
		return 0, nil, fmt.Errorf("rank %d has joined already as process %d", hello.Rank, first.pid)
	}
	if len(s.members) == 0 {
		s.part.up(message{Kind: "joined"})
	}
	s.members[hello.Rank] = m
	proof := prove(s.part.token, "agent", hello.Nonce, hello.Rank)
	tell(m, message{Kind: "welcome", Size: s.part.size, Proof: proof})
	if s.root != "" {
		tell(m, message{Kind: "root", Addr: s.root})
	}
	for _, l := range s.lost {
		tell(m, l)
	}
	return hello.Rank, m, nil
}

// publish passes the address of rank 0 on to the ranks here; the first one stands.
func (s *agentServer) publish(addr string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.root != "" {
		return false
	}
	s.root = addr
	s.tellAll(message{Kind: "root", Addr: addr})
	return true
}

// exited hears of every rank whose process ended. The others are told, unless it had left before and ended well: one that
// failed after it had left ends the job too, and those that it could not tell why hear it so.
func (s *agentServer) exited(rank int, state string, failed bool) {
	s.mu.Lock()
	m := s.members[rank]
	s.mu.Unlock()
	if m == nil {
		if !failed {
			state += ", never joined"
		}
		s.reportLost(rank, state)
		return
	}
	s.done.Go(func() {
		<-m.ended // its last words may still be on the way; the connection ended with the process, or does with close
		s.mu.Lock()
		left := m.left
		s.mu.Unlock()
		switch {
		case left && !failed:
		case failed:
			s.reportLost(rank, state)
		default:
			s.reportLost(rank, state+" in the middle of the run")
		}
	})
}

func (s *agentServer) reportLost(rank int, state string) {
	l := message{Kind: "lost", Rank: rank, Text: state}
	s.hearLost(l)
	s.part.up(l)
}

// hearLost tells the ranks here of one that is lost, here or on another host.
func (s *agentServer) hearLost(l message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost = append(s.lost, l)
	s.tellAll(l)
}

// joined reports whether any rank ever joined.
func (s *agentServer) joined() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.members) > 0
}

// tellAll needs the lock.
func (s *agentServer) tellAll(msg message) {
	for _, m := range s.members {
		tell(m, msg)
	}
}

// tell does not care whether a rank hears: one that cannot is ending, and its exit is seen by other means.
func tell(m *member, msg message) {
	_ = m.conn.SetWriteDeadline(time.Now().Add(tellTimeout))
	_ = writeMessage(m.conn, msg)
}
