package comm

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/darray-go/darray/net/link"
)

// Request is an operation under way. It makes progress by itself; every Request must be waited for, or tested until it is
// done, before its buffers are used. Its methods may be called from any goroutine, also after it is done.
type Request struct {
	c      *Comm
	op     string // the Go function that started it
	site   site   // who called that, where it took long
	waited atomic.Int32
	done   chan struct{}

	// Set before done is closed.
	status Status
	err    error
}

func newRequest(c *Comm, op string) *Request {
	return &Request{c: c, op: op, done: make(chan struct{})}
}

// isWaited reports whether a goroutine of the program waits; one without a Request always does.
func (r *Request) isWaited() bool { return r == nil || r.waited.Load() > 0 }

func (r *Request) complete(st Status, err error) {
	r.status, r.err = st, err
	close(r.done)
}

func (r *Request) fail(err error) *Request {
	r.complete(Status{}, err)
	return r
}

// Wait blocks until the operation has ended and returns what it returns; of a send or a collective the Status is zero. If
// ctx ends first Wait returns its cause, and the operation goes on: it ends with the ctx that it was started with.
func (r *Request) Wait(ctx context.Context) (Status, error) {
	select {
	case <-r.done:
		return r.status, r.err
	default:
	}
	r.waited.Add(1)
	defer r.waited.Add(-1)
	select {
	case <-r.done:
		return r.status, r.err
	case <-ctx.Done():
		return Status{}, context.Cause(ctx)
	}
}

// Test reports whether the operation has ended and, if so, what it returns. It does not block.
func (r *Request) Test() (st Status, done bool, err error) {
	select {
	case <-r.done:
		return r.status, true, r.err
	default:
		return Status{}, false, nil
	}
}

func (r *Request) isDone() bool {
	_, done, _ := r.Test()
	return done
}

// Done is closed when the operation has ended.
func (r *Request) Done() <-chan struct{} { return r.done }

// WaitAny blocks until one of the operations has ended and returns its index and what it returns; of several that have
// ended, the first. If ctx ends first the index is -1.
func WaitAny(ctx context.Context, reqs ...*Request) (int, Status, error) {
	if len(reqs) == 0 {
		return -1, Status{}, fmt.Errorf("wait for any of no requests")
	}
	for i, r := range reqs {
		if st, done, err := r.Test(); done {
			return i, st, err
		}
	}
	first := make(chan int, len(reqs))
	stop := make(chan struct{})
	defer close(stop)
	for i, r := range reqs {
		r.waited.Add(1)
		defer r.waited.Add(-1)
		go func() {
			select {
			case <-r.done:
				first <- i
			case <-stop:
			}
		}()
	}
	select {
	case i := <-first:
		return i, reqs[i].status, reqs[i].err
	case <-ctx.Done():
		return -1, Status{}, context.Cause(ctx)
	}
}

// WaitAll blocks until all operations have ended. It returns their Statuses, and the first error in the order of reqs. If
// ctx ends first it returns its cause, and the operations go on.
func WaitAll(ctx context.Context, reqs ...*Request) ([]Status, error) {
	statuses := make([]Status, len(reqs))
	var first error
	for i, r := range reqs {
		if _, err := r.Wait(ctx); err != nil && !r.isDone() {
			return statuses, err
		}
		statuses[i] = r.status
		if first == nil {
			first = r.err
		}
	}
	return statuses, first
}

// Result is a collective under way that gives this rank values.
type Result[T Elem] struct {
	*Request
	values *[]T
}

// Values waits for the collective and returns what its blocking form returns. Errors as Wait.
func (r *Result[T]) Values(ctx context.Context) ([]T, error) {
	if _, err := r.Wait(ctx); err != nil {
		return nil, err
	}
	return *r.values, nil
}

// Isend is Send that does not wait: xs must not change before the Request is done. ctx limits the sending.
func Isend[T Elem](ctx context.Context, c *Comm, dst, tag int, xs []T) *Request {
	r := newRequest(c, "Isend")
	h, err := userHeader[T](c, dst, tag, len(xs))
	if err != nil {
		return r.fail(within("isend", err))
	}
	wait, err := c.startSend(ctx, dst, h, link.Payload{Bufs: [][]byte{bytesOf(xs)}})
	if wait == nil {
		return r.fail(within("isend", err))
	}
	r.site = here()
	work := func() { r.complete(Status{}, within("isend", wait(ctx, origin{r.site, r}))) }
	if !c.m.run(work) { // the communicator is closed, which ends it at once
		work()
	}
	return r
}

// Irecv is Recv that does not wait: xs must not be used before the Request is done. The receive is posted before Irecv
// returns, so that receives meet messages in the order in which they were started. ctx limits the receive.
func Irecv[T Elem](ctx context.Context, c *Comm, src, tag int, xs []T) *Request {
	r := newRequest(c, "Irecv")
	w, err := c.wanted(kindUser, src, tag, false)
	if err != nil {
		return r.fail(within("irecv", err))
	}
	w.req, r.site = r, here()
	w.into, w.dtype = bytesOf(xs), dtypeOf[T]()
	l, waiting, err := c.m.box.take(c.st, w, true)
	if err != nil {
		return r.fail(within("irecv", err))
	}
	posted := func(ctx context.Context) (letter, error) {
		if waiting == nil {
			return l, nil
		}
		return c.await(ctx, waiting, nil)
	}
	started := c.m.run(func() {
		st, err := recv(ctx, c, src, tag, xs, posted)
		r.complete(st, within("irecv", err))
	})
	if !started {
		if waiting != nil { // a sender may be writing to xs
			c.m.box.withdraw(waiting)
		} else {
			l.Discard()
		}
		return r.fail(within("irecv", ErrClosed))
	}
	return r
}

// Sendrecv sends out to dst and receives into in from src at the same time, so that ranks may pass data around a circle.
// Errors and Status as Send and Recv; if one of the two fails, the other is called off.
func Sendrecv[T Elem](ctx context.Context, c *Comm, dst, sendTag int, out []T, src, recvTag int, in []T) (Status, error) {
	h, err := userHeader[T](c, dst, sendTag, len(out))
	if err != nil {
		return Status{}, within("sendrecv", err)
	}
	wait, err := c.startSend(ctx, dst, h, link.Payload{Bufs: [][]byte{bytesOf(out)}})
	if err != nil {
		return Status{}, within("sendrecv", err)
	}
	if wait == nil {
		st, err := recv(ctx, c, src, recvTag, in, nil)
		return st, within("sendrecv", err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	sent := make(chan error, 1)
	from := origin{site: here()}
	go func() {
		err := wait(ctx, from)
		if err != nil {
			cancel(err)
		}
		sent <- err
	}()
	st, err := recv(ctx, c, src, recvTag, in, nil)
	if err != nil {
		cancel(err)
	}
	if sendErr := <-sent; err == nil {
		err = sendErr
	}
	return st, within("sendrecv", err)
}

// Probe waits for a message from src (or AnySource) with that tag (or AnyTag) and says what the next Recv for it will get,
// without taking it. With several receiving goroutines another one may take it first; and if its sender gives up before it
// is received, it is not there any more.
func Probe(ctx context.Context, c *Comm, src, tag int) (Status, error) {
	l, err := c.accept(ctx, kindUser, src, tag, true)
	if err != nil {
		return Status{}, within("probe", err)
	}
	return c.status(l), nil
}

// Iprobe is Probe that does not wait: false where there is no such message yet.
func Iprobe(c *Comm, src, tag int) (Status, bool, error) {
	w, err := c.wanted(kindUser, src, tag, true)
	if err != nil {
		return Status{}, false, within("iprobe", err)
	}
	if src != AnySource && w.source != c.m.rank {
		c.m.peer(w.source).look()
	}
	l, _, err := c.m.box.take(c.st, w, false)
	if err != nil || l.Message == nil {
		return Status{}, false, within("iprobe", err)
	}
	return c.status(l), true, nil
}
