package cuda

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ebitengine/purego"
)

// nccl moves blocks between GPUs.
var nccl = kind{
	name:  "NCCL",
	files: []string{"libnccl.so.2", "libnccl.so"},
	functions: []string{
		"ncclGetErrorString", "ncclGetUniqueId", "ncclCommInitRankConfig", "ncclCommGetAsyncError", "ncclCommDestroy", "ncclCommAbort",
		"ncclSend", "ncclRecv", "ncclAllReduce", "ncclBroadcast", "ncclAllGather", "ncclReduceScatter", "ncclGroupStart", "ncclGroupEnd",
	},
	text: "ncclGetErrorString",
	get:  "install NVIDIA's package of it (libnccl2)",
}

// GroupID names a Group: one rank makes it, and sends it to the others by other means.
type GroupID [128]byte

// Group is the ranks of one NCCL communicator, each with its device. Calls on it queue work on a stream, which runs when all ranks
// have queued theirs: in the same order everywhere. They are made within Together. Close it.
//
// The communicator is one that does not block: NCCL meets the other ranks in a thread of its own, and is asked how far it is, so that
// nothing here waits for a rank that never comes.
type Group struct {
	d           *Device
	l           *library
	rank, ranks int
	init        *frame // what it was made from

	mu   sync.Mutex
	comm uintptr       // 0 once closed
	gone chan struct{} // closed when an Abort is over; nil before the first
	lost error         // what that answered
	open *Stream       // that Together is queuing on
}

// Kind is what elements are, by NCCL's numbers.
type Kind int

// Kinds of elements.
const (
	Int8    Kind = 0
	Uint8   Kind = 1
	Int32   Kind = 2
	Uint32  Kind = 3
	Int64   Kind = 4
	Uint64  Kind = 5
	Float32 Kind = 7
	Float64 Kind = 8
)

// Reduction is how AllReduce and ReduceScatter put elements of ranks together, by NCCL's numbers. The order in which sums of floats
// are taken is NCCL's, and not that of darray's reductions.
type Reduction int

// Reductions.
const (
	GroupSum     Reduction = 0
	GroupProduct Reduction = 1
	GroupMax     Reduction = 2
	GroupMin     Reduction = 3
)

// uniqueID is ncclUniqueId.
type uniqueID struct{ Internal [128]byte }

// NewGroupID makes a name for a group. ErrLibrary where NCCL is not installed.
func (d *Device) NewGroupID() (GroupID, error) {
	var id GroupID
	l, err := d.v.lib(&nccl)
	if err != nil {
		return id, err
	}
	f := newFrame()
	defer f.done(0)
	if err := l.call(&nccl, "ncclGetUniqueId", f.textAt()); err != nil {
		return id, err
	}
	copy(id[:], f.text[:])
	return id, nil
}

// What NCCL answers while it goes on by itself, and the configuration of a communicator as its release 2.14 has it, which later ones take
// too: its length in bytes, a number that says that it is one, the release, and whether calls block.
const (
	ncclInProgress = 7
	configBytes    = 24
	configMagic    = 0xcafebeef
	configRelease  = 21400
)

// Join makes this device rank of a group of so many, which all have to join. It waits for them until ctx ends.
func (d *Device) Join(ctx context.Context, id GroupID, rank, ranks int) (*Group, error) {
	if rank < 0 || rank >= ranks {
		return nil, fmt.Errorf("rank %d of a group of %d", rank, ranks)
	}
	l, err := d.v.lib(&nccl)
	if err != nil {
		return nil, err
	}
	// The name is passed by value, which no list of words can do.
	const name = "ncclCommInitRankConfig"
	var initRank func(comm uintptr, ranks int32, id uniqueID, rank int32, config uintptr) int32
	purego.RegisterFunc(&initRank, l.table[name])
	f := new(frame) // not one that others use again: NCCL's thread may know it until the group is left
	g := &Group{d: d, l: l, rank: rank, ranks: ranks, init: f}
	err = d.do(func() error {
		f.word[1], f.word[2] = configBytes, configMagic|configRelease<<32 // and zero: it does not block
		code := int(initRank(f.at(0), int32(ranks), uniqueID{id}, int32(rank), f.at(1)))
		if comm := uintptr(f.word[0]); comm != 0 {
			g.comm = comm
			d.opened(g, func() error { return l.call(&nccl, "ncclCommDestroy", comm) })
		}
		return g.started(name, code)
	})
	if err == nil {
		err = g.ready(ctx, name)
	}
	if err != nil {
		g.Abort()
		return nil, err
	}
	return g, nil
}

// Rank is this device's, Size how many there are.
func (g *Group) Rank() int { return g.rank }

// Size is the number of ranks.
func (g *Group) Size() int { return g.ranks }

// started is the error of a call whose work NCCL may go on with by itself.
func (g *Group) started(name string, code int) error {
	if code == 0 || code == ncclInProgress {
		return nil
	}
	return g.l.failure(&nccl, name, code)
}

// ready waits until NCCL has done what a call began: then its work is in the stream.
func (g *Group) ready(ctx context.Context, name string) error {
	return poll(ctx, func() (ok bool, err error) {
		err = g.d.do(func() error {
			ok, err = g.done(name)
			return err
		})
		return ok, err
	})
}

// done asks NCCL whether it has done that, with the context current. What went wrong at other ranks is known by this too.
func (g *Group) done(name string) (bool, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.comm == 0 {
		return false, fmt.Errorf("%s: %w", name, errLeft)
	}
	f := newFrame()
	defer f.done(1)
	if err := g.l.call(&nccl, "ncclCommGetAsyncError", g.comm, f.at(0)); err != nil {
		return false, err
	}
	code := int(int32(f.word[0]))
	return code == 0, g.started(name, code)
}

// errLeft is of calls after Close or Abort.
var errLeft = errors.New("the group was left")

// Sync waits until all that is queued in the stream is over, as Stream.Sync does, but for downloads; it ends too when NCCL finds that
// a rank is gone.
func (g *Group) Sync(ctx context.Context, s *Stream) error {
	var m mark
	err := g.d.do(func() (err error) {
		m, err = s.fence()
		return err
	})
	if err != nil {
		return err
	}
	return poll(ctx, func() (ok bool, err error) {
		err = g.d.do(func() error {
			if ok, err = m.over(); ok || err != nil {
				return err
			}
			_, err = g.done("ncclCommGetAsyncError")
			return err
		})
		return ok, err
	})
}

// Close leaves the group, when this rank's work is over. After Abort it waits for that, and says how it went. The second call does nothing.
func (g *Group) Close() error {
	g.mu.Lock()
	if gone := g.gone; gone != nil {
		g.mu.Unlock()
		<-gone
		g.mu.Lock()
		defer g.mu.Unlock()
		err := g.lost
		g.lost = nil
		return err
	}
	defer g.mu.Unlock()
	if g.comm == 0 {
		return nil
	}
	if err := g.d.enter(); err != nil {
		return gone(err)
	}
	defer g.d.leave()
	err := g.d.shut(g)
	g.comm = 0
	return err
}

// patience is how long Abort waits for NCCL.
const patience = 50 * time.Millisecond

// Abort leaves the group at once, whatever it is doing: work of it that waits in streams for other ranks ends without a result, and the
// streams go on. The other ranks are not told. NCCL may take its time for it: where that is more than a moment it goes on when Abort is
// back, and Close waits for it and says how it went.
func (g *Group) Abort() {
	g.mu.Lock()
	comm := g.comm
	if g.gone == nil && comm != 0 {
		g.comm, g.gone = 0, make(chan struct{})
		g.d.opened(g, func() error { return g.l.call(&nccl, "ncclCommAbort", comm) })
		go func() {
			defer close(g.gone)
			g.lost = gone(g.d.do(func() error { return g.d.shut(g) }))
		}()
	}
	over := g.gone
	g.mu.Unlock()
	if over == nil {
		return
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-over:
	case <-timer.C:
	}
}

// queue calls a function whose last arguments are the communicator and the stream.
func (g *Group) queue(name string, s *Stream, args ...uintptr) error {
	if s.d != g.d {
		return fmt.Errorf("%s: the stream is of another device", name)
	}
	if err := g.d.enter(); err != nil {
		return err
	}
	defer g.d.leave()
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.comm == 0:
		return fmt.Errorf("%s: %w", name, errLeft)
	case g.open != s:
		return fmt.Errorf("%s: call it within Together of its stream", name)
	}
	_, err := s.issue(nil, func() error { return g.started(name, g.l.code(name, append(args, g.comm, s.handle)...)) })
	return err
}

// Send queues n elements from src on to a rank, which has to Recv as many.
func (g *Group) Send(s *Stream, src uint64, n int, k Kind, to int) error {
	return g.queue("ncclSend", s, uintptr(src), uintptr(n), uintptr(k), uintptr(to))
}

// Recv queues the receipt of n elements that a rank sends.
func (g *Group) Recv(s *Stream, dst uint64, n int, k Kind, from int) error {
	return g.queue("ncclRecv", s, uintptr(dst), uintptr(n), uintptr(k), uintptr(from))
}

// AllReduce puts n elements of each rank together, and gives all of them to all ranks. Src and dst may be the same.
func (g *Group) AllReduce(s *Stream, src, dst uint64, n int, k Kind, op Reduction) error {
	return g.queue("ncclAllReduce", s, uintptr(src), uintptr(dst), uintptr(n), uintptr(k), uintptr(op))
}

// Broadcast gives n elements of the root to all ranks. Src counts on the root alone.
func (g *Group) Broadcast(s *Stream, src, dst uint64, n int, k Kind, root int) error {
	return g.queue("ncclBroadcast", s, uintptr(src), uintptr(dst), uintptr(n), uintptr(k), uintptr(root))
}

// AllGather gives the n elements of each rank to all ranks, one behind the other.
func (g *Group) AllGather(s *Stream, src, dst uint64, n int, k Kind) error {
	return g.queue("ncclAllGather", s, uintptr(src), uintptr(dst), uintptr(n), uintptr(k))
}

// ReduceScatter puts n elements for each rank together, and gives each rank its n.
func (g *Group) ReduceScatter(s *Stream, src, dst uint64, n int, k Kind, op Reduction) error {
	return g.queue("ncclReduceScatter", s, uintptr(src), uintptr(dst), uintptr(n), uintptr(k), uintptr(op))
}

// Together queues what f queues on a stream, as one piece: sends and receipts that wait for each other have to be. F keeps to its
// goroutine. NCCL meets the ranks of the first such calls, which Together waits for until ctx ends: then, and after any other error, what
// has been queued is not known, and Abort is left.
func (g *Group) Together(ctx context.Context, s *Stream, f func() error) error {
	const name = "ncclGroupEnd"
	err := g.d.do(func() error { // on one thread, for which a group counts
		if err := g.l.call(&nccl, "ncclGroupStart"); err != nil {
			return err
		}
		g.opens(s)
		err := f()
		g.opens(nil)
		return errors.Join(err, g.started(name, g.l.code(name)))
	})
	if err == nil {
		err = g.ready(ctx, name)
	}
	if err != nil {
		return err
	}
	_, err = s.issue(nil, func() error { return nil }) // it is in the stream from now on
	return err
}

// opens notes which stream calls are for.
func (g *Group) opens(s *Stream) {
	g.mu.Lock()
	g.open = s
	g.mu.Unlock()
}
