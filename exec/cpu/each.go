package cpu

import (
	"context"
	"sync/atomic"
)

// aloneElements is up to how many elements of work a second goroutine costs more than it takes off the caller.
const aloneElements = 16 * leaf

// pieces is work that falls into pieces, which goroutines do in any order.
type pieces interface {
	begin() hands // a goroutine has got its first piece: what it needs
}

// hands is what a goroutine does pieces with.
type hands interface {
	piece(ctx context.Context, i int) error
	end() // the goroutine has done its last; the pieces may be over
}

// tasks are pieces that need nothing of their own and do not fail.
type tasks func(i int)

func (t tasks) begin() hands                         { return t }
func (t tasks) piece(_ context.Context, i int) error { t(i); return nil }
func (t tasks) end()                                 {}

// round is pieces under way.
type round struct {
	task   task // for the crew; the same in all rounds
	ctx    context.Context
	of     pieces
	shares shares
	failed atomic.Pointer[error] // the first failure
	users  atomic.Int64          // goroutines that know of the round, which is used again when there is none
}

// each does n pieces of so many elements together, on the goroutines of the device where that pays. The first error ends it.
func (d *Device) each(ctx context.Context, n, elements int, of pieces) error {
	members := min(d.threads, n)
	if members < 2 || elements <= aloneElements {
		return alone(ctx, n, of)
	}
	r := d.rounds.take()
	if r.task.work == nil {
		r.task.work = func(member int) {
			r.work(member)
			d.leave(r, 1)
		}
	}
	r.ctx, r.of = ctx, of
	r.shares.begin(n, members)
	r.users.Store(int64(members))
	offered := d.crew.offer(&r.task, members-1, d.threads-1, elements >= wakeElements)
	r.work(0)
	r.shares.wait()
	revoked := d.crew.revoke(&r.task, offered)
	err := ctx.Err()
	if failure := r.failed.Swap(nil); failure != nil {
		err = *failure
	}
	r.ctx, r.of = nil, nil
	d.leave(r, members-offered+revoked)
	return err
}

// alone does all pieces on the caller's goroutine.
func alone(ctx context.Context, n int, of pieces) error {
	h := of.begin()
	defer h.end()
	for i := range n {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := h.piece(ctx, i); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// work does pieces until none is left; none is where one has failed or the context has ended.
func (r *round) work(member int) {
	var h hands
	for {
		i, ok := r.shares.take(member)
		if !ok {
			break
		}
		done := 1
		if r.ctx.Err() == nil && r.failed.Load() == nil {
			if h == nil {
				h = r.of.begin()
			}
			if err := h.piece(r.ctx, i); err != nil {
				r.fail(err)
			}
		} else {
			done += r.shares.cancel()
		}
		r.shares.finish(done)
	}
	if h != nil {
		h.end()
	}
}

// fail keeps the first failure.
func (r *round) fail(err error) { r.failed.CompareAndSwap(nil, &err) }

// leave lets go of r for n of its users.
func (d *Device) leave(r *round, n int) {
	if r.users.Add(int64(-n)) == 0 {
		d.rounds.put(r)
	}
}
