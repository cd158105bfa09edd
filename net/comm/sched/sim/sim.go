// Package sim gives the time that a collective takes, without running it: it follows the schedules of all ranks
// (package sched, the ones that net/comm runs) through virtual time. The same call gives the same figures each time.
// There is no message and no waiting; the ranks' schedules are pulled one round at a time by coroutines, on the
// caller's thread.
package sim

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/darray-go/darray/net/comm/sched"
)

// MaxMessages bounds one simulation; a ring over 4096 ranks has 16.8 million messages and takes about five
// seconds.
const MaxMessages = 20_000_000

var errTooMany = fmt.Errorf("more than %d messages; simulate fewer ranks or another algorithm", MaxMessages)

// countSends is one rank's part in that, so that what is too large is refused at once.
func countSends(s sched.Schedule) int {
	n := 0
	for r := range s.Rounds {
		n += len(r.Sends)
	}
	return n
}

// Result is what a simulation found.
type Result struct {
	Time     time.Duration // until the last rank has returned
	Messages int
	Bytes    int // sum over all messages
	Scratch  int // bytes of the rank that needs most
}

// Time simulates op over p ranks that all enter at once, with root 0. Bytes is what one rank holds of a vector (bcast,
// reduce, allreduce, scan, exscan) or the size of one block (scatter, gather, allgather and reducescatter: of one rank;
// alltoall: of one pair). An error: no such algorithm, it does not fit p, or there would be more than MaxMessages.
func Time(op sched.Op, algorithm string, bytes, p int, params Params) (Result, error) {
	if p < 1 || bytes < 0 {
		return Result{}, fmt.Errorf("simulate %s of %d bytes over %d ranks: nothing to simulate", op, bytes, p)
	}
	m := machine{Params: params, ranks: make([]rank, p)}
	hosts := params.hosts(p)
	defer func() {
		for i := range m.ranks {
			if m.ranks[i].stop != nil {
				m.ranks[i].stop()
			}
		}
	}()
	for i := range m.ranks {
		t := sched.Task{Rank: i, Size: p, N: bytes, Segment: sched.Segment(bytes, p), Hosts: hosts}
		s, err := sched.New(op, algorithm, t)
		if err != nil {
			return Result{}, fmt.Errorf("simulate: %w", err)
		}
		if i == p/2 && countSends(s) > MaxMessages/p {
			return Result{}, fmt.Errorf("simulate %s by %s over %d ranks: %w", op, algorithm, p, errTooMany)
		}
		m.Scratch = max(m.Scratch, s.Scratch)
		m.ranks[i].next, m.ranks[i].stop = iter.Pull(params.batches(s))
	}
	if err := m.run(); err != nil {
		return Result{}, fmt.Errorf("simulate %s by %s over %d ranks: %w", op, algorithm, p, err)
	}
	return m.Result, nil
}

func (p Params) hosts(size int) []int {
	if p.PerHost == 0 {
		return nil
	}
	hosts := make([]int, size)
	for r := range hosts {
		hosts[r] = r / p.PerHost
	}
	return hosts
}

// path is the one between two ranks.
func (p *Params) path(a, b int) *Path {
	if p.PerHost > 0 && a/p.PerHost == b/p.PerHost {
		return &p.Near
	}
	return &p.Far
}

// rank is where one rank is in its schedule. Times are nanoseconds.
type rank struct {
	next    func() (*batch, bool)
	stop    func()
	batch   batch     // what is left of the current one
	cost    float64   // of the current round's steps
	waiting []int32   // sources of the round's messages that are not here
	early   []arrived // messages for rounds to come, in order of arrival
	cpu     float64   // busy until then
	out, in float64   // its ports are busy until then
	drained float64   // the round's sends have left
}

// arrived is a message that is here from then on.
type arrived struct {
	src int32
	at  float64
}

// flight is a message whose first byte comes to dst's port at that time.
type flight struct {
	at       float64
	seq      int // as they were sent, where times are equal
	src, dst int32
	bytes    int
}

type machine struct {
	Params
	Result
	ranks []rank
	heap  []flight
	seq   int
}

func (m *machine) run() error {
	for i := range m.ranks {
		if err := m.advance(int32(i)); err != nil {
			return err
		}
	}
	for len(m.heap) > 0 {
		f := m.pop()
		r := &m.ranks[f.dst]
		path := m.path(int(f.src), int(f.dst))
		r.in = max(r.in, f.at) + float64(f.bytes)*path.PerByte
		a := arrived{src: f.src, at: r.in}
		if i := slices.Index(r.waiting, f.src); i >= 0 {
			r.accept(i, a, path)
		} else {
			r.early = append(r.early, a)
			continue
		}
		if len(r.waiting) == 0 {
			if err := m.finish(f.dst); err != nil {
				return err
			}
		}
	}
	for i := range m.ranks {
		if r := &m.ranks[i]; len(r.waiting) > 0 || len(r.early) > 0 {
			return fmt.Errorf("rank %d waits for %d messages and has %d that it does not expect", i, len(r.waiting), len(r.early))
		}
	}
	return nil
}

// accept takes the message for the i-th of those waited for.
func (r *rank) accept(i int, a arrived, path *Path) {
	r.waiting = slices.Delete(r.waiting, i, i+1)
	r.cpu = max(r.cpu, a.at) + float64(path.O)
}

// finish does the steps of a round whose messages are through and goes on.
func (m *machine) finish(i int32) error {
	m.ranks[i].steps()
	return m.advance(i)
}

func (r *rank) steps() { r.cpu = max(r.cpu, r.drained) + r.cost }

// advance posts rounds of rank i until one has to wait.
func (m *machine) advance(i int32) error {
	r := &m.ranks[i]
	for {
		if len(r.batch.rounds) == 0 {
			b, ok := r.next()
			if !ok {
				m.Time = max(m.Time, time.Duration(r.cpu))
				return nil
			}
			r.batch = *b
		}
		b := &r.batch
		now := b.rounds[0]
		b.rounds, r.cost = b.rounds[1:], now.cost
		if err := m.post(r, i, b.sends[:now.sends]); err != nil {
			return err
		}
		m.meet(r, i, b.recvs[:now.recvs])
		b.sends, b.recvs = b.sends[now.sends:], b.recvs[now.recvs:]
		if len(r.waiting) > 0 {
			return nil
		}
		r.steps()
	}
}

// post sends the messages of the round one after another.
func (m *machine) post(r *rank, i int32, sends []message) error {
	for _, s := range sends {
		path := m.path(int(i), int(s.peer))
		r.cpu += float64(path.O)
		start := max(r.cpu, r.out)
		r.out = start + float64(s.bytes)*path.PerByte
		r.drained = r.out
		m.seq++
		m.push(flight{at: start + float64(path.L), seq: m.seq, src: i, dst: s.peer, bytes: s.bytes})
		m.Messages++
		m.Bytes += s.bytes
	}
	if m.Messages > MaxMessages {
		return errTooMany
	}
	return nil
}

// meet posts the receives of the round; those that are here already are taken as they came.
func (m *machine) meet(r *rank, i int32, recvs []int32) {
	r.waiting = append(r.waiting, recvs...)
	if len(r.early) == 0 {
		return
	}
	slices.SortStableFunc(r.early, func(a, b arrived) int { return cmp.Compare(a.at, b.at) })
	kept := r.early[:0]
	for _, a := range r.early {
		if w := slices.Index(r.waiting, a.src); w >= 0 {
			r.accept(w, a, m.path(int(a.src), int(i)))
		} else {
			kept = append(kept, a)
		}
	}
	r.early = kept
}
