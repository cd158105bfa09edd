package comm

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Window is memory of every rank that the others read and change by themselves, between two fences. (MPI 4.0, chapter 12,
// active target with MPI_Win_fence.)
//
// Put, Get and Accumulate only queue; Fence, which every rank calls, carries out what all ranks have queued, in an order
// that depends on ranks and on the order of the calls alone: first all Gets, which see the memory as it is when all have
// come to the fence, then the Puts and Accumulates, by origin rank and then in the order in which they were queued. So
// results have the same bits each time, also where they overlap.
type Window[T Elem] struct {
	c     *Comm
	local []T
	op    Op[T]
	sizes []int // of the memory, by rank

	mu     sync.Mutex
	queued [][]access[T] // by target
}

// access is one call until the fence. xs belongs to the window until then.
type access[T Elem] struct {
	kind   int64
	offset int
	xs     []T
}

const (
	accessGet int64 = iota
	accessPut
	accessAccumulate
)

// NewWindow makes local, of any length, the memory of this rank. op is what Accumulate combines by (acc is what the memory
// holds), the same on every rank; nil where nobody accumulates. local stays the caller's, who must not touch it while a
// Fence runs. Every rank calls it (two Allgathers); Close frees it.
func NewWindow[T Elem](ctx context.Context, c *Comm, local []T, op Op[T]) (*Window[T], error) {
	own, err := c.Dup(ctx)
	if err != nil {
		return nil, within("window", err)
	}
	sizes, err := Allgather(ctx, own, []int{len(local)})
	if err != nil {
		return nil, within("window", errors.Join(err, own.Close()))
	}
	return &Window[T]{c: own, local: local, op: op, sizes: sizes, queued: make([][]access[T], c.Size())}, nil
}

// Put writes xs to the memory of a rank from element offset on, at the next Fence. xs must not change before.
func (w *Window[T]) Put(rank, offset int, xs []T) error {
	return within("put", w.queue(rank, access[T]{accessPut, offset, xs}))
}

// Get fills xs from the memory of a rank from element offset on, at the next Fence.
func (w *Window[T]) Get(rank, offset int, xs []T) error {
	return within("get", w.queue(rank, access[T]{accessGet, offset, xs}))
}

// Accumulate combines xs into the memory of a rank from element offset on, at the next Fence. xs must not change before.
func (w *Window[T]) Accumulate(rank, offset int, xs []T) error {
	if w.op == nil {
		return errors.New("accumulate: the window was made without an op; pass one to NewWindow")
	}
	return within("accumulate", w.queue(rank, access[T]{accessAccumulate, offset, xs}))
}

func (w *Window[T]) queue(rank int, a access[T]) error {
	if err := w.c.checkRank("target", rank); err != nil {
		return err
	}
	if n := w.sizes[rank]; a.offset < 0 || a.offset > n || len(a.xs) > n-a.offset {
		return fmt.Errorf("elements %d to %d of rank %d, whose window has %d", a.offset, a.offset+len(a.xs), rank, n)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queued[rank] = append(w.queued[rank], a)
	return nil
}

// Fence carries out what all ranks have queued, and returns when this rank's accesses and those to its memory are done.
// After an error the contents of what was accessed are not defined, and nothing is queued. Messages: one Alltoallv of 24
// bytes an access, one message an access, one Barrier.
func (w *Window[T]) Fence(ctx context.Context) error {
	w.mu.Lock()
	queued := w.queued
	w.queued = make([][]access[T], len(queued))
	w.mu.Unlock()
	return within("fence", w.fence(ctx, queued))
}

func (w *Window[T]) fence(ctx context.Context, queued [][]access[T]) error {
	const words = 3 // of an access: kind, offset, count
	var mine []int64
	counts := make([]int, len(queued))
	for target, as := range queued {
		counts[target] = words * len(as)
		for _, a := range as {
			mine = append(mine, a.kind, int64(a.offset), int64(len(a.xs)))
		}
	}
	theirs, theirCounts, err := Alltoallv(ctx, w.c, mine, counts)
	if err != nil {
		return err
	}
	asked := make([][]access[T], len(queued)) // of this rank's memory, by origin
	for origin, n := range theirCounts {
		for ; n > 0; n -= words {
			a, err := w.checked(theirs[0], theirs[1], theirs[2])
			if err != nil {
				return fmt.Errorf("rank %d: %w", origin, err)
			}
			asked[origin], theirs = append(asked[origin], a), theirs[words:]
		}
	}
	if err := w.gets(ctx, queued, asked); err != nil {
		return err
	}
	if err := w.puts(ctx, queued, asked); err != nil {
		return err
	}
	return Barrier(ctx, w.c) // no Get of the next epoch before all have been changed
}

// checked is an access that another rank asks for, with the memory that it concerns.
func (w *Window[T]) checked(kind, offset, count int64) (access[T], error) {
	n := int64(len(w.local))
	if kind < accessGet || kind > accessAccumulate || offset < 0 || offset > n || count < 0 || count > n-offset ||
		kind == accessAccumulate && w.op == nil {
		return access[T]{}, fmt.Errorf("%w: it accesses (%d) elements %d to %d of %d", ErrDiverged, kind, offset, offset+count, n)
	}
	return access[T]{kind, int(offset), w.local[offset : offset+count]}, nil
}

const (
	tagWindowGet = iota
	tagWindowPut
)

// gets answers the others' Gets while it receives its own.
func (w *Window[T]) gets(ctx context.Context, queued, asked [][]access[T]) error {
	var reqs []*Request
	for r := range queued {
		for _, a := range queued[r] {
			if a.kind == accessGet {
				reqs = append(reqs, Irecv(ctx, w.c, r, tagWindowGet, a.xs))
			}
		}
	}
	for r := range asked {
		for _, a := range asked[r] {
			if a.kind == accessGet {
				reqs = append(reqs, Isend(ctx, w.c, r, tagWindowGet, a.xs))
			}
		}
	}
	return settle(reqs)
}

// puts sends this rank's Puts and Accumulates while it carries out the others', one origin after the other.
func (w *Window[T]) puts(ctx context.Context, queued, asked [][]access[T]) error {
	var reqs []*Request
	for r := range queued {
		for _, a := range queued[r] {
			if a.kind != accessGet {
				reqs = append(reqs, Isend(ctx, w.c, r, tagWindowPut, a.xs))
			}
		}
	}
	err := w.carryOut(ctx, asked)
	return errors.Join(err, settle(reqs))
}

func (w *Window[T]) carryOut(ctx context.Context, asked [][]access[T]) error {
	for r := range asked {
		for _, a := range asked[r] {
			if a.kind == accessGet {
				continue
			}
			into := a.xs
			if a.kind == accessAccumulate {
				into = make([]T, len(a.xs))
			}
			if _, err := Recv(ctx, w.c, r, tagWindowPut, into); err != nil {
				return err
			}
			if a.kind == accessAccumulate {
				w.op(a.xs, into)
			}
		}
	}
	return nil
}

// settle waits for all of them, which end with their ctx, and returns the first error.
func settle(reqs []*Request) error {
	var first error
	for _, r := range reqs {
		<-r.done
		if first == nil {
			first = r.err
		}
	}
	return first
}

// Close frees the window; what is queued is dropped. The memory stays as it is.
func (w *Window[T]) Close() error { return w.c.Close() }
