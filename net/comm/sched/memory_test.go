package sched_test

import (
	"fmt"
	"iter"

	"github.com/darray-go/darray/net/comm/sched"
)

// op is what the tests combine by: it neither commutes nor associates, so only the documented order gives its value.
func op(a, b uint64) uint64 {
	x := a*0x9e3779b97f4a7c15 + b*0xc2b2ae3d27d4eb4f + 0x165667b1
	return x ^ x>>29
}

// rank is one rank in memory.
type rank struct {
	id    int
	bufs  [sched.Buffers][]uint64
	room  [sched.Buffers]int // elements of each; bufs are nil in a world without elements
	next  func() (*sched.Round, bool)
	round *sched.Round
	sent  int // messages of the round that are through
	recvd []bool
	left  int // receives of the round that are not through
	done  bool
}

// world runs schedules in memory the way links with no buffers would: a message moves when its sender and its receiver
// both have posted it, and a round ends when all its messages have moved.
type world struct {
	ranks  []*rank
	posted map[[2]int]sched.Region // by source and destination: sends that wait
	dry    bool                    // there are no elements, only lengths
}

// run executes the schedules of all ranks; bufs are In and Out of each, which may be one memory.
func run(schedules []sched.Schedule, ins, outs [][]uint64) error {
	w := &world{posted: make(map[[2]int]sched.Region)}
	for i, s := range schedules {
		r := &rank{id: i, room: [sched.Buffers]int{len(ins[i]), len(outs[i]), s.Scratch}}
		r.bufs[sched.In], r.bufs[sched.Out] = ins[i], outs[i]
		r.bufs[sched.Tmp] = make([]uint64, s.Scratch)
		for j := range r.bufs[sched.Tmp] {
			r.bufs[sched.Tmp][j] = 0xdead
		}
		w.ranks = append(w.ranks, r)
	}
	return w.run(schedules)
}

// dryRun follows the schedules where In and Out have so many elements, of which there are none.
func dryRun(schedules []sched.Schedule, in, out int) error {
	w := &world{posted: make(map[[2]int]sched.Region), dry: true}
	for i, s := range schedules {
		w.ranks = append(w.ranks, &rank{id: i, room: [sched.Buffers]int{in, out, s.Scratch}})
	}
	return w.run(schedules)
}

func (w *world) run(schedules []sched.Schedule) error {
	for i, s := range schedules {
		next, stop := iter.Pull(s.Rounds)
		defer stop()
		w.ranks[i].next = next
	}
	for _, r := range w.ranks {
		if err := w.enter(r); err != nil {
			return err
		}
	}
	for {
		moved, running := false, false
		for _, r := range w.ranks {
			if r.done {
				continue
			}
			running = true
			ok, err := w.receive(r)
			if err != nil {
				return err
			}
			moved = moved || ok
			for !r.done && r.left == 0 && r.sent == len(r.round.Sends) {
				moved = true
				if err := w.leave(r); err != nil {
					return err
				}
				if err := w.enter(r); err != nil {
					return err
				}
			}
		}
		if !running {
			break
		}
		if !moved {
			return fmt.Errorf("deadlock")
		}
	}
	if len(w.posted) > 0 {
		return fmt.Errorf("sends that nobody receives: %v", w.posted)
	}
	return nil
}

// enter posts the next round of r.
func (w *world) enter(r *rank) error {
	round, ok := r.next()
	if !ok {
		r.done = true
		return nil
	}
	r.round, r.sent, r.left = round, 0, len(round.Recvs)
	r.recvd = make([]bool, len(round.Recvs))
	for _, m := range round.Sends {
		key := [2]int{r.id, m.Peer}
		if _, twice := w.posted[key]; twice || m.Peer == r.id || m.Peer < 0 || m.Peer >= len(w.ranks) {
			return fmt.Errorf("rank %d sends to rank %d, twice in a round or nobody", r.id, m.Peer)
		}
		w.posted[key] = m.Region
		if !r.has(m.Region) {
			return fmt.Errorf("rank %d sends %+v, which is not there", r.id, m)
		}
	}
	from := make(map[int]bool)
	for _, m := range round.Recvs {
		if from[m.Peer] {
			return fmt.Errorf("rank %d receives from rank %d twice in a round", r.id, m.Peer)
		}
		from[m.Peer] = true
		if !r.has(m.Region) {
			return fmt.Errorf("rank %d receives %+v, for which there is no room", r.id, m)
		}
		if m.Buf == sched.In && m.Len() > 0 {
			return fmt.Errorf("rank %d receives into what the caller passed", r.id)
		}
	}
	return nil
}

// receive moves what r waits for and others have sent.
func (w *world) receive(r *rank) (moved bool, err error) {
	for i, m := range r.round.Recvs {
		key := [2]int{m.Peer, r.id}
		out, ok := w.posted[key]
		if r.recvd[i] || !ok {
			continue
		}
		if out.Len() != m.Len() {
			return false, fmt.Errorf("rank %d sends %d elements to rank %d, which expects %d", m.Peer, out.Len(), r.id, m.Len())
		}
		src := w.ranks[m.Peer]
		if !w.dry {
			copy(r.at(m.Region), src.at(out))
		}
		delete(w.posted, key)
		src.sent++
		r.recvd[i], moved = true, true
		r.left--
	}
	return moved, nil
}

func (r *rank) at(reg sched.Region) []uint64 { return r.bufs[reg.Buf][reg.Lo:reg.Hi:reg.Hi] }

// leave does the steps of the round.
func (w *world) leave(r *rank) error {
	for _, m := range r.round.Sends {
		for _, o := range r.round.Recvs {
			if overlap(m.Region, o.Region) {
				return fmt.Errorf("rank %d receives where it sends from: %v %v", r.id, m, o)
			}
		}
	}
	for _, s := range r.round.Steps {
		if s.Dst.Len() != s.Src.Len() || !r.has(s.Dst) || !r.has(s.Src) || s.Dst.Buf == sched.In || overlap(s.Dst, s.Src) {
			return fmt.Errorf("rank %d: step %+v", r.id, s)
		}
		if w.dry {
			continue
		}
		dst, src := r.at(s.Dst), r.at(s.Src)
		for i, x := range src {
			if s.Combine {
				x = op(dst[i], x)
			}
			dst[i] = x
		}
	}
	return nil
}

func (r *rank) has(reg sched.Region) bool {
	return 0 <= reg.Lo && reg.Lo <= reg.Hi && reg.Hi <= r.room[reg.Buf]
}

func overlap(a, b sched.Region) bool { return a.Buf == b.Buf && a.Lo < b.Hi && b.Lo < a.Hi }
