// Package sched holds the collectives as data. What one rank does in a collective is a schedule: rounds that are made
// while they are asked for, each a set of messages over parts of a few numbered buffers, all posted at once, and then
// local steps. There is no goroutine and no message here: net/comm runs a schedule over links, package sim gives its
// time, and the tests run it in memory, all the same one.
//
// # Order of combining
//
// Every reduction, by every algorithm, combines along one tree over the ranks: ranks 0 and 1, 2 and 3 and so on, then
// these pairs in pairs; what has no partner goes up as it is. So the bits of a result depend on the number of ranks and
// their elements alone. A Scan gives rank r what a reduction of ranks 0 to r alone gives, whatever p is.
package sched

import (
	"fmt"
	"iter"
)

// Op is a collective.
type Op string

// The collectives. Their variants with uneven blocks (Bounds, To, From) are the same ones.
const (
	Barrier       Op = "barrier"
	Bcast         Op = "bcast"
	Scatter       Op = "scatter"
	Gather        Op = "gather"
	Allgather     Op = "allgather"
	Alltoall      Op = "alltoall"
	Reduce        Op = "reduce"
	Allreduce     Op = "allreduce"
	ReduceScatter Op = "reducescatter"
	Scan          Op = "scan"
	Exscan        Op = "exscan"
)

// Buffer is one of the memories of a rank that a schedule moves elements between.
type Buffer uint8

// The buffers. In is what the rank passes, and is never written; Out is what it gets; Tmp is scratch. Bcast knows Out
// alone. Reductions, scans and gathers bear that Out and In are one memory; Alltoall and Scatter do not.
const (
	In Buffer = iota
	Out
	Tmp
	Buffers = 3 // how many there are
)

// Region is the elements lo to hi of a buffer.
type Region struct {
	Buf    Buffer
	Lo, Hi int
}

// Len is the number of elements.
func (r Region) Len() int { return r.Hi - r.Lo }

// part is the elements lo to hi of r itself.
func (r Region) part(lo, hi int) Region { return Region{r.Buf, r.Lo + lo, r.Lo + hi} }

// Message is a region that goes to, or comes from, another rank. Both ranks give it the same length.
type Message struct {
	Peer int
	Region
}

// Step is local: Dst = Src, or with Combine Dst = Dst op Src, where Dst stands for the lower ranks. The regions have the
// same length and do not overlap.
type Step struct {
	Combine  bool
	Dst, Src Region
}

// Round is a set of messages, all posted at once, and the steps that follow, in order, when all are through. At most one
// message goes each way between two ranks, so that rounds need no tags: messages of two ranks meet in order.
type Round struct {
	Sends, Recvs []Message
	Steps        []Step
}

// Schedule is what one rank does in a collective.
type Schedule struct {
	// Scratch is how many elements of Tmp the rounds use.
	Scratch int
	// Rounds gives the rounds in order. A round is valid until the next one is asked for.
	Rounds iter.Seq[*Round]
}

// Task is one rank's view of a collective. All ranks give the same but for Rank, To and From.
type Task struct {
	Rank, Size int
	Root       int // of bcast, scatter, gather and reduce
	// N is the number of elements: of the whole vector for bcast, reduce, allreduce, scan and exscan; of each block
	// for the others, where a block is what one rank (for alltoall: one pair of ranks) contributes or gets.
	N int
	// Bounds, where blocks differ, says that rank r's is elements Bounds[r] to Bounds[r+1] of the whole; for scatter,
	// gather, allgather and reducescatter. Nil: N each.
	Bounds []int
	// To and From are such bounds for alltoall: of the blocks in In by destination, and in Out by source. Nil: N each.
	To, From []int
	// Skip is for alltoall by direct messages: blocks of at most so many elements are not sent, since they have come
	// some other way.
	Skip int
	// Segment is how many elements a message of a pipeline has; 0 for the whole.
	Segment int
	// Hosts is the host of each rank, as any number, for the algorithms by host. Nil: not known.
	Hosts []int
}

// New returns the schedule of one rank for op by the algorithm of that name. It does not block and keeps t's slices.
func New(op Op, name string, t Task) (Schedule, error) {
	a, ok := find(op, name)
	switch {
	case !ok:
		return Schedule{}, fmt.Errorf("%s has no algorithm %q; there are %v", op, name, Algorithms(op))
	case t.Size < 1 || t.Rank < 0 || t.Rank >= t.Size || t.Root < 0 || t.Root >= t.Size || t.N < 0:
		return Schedule{}, fmt.Errorf("%s of %d elements on rank %d of %d with root %d makes no sense", op, t.N, t.Rank, t.Size, t.Root)
	case a.fits != nil && !a.fits(&t):
		return Schedule{}, fmt.Errorf("%s by %s does not fit %d ranks on these hosts; choose another algorithm", op, name, t.Size)
	}
	s := Schedule{Rounds: func(yield func(*Round) bool) {
		g := gen{Task: t, yield: yield}
		g.round = Round{Sends: g.sends[:0], Recvs: g.recvs[:0], Steps: g.steps[:0]}
		a.rounds(&g)
		g.next()
	}}
	if a.scratch != nil {
		s.Scratch = a.scratch(&t)
	}
	return s, nil
}

// Fits reports whether the algorithm of that name can do t.
func Fits(op Op, name string, t Task) bool {
	a, ok := find(op, name)
	return ok && (a.fits == nil || a.fits(&t))
}

// bound is where the block of rank i begins.
func (t *Task) bound(i int) int { return boundOf(t.Bounds, t.N, i) }

func boundOf(bounds []int, n, i int) int {
	if bounds == nil {
		return i * n
	}
	return bounds[i]
}

// block is the block of rank i in buf, which holds all of them.
func (t *Task) block(buf Buffer, i int) Region { return Region{buf, t.bound(i), t.bound(i + 1)} }

// own is the whole of buf where it holds this rank's block alone.
func (t *Task) own(buf Buffer) Region { return Region{buf, 0, t.bound(t.Rank+1) - t.bound(t.Rank)} }

// all is the vector of N elements in buf.
func (t *Task) all(buf Buffer) Region { return Region{buf, 0, t.N} }

// piece is the i-th of Size nearly equal runs of the vector, as partition.Balanced cuts it.
func (t *Task) piece(buf Buffer, i int) Region {
	q, m := t.N/t.Size, t.N%t.Size
	return Region{buf, i*q + min(i, m), (i+1)*q + min(i+1, m)}
}

// around is how many elements the blocks of ranks first, first+1, ... have, v of them, counted around the ring.
func (t *Task) around(first, v int) int {
	lo := t.bound(first)
	if first+v <= t.Size {
		return t.bound(first+v) - lo
	}
	return t.bound(t.Size) - lo + t.bound(first+v-t.Size)
}

// turned is where the blocks of v ranks lie, from the lo-th on, in a buffer that holds all blocks with first's first.
func (t *Task) turned(buf Buffer, first, lo, hi int) Region {
	return Region{buf, t.around(first, lo), t.around(first, hi)}
}
