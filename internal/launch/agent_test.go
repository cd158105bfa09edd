package launch

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/darray-go/darray/internal/launch/socket"
	"github.com/darray-go/darray/internal/leak"
)

func server(t *testing.T, ranks int) *agentServer {
	t.Helper()
	s, err := serveAgent(testPart("secret", ranks), ranks)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	return s
}

func connect(t *testing.T, s *agentServer, rank int) *Agent {
	t.Helper()
	a, err := Connect(t.Context(), s.addr(), rank, "secret")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

func TestRefusals(t *testing.T) {
	leak.Check(t)
	s := server(t, 2)
	connect(t, s, 1)
	for _, test := range []struct {
		rank        int
		token, want string
	}{
		{0, "guess", "wrong token; DARRAY_TOKEN must be"},
		{0, "", "wrong token"},
		{2, "secret", "rank 2 of 2"},
		{-1, "secret", "rank -1 of 2"},
		{1, "secret", "rank 1 has joined already as process"},
	} {
		a, err := Connect(t.Context(), s.addr(), test.rank, test.token)
		if err == nil {
			_ = a.Close()
		}
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("rank %d with %q: %v; want %q", test.rank, test.token, err, test.want)
		}
	}
	connect(t, s, 0) // a refusal leaves the place free
}

func testPart(token string, ranks int) part {
	return part{id: randomHex(8), token: token, size: ranks, up: func(message) {}}
}

// An agent that does not know the token is not the rank's launcher, whatever it says.
func TestImpostor(t *testing.T) {
	leak.Check(t)
	s, err := serveAgent(testPart("another", 1), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	listener, cleanup, err := socket.ListenNew(randomHex(8))
	if err != nil {
		t.Fatal(err)
	}
	defer cleanup()
	defer listener.Close()
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		in := newMessages(conn)
		_ = writeMessage(conn, message{Kind: "challenge", Nonce: "x"})
		hello, _ := in.next()
		_ = writeMessage(conn, message{Kind: "welcome", Size: 1, Proof: hello.Proof}) // all that it has to offer
		_, _ = in.next()
	}()
	if _, err := Connect(t.Context(), listener.Addr().String(), 0, "secret"); err == nil || !strings.Contains(err.Error(), "does not know the job's token") {
		t.Errorf("got %v", err)
	}
}

func TestConnectEndsWithItsContext(t *testing.T) {
	leak.Check(t)
	listener, cleanup, err := socket.ListenNew(randomHex(8))
	if err != nil {
		t.Fatal(err)
	}
	defer cleanup()
	defer listener.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		conn, err := listener.Accept() // and says nothing
		cancel(errors.New("enough"))
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.ReadAll(conn)
	}()
	if _, err := Connect(ctx, listener.Addr().String(), 0, "secret"); err == nil || !strings.Contains(err.Error(), "enough") {
		t.Errorf("got %v", err)
	}
	if _, err := Connect(t.Context(), "@darray-none", 0, "secret"); err == nil || !strings.Contains(err.Error(), "reach the launcher") {
		t.Errorf("got %v", err)
	}
}

// What happened before a rank joined is told to it when it does.
func TestLateJoiner(t *testing.T) {
	leak.Check(t)
	s := server(t, 3)
	first := connect(t, s, 0)
	if err := first.Publish("10.0.0.1:5"); err != nil {
		t.Fatal(err)
	}
	if err := first.Publish("10.0.0.2:6"); err != nil { // the first one stands
		t.Fatal(err)
	}
	if _, err := first.RootAddr(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.exited(2, "signal: killed", true)
	late := connect(t, s, 1)
	if addr, err := late.RootAddr(t.Context()); err != nil || addr != "10.0.0.1:5" {
		t.Errorf("root %q, %v", addr, err)
	}
	if got := <-late.Lost(); got != (Loss{2, "signal: killed"}) {
		t.Errorf("lost %+v", got)
	}
}

func TestOnlyRankZeroPublishes(t *testing.T) {
	leak.Check(t)
	s := server(t, 2)
	one, zero := connect(t, s, 1), connect(t, s, 0)
	if err := one.Publish("10.0.0.1:5"); err != nil {
		t.Fatal(err)
	}
	_ = one.Close() // the agent has read it when it has read the end
	m := s.members[1]
	<-m.ended
	if err := zero.Publish("10.0.0.2:6"); err != nil {
		t.Fatal(err)
	}
	if addr, err := zero.RootAddr(t.Context()); err != nil || addr != "10.0.0.2:6" {
		t.Errorf("root %q, %v", addr, err)
	}
}

func TestLauncherGone(t *testing.T) {
	leak.Check(t)
	s := server(t, 1)
	a := connect(t, s, 0)
	s.close()
	if loss := <-a.Lost(); loss.Rank != LauncherRank {
		t.Errorf("lost %+v", loss)
	}
	if _, open := <-a.Lost(); open {
		t.Error("Lost stays open")
	}
	if _, err := a.RootAddr(t.Context()); !errors.Is(err, ErrLauncherGone) {
		t.Errorf("RootAddr: %v", err)
	}
}

func TestClosedAgentHearsNothing(t *testing.T) {
	leak.Check(t)
	a := connect(t, server(t, 1), 0)
	for range 2 {
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if loss, open := <-a.Lost(); open {
		t.Errorf("lost %+v", loss)
	}
	if err := a.Publish("x"); err == nil {
		t.Error("Publish after Close")
	}
}

func TestRootAddrEndsWithItsContext(t *testing.T) {
	leak.Check(t)
	a := connect(t, server(t, 1), 0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.RootAddr(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A peer that floods or stammers costs its own connection only.
func TestMalformedPeers(t *testing.T) {
	leak.Check(t)
	s := server(t, 1)
	for name, text := range map[string]string{
		"not json": "hello\n", "too long": strings.Repeat("x", 2*maxMessage), "wrong kind": `{"kind":"listen"}` + "\n",
		"unknown field": `{"kind":"join","admin":true}` + "\n", "cut off": `{"kind":"jo`,
	} {
		conn, err := net.Dial("unix", s.addr())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, text)
		_ = conn.(*net.UnixConn).CloseWrite()
		answer, _ := io.ReadAll(conn)
		_ = conn.Close()
		if !strings.Contains(string(answer), "challenge") || strings.Contains(string(answer), "welcome") {
			t.Errorf("%s: %s", name, answer)
		}
	}
	connect(t, s, 0)
}

func TestTail(t *testing.T) {
	var kept tail
	var all []string
	var text strings.Builder
	for i := range 25 {
		line := strings.Repeat("x", i*40)
		all = append(all, line[:min(len(line), tailWidth)])
		text.WriteString(line + "\n")
	}
	for b := []byte(text.String()); len(b) > 0; {
		n := min(7, len(b))
		kept.add(b[:n])
		b = b[n:]
	}
	if got := kept.strings(); !slices.Equal(got, all[15:]) {
		t.Errorf("got %q", got)
	}
	kept.add([]byte("no end"))
	if got := kept.strings(); got[9] != "no end" {
		t.Errorf("got %q", got)
	}
}

func FuzzMessages(f *testing.F) {
	f.Add([]byte(`{"kind":"join","rank":1,"pid":2,"nonce":"ab","proof":"cd"}` + "\n"))
	f.Add([]byte("{}\n{\"kind\":3}\n"))
	f.Add([]byte(strings.Repeat("x", maxMessage) + "\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		in := newMessages(strings.NewReader(string(data)))
		for range len(data) + 1 {
			m, err := in.next()
			if err != nil {
				return
			}
			var again strings.Builder
			if err := writeMessage(&again, m); err != nil {
				return // grew beyond the limit by escapes
			}
			m2, err := newMessages(strings.NewReader(again.String())).next()
			var third strings.Builder
			if err != nil || writeMessage(&third, m2) != nil || third.String() != again.String() {
				t.Fatalf("%+v became %+v, %v", m, m2, err)
			}
		}
		t.Fatal("more messages than bytes")
	})
}
