package shmlink_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/darray-go/darray/net/link"
	"github.com/darray-go/darray/net/quiclink"
	"github.com/darray-go/darray/net/shmlink"
)

// childVar tells a copy of the test binary to be rank 1: what it plays, and where rank 0 is.
const childVar = "SHMLINK_TEST_CHILD"

// spinVar, where set, is how long both processes look before they sleep.
const spinVar = "SHMLINK_TEST_SPIN"

func TestMain(m *testing.M) {
	if role, addr, ok := strings.Cut(os.Getenv(childVar), " "); ok {
		if err := play(role, addr); err != nil {
			fmt.Fprintln(os.Stderr, "child:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// Messages by kind, between the two processes.
const (
	kindEcho   = iota + 1 // send the payload back, from the heap
	kindLent              // send it back from the arena
	kindFrames            // Count messages of no payload follow; then one is to come back
	kindQuit              // close
)

var roles = map[string]func(context.Context, link.Transport, link.Conn) error{
	"echo":  playEcho,
	"sleep": func(ctx context.Context, _ link.Transport, _ link.Conn) error { <-ctx.Done(); return nil },
	"burst": playBurst,
}

func play(role, addr string) error {
	ctx := context.Background()
	tr, err := listen(1, shmlink.Config{LocalRanks: spinners(), Spin: spin()})
	if err != nil {
		return err
	}
	c, err := tr.Dial(ctx, 0, addr)
	if err != nil {
		return err
	}
	fmt.Println(shmlink.SocketName(tr)) // rank 0 reads it
	if err := roles[role](ctx, tr, c); err != nil {
		return err
	}
	if err := tr.Close(); err != nil {
		return err
	}
	fmt.Printf("cpu %d\n", cpu())
	return nil
}

func spinners() int { return 2 }

// spin is zero, the default for two ranks here, unless the benchmark's caller says otherwise.
func spin() time.Duration {
	d, _ := time.ParseDuration(os.Getenv(spinVar))
	return d
}

// cpu is the time in ns that this process has used its processors.
func cpu() int64 {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

func listen(rank int, cfg shmlink.Config) (link.Transport, error) {
	conf := config(rank, 2)
	conf.IdleTimeout, conf.KeepAlive, conf.CloseTimeout = 2*time.Second, 100*time.Millisecond, 200*time.Millisecond
	inner, err := quiclink.Listen(conf)
	if err != nil {
		return nil, err
	}
	return shmlink.Over(inner, cfg)
}

// child is a process that plays rank 1.
type child struct {
	cmd  *exec.Cmd
	out  *bufio.Reader
	name string // of its socket
}

// start starts rank 1 and returns rank 0's conn to it.
func start(t testing.TB, role string, cfg shmlink.Config) (*child, link.Transport, link.Conn) {
	t.Helper()
	tr, err := listen(0, cfg)
	if err != nil {
		t.Fatal(err)
	}
	p := &child{cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), childVar+"="+role+" "+tr.Addr())
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tr.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		p.cmd.Process.Kill()
		io.Copy(io.Discard, p.out)
		p.cmd.Wait()
	})
	c, err := tr.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s := c.Stats().Scheme; s != "shm" {
		t.Fatalf("the conn is %s: %s", s, c.(interface{ Reason() string }).Reason())
	}
	line, err := p.out.ReadString('\n')
	if err != nil {
		t.Fatalf("child: %q, %v", line, err)
	}
	p.name = strings.TrimSpace(line)
	return p, tr, c
}

// end tells the child to close and returns the processor time that it has used.
func (p *child) end(t testing.TB, c link.Conn) time.Duration {
	t.Helper()
	if err := c.Send(t.Context(), link.Header{Kind: kindQuit}, link.Payload{}); err != nil {
		t.Fatal(err)
	}
	var ns int64
	if _, err := fmt.Fscanf(p.out, "cpu %d\n", &ns); err != nil {
		t.Fatal(err)
	}
	return time.Duration(ns)
}

// mailbox receives as net/comm does: it polls, and sleeps where that is not worth while.
type mailbox struct {
	c    link.Conn
	poll link.Poller
	got  chan *link.Message
}

func newMailbox(c link.Conn) *mailbox {
	b := &mailbox{c: c, got: make(chan *link.Message, 64)}
	b.poll = c.(link.Poller)
	c.Divert(func(m *link.Message) bool {
		select {
		case b.got <- m:
			return true
		default:
			return false
		}
	})
	return b
}

func (b *mailbox) recv(ctx context.Context) (*link.Message, error) {
	for spin := true; spin; {
		select {
		case m := <-b.got:
			return m, nil
		default:
		}
		var found bool
		found, spin = b.poll.Poll()
		spin = spin || found
	}
	select {
	case m := <-b.got:
		return m, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func playEcho(ctx context.Context, tr link.Transport, c link.Conn) error {
	box := newMailbox(c)
	var heap, arena []byte
	for {
		m, err := box.recv(ctx)
		if err != nil {
			return err
		}
		buf := &heap
		if m.Kind == kindLent {
			buf = &arena
		}
		if n := int(m.Size); len(*buf) < n {
			if m.Kind == kindLent {
				*buf = tr.(link.Allocator).Alloc(n)
			} else {
				*buf = make([]byte, n)
			}
		}
		b := (*buf)[:m.Size]
		err = m.ReadInto(ctx, b)
		switch {
		case m.Kind == kindQuit:
			return err
		case err == nil:
			err = c.Send(ctx, m.Header, link.Payload{Bufs: [][]byte{b}})
		}
		if err != nil {
			return err
		}
	}
}

// playBurst sends many small messages and a waiting large one, and then dies without a word.
func playBurst(ctx context.Context, _ link.Transport, c link.Conn) error {
	for i := range 1000 {
		if err := c.Send(ctx, link.Header{Seq: uint64(i)}, link.Payload{Bufs: [][]byte{make([]byte, i)}}); err != nil {
			return err
		}
	}
	go c.Send(ctx, link.Header{Seq: 1000}, link.Payload{Bufs: [][]byte{make([]byte, 1<<20)}})
	m, err := c.Recv(ctx) // rank 0 has seen that one
	if err != nil {
		return err
	}
	m.Discard()
	return errors.Join(unix.Kill(os.Getpid(), unix.SIGKILL), errors.New("still alive"))
}
