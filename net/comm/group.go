package comm

import (
	"cmp"
	"context"
	"fmt"
	"math/bits"
	"slices"
)

// Split divides the communicator: ranks with the same color get one together, in which they are ordered by key and then
// by their rank here. A rank with a negative color gets nil. Every rank calls it. Messages: one Allgather of 24 bytes a
// rank and one Barrier. The new communicator is to be closed. (MPI 4.0, section 7.4.2.)
//
// Where it fails on some ranks only, the communicators that those would be in fail on the others, with the same error.
func (c *Comm) Split(ctx context.Context, color, key int) (*Comm, error) {
	number := c.m.made.Add(1)
	all, err := Allgather(ctx, c, []int64{int64(color), int64(key), int64(number)})
	if err != nil {
		given, cancel := context.WithCancelCause(ctx)
		cancel(err)
		_ = Barrier(given, c) // fails: the others are in it, or will be
		return nil, within("split", err)
	}
	// Only where all ranks know all is there anybody who comes out of this without an error, and then all know the new
	// communicators and can call off their own.
	agreed := Barrier(ctx, c)
	if color < 0 {
		return nil, within("split", agreed)
	}
	type member struct {
		rank, key int
		number    uint32
	}
	var group []member
	for r := range c.Size() {
		if line := all[3*r : 3*r+3]; line[0] == int64(color) {
			group = append(group, member{r, int(line[1]), uint32(line[2])})
		}
	}
	slices.SortStableFunc(group, func(a, b member) int { return cmp.Compare(a.key, b.key) })
	world := make([]int, len(group))
	leader := 0
	for i, g := range group {
		world[i] = c.world(g.rank)
		if world[i] < world[leader] {
			leader = i
		}
	}
	d, err := c.m.derive(world, world[leader], group[leader].number)
	if agreed != nil && err == nil {
		d.revoke(agreed)
		d.Close()
		return nil, within("split", agreed)
	}
	return d, within("split", err)
}

// revoke ends everything on c, on all its ranks, with err.
func (c *Comm) revoke(err error) {
	blamed := c.m.blame(err)
	blamed = &RankError{Rank: blamed.Rank, Host: blamed.Host, Cause: blamed.Cause} // each rank adds what it does
	c.m.box.revoke(c.st.context, blamed)
	c.tell(notice{ctl: ctlRevoke, context: c.st.context, err: blamed})
}

// Dup returns a communicator of the same ranks in the same order, in which other messages and collectives go. Every rank
// calls it. It is to be closed.
func (c *Comm) Dup(ctx context.Context) (*Comm, error) {
	d, err := c.Split(ctx, 0, c.rank)
	return d, within("dup", err)
}

// derive makes a communicator of ranks of the job. Its context is the leader's: that rank and how many communicators it had
// taken part in making, so that no two that share a rank are alike.
func (m *mesh) derive(world []int, leader int, number uint32) (*Comm, error) {
	context, err := m.contextOf(leader, number)
	if err != nil {
		return nil, err
	}
	return m.enlist(context, world)
}

// contextOf is the context of the communicator with that number of its leader.
func (m *mesh) contextOf(leader int, number uint32) (uint32, error) {
	space := bits.Len(uint(m.size)) // bits that ranks take; a context with number 0 is never made
	if number >= 1<<(32-space) {
		return 0, fmt.Errorf("rank %d has made %d communicators, as many as there are numbers; close and reuse them", leader, number)
	}
	return number<<space | uint32(leader), nil
}

// enlist makes this rank's part of a communicator of ranks of the job.
func (m *mesh) enlist(context uint32, world []int) (*Comm, error) {
	rank := slices.Index(world, m.rank)
	if context == worldContext || rank < 0 {
		return nil, fmt.Errorf("communicator %d of %v: no place for rank %d", context, world, m.rank)
	}
	st := m.box.make(context, world)
	if st == nil {
		return nil, fmt.Errorf("communicator %d of %v: rank %d has or had another one of that number", context, world, m.rank)
	}
	return &Comm{m: m, st: st, ranks: world, rank: rank}, nil
}
