//go:build unix

package rendezvous

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/darray-go/darray/internal/leak"
)

// store is a launcher's end of PMI-1 for some ranks, with Slurm's or hydra's way to answer.
type store struct {
	slurm bool
	size  int

	mu     sync.Mutex
	values map[string]string
	inside int
	fence  chan struct{}
}

// descriptor gives one end of a socket pair, as a process inherits it, and serves the other.
func (s *store) descriptor(t *testing.T, serve func(net.Conn)) int {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fds[1]), "launcher")
	conn, err := net.FileConn(f)
	_ = f.Close()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		serve(conn)
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	return fds[0]
}

func (s *store) serve(conn net.Conn) {
	in := bufio.NewScanner(conn)
	for in.Scan() {
		q, err := parsePMI(in.Text())
		if err != nil {
			return
		}
		if _, err := conn.Write([]byte(s.answer(q) + "\n")); err != nil {
			return
		}
	}
}

func (s *store) answer(q map[string]string) string {
	rc := ""
	if s.slurm {
		rc = " rc=0"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch q["cmd"] {
	case "init":
		return "cmd=response_to_init pmi_version=1 pmi_subversion=1 rc=0"
	case "get_maxes":
		return "cmd=maxes kvsname_max=256 keylen_max=64 vallen_max=1024" + rc
	case "get_my_kvsname":
		return "cmd=my_kvsname kvsname=kvs_1" + rc
	case "put":
		s.values[q["kvsname"]+q["key"]] = q["value"]
		return "cmd=put_result rc=0"
	case "barrier_in":
		fence := s.fence
		if s.inside++; s.inside == s.size {
			close(fence)
			s.inside, s.fence = 0, make(chan struct{})
		}
		s.mu.Unlock()
		<-fence
		s.mu.Lock()
		return "cmd=barrier_out" + rc
	case "get":
		v, ok := s.values[q["kvsname"]+q["key"]]
		if !ok {
			return "cmd=get_result rc=-1 msg=not_found value=unknown"
		}
		return "cmd=get_result rc=0 msg=success value=" + v
	case "finalize":
		return "cmd=finalize_ack" + rc
	}
	return "cmd=unknown rc=-1"
}

func newStore(size int, slurm bool) *store {
	return &store{size: size, slurm: slurm, values: make(map[string]string), fence: make(chan struct{})}
}

func TestPMI(t *testing.T) {
	for _, slurm := range []bool{false, true} {
		t.Run(fmt.Sprint("slurm ", slurm), func(t *testing.T) {
			leak.Check(t)
			s := newStore(3, slurm)
			note := Note{Addrs: []string{"10.0.0.1:5"}, Token: []byte("thirty-two bytes, known to nobody")}
			got := make(chan error, 2)
			for r := 1; r <= 2; r++ {
				p := &pmi{fd: s.descriptor(t, s.serve), rank: r, size: 3}
				go func() {
					n, err := p.Await(t.Context())
					if err == nil && (len(n.Addrs) != 1 || n.Addrs[0] != note.Addrs[0] || !bytes.Equal(n.Token, note.Token)) {
						err = fmt.Errorf("got %+v", n)
					}
					got <- err
				}()
			}
			root := &pmi{fd: s.descriptor(t, s.serve), size: 3}
			if err := root.Publish(t.Context(), note); err != nil {
				t.Error(err)
			}
			for range 2 {
				if err := <-got; err != nil {
					t.Error(err)
				}
			}
			for key, value := range s.values { // the launcher, and who listens to it, does not see the token
				if raw, _ := hex.DecodeString(value); bytes.Contains(raw, note.Token) || strings.Contains(value, string(note.Token)) {
					t.Errorf("%s holds the token", key)
				}
			}
		})
	}
}

// TestPMIRankMissing: the fence of a launcher has no time limit; ours ends it, with a reason.
func TestPMIRankMissing(t *testing.T) {
	leak.Check(t)
	s := newStore(2, false)
	root := &pmi{fd: s.descriptor(t, s.serve), size: 2}
	defer close(s.fence)
	ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, errors.New("nothing in 100ms"))
	defer cancel()
	err := root.Publish(ctx, Note{Addrs: []string{"h:1"}})
	if err == nil || !strings.Contains(err.Error(), "nothing in 100ms: a rank has not come") {
		t.Errorf("error %v", err)
	}
}

// TestPMIHostile: a launcher's answer that makes no sense is an error.
func TestPMIHostile(t *testing.T) {
	for name, answer := range map[string]string{
		"nothing":   "",
		"no line":   "cmd=response_to_init",
		"too long":  "cmd=response_to_init " + strings.Repeat("x", 2*maxPMILine),
		"no fields": "hello\n",
		"other":     "cmd=maxes\n",
		"refused":   "cmd=response_to_init rc=1\n",
		"no maxes":  "cmd=response_to_init rc=0\ncmd=maxes\n",
		"small":     "cmd=response_to_init rc=0\ncmd=maxes vallen_max=64\n",
		"no name":   "cmd=response_to_init rc=0\ncmd=maxes vallen_max=1024\ncmd=my_kvsname\n",
		"bad note": "cmd=response_to_init rc=0\ncmd=maxes vallen_max=1024\ncmd=my_kvsname kvsname=k\ncmd=put_result\n" +
			"cmd=barrier_out\ncmd=barrier_out\ncmd=get_result rc=0 value=nonsense\n",
		"bad key": "cmd=response_to_init rc=0\ncmd=maxes vallen_max=1024\ncmd=my_kvsname kvsname=k\ncmd=put_result\n" +
			"cmd=barrier_out\ncmd=barrier_out\ncmd=get_result value=darray1;;h:1\ncmd=get_result value=00\ncmd=get_result value=00\n",
	} {
		t.Run(name, func(t *testing.T) {
			leak.Check(t)
			s := newStore(2, false)
			p := &pmi{rank: 1, size: 2, fd: s.descriptor(t, func(conn net.Conn) {
				_, _ = conn.Write([]byte(answer))
				_ = conn.(*net.UnixConn).CloseWrite()
			})}
			if n, err := p.Await(t.Context()); err == nil {
				t.Errorf("got %+v", n)
			}
		})
	}
}

// TestPMINoSocket: a descriptor that is something else is left alone.
func TestPMINoSocket(t *testing.T) {
	leak.Check(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	p := &pmi{fd: int(r.Fd()), rank: 1, size: 2}
	if _, err := p.Await(t.Context()); err == nil || !strings.Contains(err.Error(), "PMI_FD=") {
		t.Errorf("error %v", err)
	}
	if _, err := w.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	if _, err := r.Read(make([]byte, 1)); err != nil {
		t.Errorf("the pipe was closed: %v", err)
	}
}
