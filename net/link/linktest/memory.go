package linktest

import (
	"context"
	"errors"
	"testing"

	"github.com/darray-go/darray/net/link"
)

// testAllocator sends from the transport's own memory, where it has some, as from any other.
func testAllocator(t *testing.T, open Open) {
	ts := start(t, open, 2)
	alloc, ok := ts[0].(link.Allocator)
	if !ok {
		t.Skip("the transport has no memory of its own")
	}
	a, b := join(t, ts, 0, 1)
	for _, n := range []int{1, 100, link.EagerLimit + 1, 1 << 20, 3_000_001} {
		want := content(n, n)
		buf := alloc.Alloc(n)
		if len(buf) != n {
			t.Fatalf("Alloc(%d) gave %d bytes", n, len(buf))
		}
		copy(buf, want)
		for _, bufs := range [][][]byte{{buf}, cut(buf, []int{n/3 + 1}), cut(buf, []int{n/90 + 1}), {buf[:n/2], want[n/2:]}} {
			sent := async(func() error { return a.Send(t.Context(), header(n), link.Payload{Bufs: bufs}) })
			check(t, errors.Join(recvRead(t.Context(), b, n, n), <-sent))
		}
		alloc.Free(buf)
		alloc.Free(buf) // of what is not handed out any more: nothing
		alloc.Free(want)
	}
	if alloc.Alloc(0) != nil || alloc.Alloc(-1) != nil {
		t.Error("Alloc of nothing gave something")
	}
	left := alloc.Alloc(1000) // what is not freed outlives the transport
	check(t, ts[0].Close())
	left[999] = 1
	alloc.Free(left)
	if alloc.Alloc(1000) != nil {
		t.Error("a closed transport handed memory out")
	}
}

// testView reads payloads where they lie, where the link can show them.
func testView(t *testing.T, open Open) {
	ts := start(t, open, 2)
	alloc, ok := ts[0].(link.Allocator)
	if !ok {
		t.Skip("the transport has no memory of its own")
	}
	a, b := join(t, ts, 0, 1)
	const n = 1 << 20
	buf := alloc.Alloc(n)
	defer alloc.Free(buf)
	copy(buf, content(1, n))
	begin := func(ctx context.Context) (<-chan error, []byte, func() error) {
		sent := async(func() error { return a.Send(ctx, header(1), link.Payload{Bufs: [][]byte{buf}}) })
		m, err := recv(t.Context(), b, 1, n)
		check(t, err)
		view, release, ok := m.View()
		if !ok {
			check(t, errors.Join(read(t.Context(), m, 1, n), <-sent))
			t.Skip("the conn shows no payloads")
		}
		check(t, same(view, content(1, n)))
		if _, _, again := m.View(); again || m.Discard() || m.ReadInto(t.Context(), make([]byte, n)) == nil {
			t.Fatal("a message that is viewed could be read again")
		}
		return sent, view, release
	}
	sent, _, release := begin(t.Context())
	exchange(t, a, b)
	select {
	case err := <-sent:
		t.Fatalf("Send returned while its bytes were viewed: %v", err)
	default:
	}
	check(t, release())
	check(t, <-sent)
	check(t, release()) // again: nothing

	ctx, cancel := context.WithCancel(t.Context())
	sent, _, release = begin(ctx)
	cancel()
	wantErr(t, "Send", <-sent, context.Canceled)
	wantErr(t, "release of a withdrawn message", release(), link.ErrWithdrawn)
	exchange(t, a, b)

	sent, view, release := begin(t.Context())
	check(t, b.Close())
	wantErr(t, "Send", <-sent, link.ErrPeerLost)
	check(t, same(view, content(1, n))) // it stays mapped
	wantErr(t, "release on a closed conn", release(), link.ErrClosed)
}
