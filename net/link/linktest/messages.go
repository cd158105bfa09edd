package linktest

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/darray-go/darray/net/link"
)

func testSizes(t *testing.T, open Open) {
	a, b := pair(t, open)
	for _, n := range []int{
		0, 1, link.HeaderSize, link.EagerLimit - 1, link.EagerLimit, link.EagerLimit + 1,
		64 << 10, 1 << 20, 1<<20 + 1, 5_000_011,
	} {
		for _, way := range []struct{ from, to link.Conn }{{a, b}, {b, a}} {
			sent := async(func() error { return send(t.Context(), way.from, n, n) })
			err := recvRead(t.Context(), way.to, n, n)
			if err := errors.Join(err, <-sent); err != nil {
				t.Fatalf("%d bytes from rank %d: %v", n, way.to.Peer(), err)
			}
		}
	}
}

func testOrder(t *testing.T, open Open) {
	a, b := pair(t, open)
	sizes := []int{0, 8, 0, link.EagerLimit, 20_000, 3, 100_000, 64}
	const n = 400
	sent := async(func() error {
		for i := range n {
			if err := send(t.Context(), a, i, sizes[i%len(sizes)]); err != nil {
				return err
			}
		}
		return nil
	})
	for i := range n {
		check(t, recvRead(t.Context(), b, i, sizes[i%len(sizes)]))
	}
	check(t, <-sent)
}

// testManyBuffers cuts the same bytes differently at the two ends, empty and nil buffers included.
func testManyBuffers(t *testing.T, open Open) {
	a, b := pair(t, open)
	for _, n := range []int{5_000, 1_000_000} {
		want := content(1, n)
		sent := async(func() error {
			return a.Send(t.Context(), header(1), link.Payload{Bufs: cut(bytes.Clone(want), []int{0, 7, 1, 4096, 0, 333})})
		})
		m, err := recv(t.Context(), b, 1, n)
		check(t, err)
		got := make([]byte, n)
		check(t, m.ReadInto(t.Context(), cut(got, []int{1000, 0, 0, 3, 65536})...))
		check(t, same(got, want))
		check(t, <-sent)
	}
}

// cut divides b into runs of the given lengths, over and over, with a nil at each end.
func cut(b []byte, lengths []int) [][]byte {
	out := [][]byte{nil}
	for i := 0; len(b) > 0; i++ {
		n := min(lengths[i%len(lengths)], len(b))
		out = append(out, b[:n:n])
		b = b[n:]
	}
	return append(out, nil)
}

// testReference passes a value beside its bytes: a link hands over the one or the other.
func testReference(t *testing.T, open Open) {
	a, b := pair(t, open)
	type block struct{ name string }
	ref := &block{"immutable"}
	for _, n := range []int{0, 100, 100_000} {
		want := content(n, n)
		sent := async(func() error {
			return a.Send(t.Context(), header(n), link.Payload{Bufs: [][]byte{want}, Ref: ref})
		})
		m, err := recv(t.Context(), b, n, n)
		check(t, err)
		if got, ok := m.Ref(); ok {
			if got != any(ref) {
				t.Fatalf("got reference %v, want the one sent", got)
			}
			if err := m.ReadInto(t.Context(), make([]byte, n)); err == nil {
				t.Fatal("ReadInto after Ref gave no error")
			}
		} else {
			check(t, read(t.Context(), m, n, n))
		}
		check(t, <-sent)

		// The bytes are there for whoever does not know the reference's type.
		sent = async(func() error {
			return a.Send(t.Context(), header(n), link.Payload{Bufs: [][]byte{want}, Ref: ref})
		})
		check(t, recvRead(t.Context(), b, n, n))
		check(t, <-sent)
	}
}

func testWrongLength(t *testing.T, open Open) {
	a, b := pair(t, open)
	for _, n := range []int{0, 100, 100_000} {
		sent := async(func() error { return send(t.Context(), a, 1, n) })
		m, err := recv(t.Context(), b, 1, n)
		check(t, err)
		if err := m.ReadInto(t.Context(), make([]byte, n+1)); err == nil {
			t.Fatalf("%d bytes into %d: no error", n, n+1)
		}
		if n > 0 {
			if err := m.ReadInto(t.Context(), make([]byte, n-1)); err == nil {
				t.Fatalf("%d bytes into %d: no error", n, n-1)
			}
		}
		check(t, read(t.Context(), m, 1, n))
		if err := m.ReadInto(t.Context(), make([]byte, n)); err == nil {
			t.Fatal("a second ReadInto gave no error")
		}
		check(t, <-sent)
	}
	exchange(t, a, b)
}

// testDiscard drops small and large messages between others that are read.
func testDiscard(t *testing.T, open Open) {
	a, b := pair(t, open)
	sizes := []int{10, 60_000, link.EagerLimit, link.EagerLimit, 20_000}
	const n = 800 // more than EagerCredit of discarded messages: discarding gives credit back
	sent := async(func() error {
		for i := range n {
			if err := send(t.Context(), a, i, sizes[i%len(sizes)]); err != nil {
				return err
			}
		}
		return nil
	})
	for i := range n {
		m, err := recv(t.Context(), b, i, sizes[i%len(sizes)])
		check(t, err)
		if i%7 == 0 {
			check(t, read(t.Context(), m, i, sizes[i%len(sizes)]))
		}
		if had := m.Discard(); had != (i%7 != 0) {
			t.Fatalf("message %d: Discard gave %v", i, had)
		}
		if m.Discard() {
			t.Fatalf("message %d: a second Discard gave true", i)
		}
		if err := m.ReadInto(t.Context(), make([]byte, m.Size)); err == nil {
			t.Fatal("ReadInto after Discard gave no error")
		}
	}
	check(t, <-sent)
	exchange(t, a, b)
}

// testSenders has many goroutines send at once: the messages of each stay in order.
func testSenders(t *testing.T, open Open) {
	a, b := pair(t, open)
	const senders, each = 8, 60
	size := func(g, i int) int { return []int{0, 50, 5_000, link.EagerLimit + 1, 70_000}[(g+i)%5] }
	errs := make(chan error, senders)
	for g := range senders {
		go func() {
			for i := range each {
				p := link.Payload{Bufs: [][]byte{content(g*each+i, size(g, i))}}
				if err := a.Send(t.Context(), link.Header{Tag: int32(g), Seq: uint64(i)}, p); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	var next [senders]int
	var readers sync.WaitGroup
	defer readers.Wait()
	failed := make(chan error, senders*each)
	for range senders * each {
		m, err := b.Recv(t.Context())
		check(t, err)
		g, i := int(m.Tag), int(m.Seq)
		if i != next[g] {
			t.Fatalf("sender %d: message %d came, want %d", g, i, next[g])
		}
		next[g]++
		readers.Go(func() { // messages are read by other goroutines and in any order
			if err := read(t.Context(), m, g*each+i, size(g, i)); err != nil {
				failed <- fmt.Errorf("sender %d: %w", g, err)
			}
		})
	}
	for range senders {
		check(t, <-errs)
	}
	readers.Wait()
	close(failed)
	check(t, <-failed)
}

func testStats(t *testing.T, open Open) {
	a, b := pair(t, open)
	sizes := []int{0, 100, 50_000}
	total := 0
	for i, n := range sizes {
		sent := async(func() error { return send(t.Context(), a, i, n) })
		check(t, recvRead(t.Context(), b, i, n))
		check(t, <-sent)
		total += n
	}
	sa, sb := a.Stats(), b.Stats()
	want := link.Stats{Scheme: sa.Scheme, MessagesSent: 3, BytesSent: uint64(total)}
	if sa != want || sa.Scheme == "" {
		t.Errorf("sender's stats %+v, want %+v", sa, want)
	}
	want = link.Stats{Scheme: sa.Scheme, MessagesRecvd: 3, BytesRecv: uint64(total)}
	if sb != want {
		t.Errorf("receiver's stats %+v, want %+v", sb, want)
	}
}
