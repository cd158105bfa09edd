package shmlink_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/link"
	"github.com/darray-go/darray/net/shmlink"
)

// TestKilledPeer: what a killed peer had sent arrives, then everything that waits ends, and nothing of it is left.
func TestKilledPeer(t *testing.T) {
	leak.Check(t)
	var names []string
	t.Run("", func(t *testing.T) {
		p, tr, c := start(t, "burst", shmlink.Config{CloseTimeout: 100 * time.Millisecond})
		names = []string{p.name, shmlink.SocketName(tr)}
		if left := leftovers(t, names); !strings.Contains(left, p.name) || !strings.Contains(left, "memfd:darray-lane") {
			t.Fatalf("the search for traces does not find them: %q", left)
		}
		waiting := make(chan error, 1)
		var last *link.Message
		for i := range 1001 {
			m, err := c.Recv(t.Context())
			if err != nil || m.Seq != uint64(i) {
				t.Fatalf("message %d: %v, %v", i, m, err)
			}
			if i == 1000 {
				last = m
				break
			}
			if err := m.ReadInto(t.Context(), make([]byte, i)); err != nil {
				t.Fatal(err)
			}
		}
		go func() {
			waiting <- c.Send(t.Context(), link.Header{}, link.Payload{Bufs: [][]byte{make([]byte, 1<<20)}})
		}()
		_ = p.cmd.Wait() // it kills itself when it has seen that message; the error says so
		died := time.Now()
		_, err := c.Recv(t.Context())
		noticed := time.Since(died)
		for doing, err := range map[string]error{
			"Recv": err,
			"Send": c.Send(t.Context(), link.Header{}, link.Payload{}),
			"read": last.ReadInto(t.Context(), make([]byte, 1<<20)),
		} {
			if !errors.Is(err, link.ErrPeerLost) {
				t.Errorf("%s: got %v, want ErrPeerLost", doing, err)
			}
		}
		if err := <-waiting; err != nil && !errors.Is(err, link.ErrPeerLost) { // it may have been discarded first
			t.Errorf("waiting Send: %v", err)
		}
		if noticed > 1500*time.Millisecond { // the inner conn needs 2 s; milliseconds where the machine is free
			t.Errorf("the death was noticed after %v", noticed)
		}
		t.Logf("noticed %v after the process was gone", noticed)
		if err := tr.Close(); err != nil {
			t.Error(err)
		}
	})
	if left := leftovers(t, names); left != "" {
		t.Errorf("left behind:\n%s", left)
	}
}

// leftovers is every trace on this host: shared memory objects, sockets with those names, mappings of this process. Its
// descriptors are for leak.Check.
func leftovers(t *testing.T, sockets []string) string {
	t.Helper()
	var out []string
	entries, err := os.ReadDir("/dev/shm")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.Contains(e.Name(), "darray") {
			out = append(out, e.Name())
		}
	}
	for file, names := range map[string][]string{"/proc/net/unix": sockets, "/proc/self/maps": {"memfd:darray-"}} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			if slices.ContainsFunc(names, func(name string) bool { return strings.Contains(line, name) }) {
				out = append(out, line)
			}
		}
	}
	return strings.Join(out, "")
}

// TestStoppedPeer: a process that is there and does nothing is found out by the inner conn.
func TestStoppedPeer(t *testing.T) {
	leak.Check(t)
	p, _, c := start(t, "sleep", shmlink.Config{CloseTimeout: 100 * time.Millisecond})
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	_, err := c.Recv(t.Context())
	if !errors.Is(err, link.ErrPeerLost) || !strings.Contains(err.Error(), "silent") {
		t.Errorf("Recv: got %v, want ErrPeerLost of silence", err)
	}
	if err := p.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
}

// TestTwoProcesses passes messages of all kinds there and back, with and without spinning.
func TestTwoProcesses(t *testing.T) {
	for _, tc := range []struct {
		name string
		spin time.Duration
	}{{"sleeping", -1}, {"spinning", 20 * time.Microsecond}} {
		t.Run(tc.name, func(t *testing.T) {
			leak.Check(t)
			t.Setenv(spinVar, tc.spin.String())
			p, tr, c := start(t, "echo", shmlink.Config{Spin: tc.spin})
			box := newMailbox(c)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			buf := tr.(link.Allocator).Alloc(3 << 20)
			defer tr.(link.Allocator).Free(buf)
			var longest time.Duration
			last := time.Now()
			for i := range 3000 {
				if took := time.Since(last); took > longest {
					longest = took
				}
				last = time.Now()
				n := i % 300
				if i%100 == 0 {
					n = i * 1000
				}
				kind := uint8(kindEcho + i/100%2)
				b := buf[:n]
				for j := range b {
					b[j] = byte(i + j*7)
				}
				if kind == kindEcho {
					b = append([]byte(nil), b...)
				}
				if err := c.Send(ctx, link.Header{Kind: kind, Seq: uint64(i)}, link.Payload{Bufs: [][]byte{b}}); err != nil {
					t.Fatal(err)
				}
				m, err := box.recv(ctx)
				if err != nil {
					t.Fatal(err)
				}
				got := make([]byte, n)
				if err := m.ReadInto(ctx, got); err != nil || m.Seq != uint64(i) || string(got) != string(b) {
					t.Fatalf("message %d of %d bytes: came changed, or %v", i, n, err)
				}
			}
			t.Logf("the longest round took %v", longest)
			p.end(t, c)
		})
	}
}

// TestCloseAfterDeath: who is left of two does not wait for a goodbye of the dead one, on the inner conn either.
func TestCloseAfterDeath(t *testing.T) {
	leak.Check(t)
	p, tr, c := start(t, "sleep", shmlink.Config{})
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Recv(t.Context()); !errors.Is(err, link.ErrPeerLost) {
		t.Errorf("Recv: got %v, want ErrPeerLost", err)
	}
	begin := time.Now()
	if err := errors.Join(c.Close(), tr.Close()); err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took > 500*time.Millisecond {
		t.Errorf("close took %v", took)
	}
}

// TestDropEndsClose: a Close that waits for a peer which does nothing ends with Drop.
func TestDropEndsClose(t *testing.T) {
	leak.Check(t)
	p, _, c := start(t, "sleep", shmlink.Config{CloseTimeout: time.Minute})
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	closed := make(chan error, 1)
	go func() { closed <- c.Close() }()
	for c.Send(t.Context(), link.Header{}, link.Payload{}) == nil { // until Close has begun
	}
	c.(link.Dropper).Drop()
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took > time.Second {
		t.Errorf("close took %v", took)
	}
	if err := p.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
}
