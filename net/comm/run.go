package comm

import (
	"context"
	"sync"

	"github.com/darray-go/darray/net/comm/sched"
)

// move is one message of a round.
type move struct {
	peer int
	tag  int32
	buf  []byte
}

// round posts the messages of a round all at once and returns when all are through. Small messages need no goroutine: a
// send of one is over when it has its place.
func (k *call) round(ctx context.Context, sends, recvs []move) error {
	for i, m := range sends {
		wait, err := k.startSend(ctx, m.peer, m.tag, m.buf)
		if err != nil {
			return err
		}
		if wait != nil {
			return k.beside(ctx, wait, sends[i+1:], recvs)
		}
	}
	return k.recvAll(ctx, recvs)
}

// beside is the rest of a round while a send waits for its receiver.
func (k *call) beside(ctx context.Context, first func(ctx context.Context) error, sends, recvs []move) error {
	if len(sends)+len(recvs) == 0 {
		return first(ctx)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var pending sync.WaitGroup
	finish := func(wait func(ctx context.Context) error) {
		pending.Go(func() {
			if err := wait(ctx); err != nil {
				cancel(err)
			}
		})
	}
	finish(first)
	for _, m := range sends {
		wait, err := k.startSend(ctx, m.peer, m.tag, m.buf)
		if err != nil {
			cancel(err)
			break
		}
		if wait != nil {
			finish(wait)
		}
	}
	if err := k.recvAll(ctx, recvs); err != nil {
		cancel(err)
	}
	pending.Wait()
	return context.Cause(ctx)
}

// recvAll receives them one after another where they are small, since then none of their senders waits, else together.
func (k *call) recvAll(ctx context.Context, moves []move) error {
	quick := true
	for _, m := range moves {
		quick = quick && small(len(m.buf))
	}
	if !quick && len(moves) > 1 {
		return k.together(ctx, len(moves), func(ctx context.Context, i int) error {
			return k.recv(ctx, moves[i].peer, moves[i].tag, moves[i].buf)
		})
	}
	for _, m := range moves {
		if err := k.recv(ctx, m.peer, m.tag, m.buf); err != nil {
			return err
		}
	}
	return nil
}

// memory is what a schedule works on: its buffers as bytes, and how its elements are combined.
type memory struct {
	bufs    [sched.Buffers][]byte
	size    int // bytes an element
	combine func(dst, src sched.Region)

	sends, recvs []move // of the round before, for the next
}

func (m *memory) at(r sched.Region) []byte {
	if r.Len() == 0 {
		return nil
	}
	return m.bufs[r.Buf][r.Lo*m.size : r.Hi*m.size]
}

// copy leaves alone what is there already: where the caller works in place.
func (m *memory) copy(dst, src sched.Region) {
	to, from := m.at(dst), m.at(src)
	if len(from) > 0 && &to[0] != &from[0] {
		copy(to, from)
	}
}

// run does what s says.
func (k *call) run(ctx context.Context, s sched.Schedule, m *memory) error {
	for r := range s.Rounds {
		sends, recvs := m.sends[:0], m.recvs[:0]
		for _, msg := range r.Sends {
			sends = append(sends, move{msg.Peer, tagRound, m.at(msg.Region)})
		}
		for _, msg := range r.Recvs {
			recvs = append(recvs, move{msg.Peer, tagRound, m.at(msg.Region)})
		}
		if err := k.round(ctx, sends, recvs); err != nil {
			return err
		}
		m.sends, m.recvs = sends, recvs
		for _, step := range r.Steps {
			if step.Combine {
				m.combine(step.Dst, step.Src)
			} else {
				m.copy(step.Dst, step.Src)
			}
		}
	}
	return nil
}

// perform runs one schedule over elements of T: in and out are its In and Out, op its way of combining, if it has one.
// The algorithm is the one for blocks or vectors of that many elements.
func perform[T Elem](ctx context.Context, k *call, o sched.Op, elems int, t sched.Task, in, out []T, op Op[T]) error {
	size := sizeOf[T]()
	way := k.way(ctx, o, elems*size)
	t.Rank, t.Size, t.Root, t.Hosts = k.rank(), k.size(), k.root, way.hosts
	s, err := sched.New(o, way.name, t)
	if err != nil {
		return err
	}
	tmp, done := scratch[T](k.c, s.Scratch)
	defer done()
	bufs := [sched.Buffers][]T{sched.In: in, sched.Out: out, sched.Tmp: tmp}
	m := memory{size: size}
	for i, b := range bufs {
		m.bufs[i] = bytesOf(b)
	}
	if op != nil {
		m.combine = func(dst, src sched.Region) {
			op(bufs[dst.Buf][dst.Lo:dst.Hi], bufs[src.Buf][src.Lo:src.Hi])
		}
	}
	return k.run(ctx, s, &m)
}

// runParts does what s says with one share of unknown length in the place of each element.
func (k *call) runParts(ctx context.Context, o sched.Op, in, out []part) error {
	way := k.way(ctx, o, 0)
	s, err := sched.New(o, way.name, sched.Task{Rank: k.rank(), Size: k.size(), Root: k.root, N: 1, Hosts: way.hosts})
	if err != nil {
		return err
	}
	bufs := [sched.Buffers][]part{sched.In: in, sched.Out: out, sched.Tmp: make([]part, s.Scratch)}
	at := func(r sched.Region) []part { return bufs[r.Buf][r.Lo:r.Hi] }
	for r := range s.Rounds {
		n := len(r.Recvs)
		err := k.together(ctx, min(n, 1)+len(r.Sends), func(ctx context.Context, i int) error {
			if n == 0 || i > 0 {
				msg := r.Sends[i-min(n, 1)]
				return k.sendParts(ctx, msg.Peer, tagRound, at(msg.Region))
			}
			for _, msg := range r.Recvs {
				theirs, err := k.recvParts(ctx, msg.Peer, tagRound, msg.Len())
				if err != nil {
					return err
				}
				copy(at(msg.Region), theirs)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, step := range r.Steps {
			copy(at(step.Dst), at(step.Src))
		}
	}
	return nil
}

// job is a collective that has been put together and not begun, which blocking and non-blocking calls share.
type job[T Elem] struct {
	sig  signature
	body func(ctx context.Context, k *call) error
	out  []T   // what this rank gets; body sets it where it learns the length late
	err  error // why it must not begin
}

// do runs j as the next collective of c.
func (j *job[T]) do(ctx context.Context, c *Comm) ([]T, error) {
	if j.err != nil {
		return nil, within(j.sig.op.String(), j.err)
	}
	if err := c.collective(ctx, j.sig, j.body); err != nil {
		return nil, err
	}
	return j.out, nil
}

// start is do that does not wait.
func (j *job[T]) start(ctx context.Context, c *Comm) *Result[T] {
	if j.err != nil {
		return &Result[T]{Request: newRequest(c, "").fail(within(j.sig.op.String(), j.err)), values: &j.out}
	}
	return &Result[T]{Request: c.start(ctx, j.sig, j.body), values: &j.out}
}

// into is do where the result lies in memory of the caller.
func (j *job[T]) into(ctx context.Context, c *Comm) error {
	_, err := j.do(ctx, c)
	return err
}
