package fake

import (
	"context"
	"encoding/binary"
	"runtime"
)

// groupID names a group, as ncclUniqueId does.
type groupID struct{ Internal [128]byte }

// group is the ranks of a communicator.
type group struct {
	ranks  int
	joined map[int]*device     // by rank
	failed result              // what joining came to, where ranks did not fit
	comms  int                 // that are open
	torn   bool                // a rank aborted
	calls  map[int]*collective // by their place in the order
	mail   map[[2]int][][]byte // sent and not received, by sender and receiver
}

// comm is a rank of a group. It does not block: what a call queues comes to the streams when the rank has asked often enough.
type comm struct {
	g       *group
	d       *device
	rank    int
	next    int // place of its next collective
	pending []queued
	polls   int // how often to ask still
	aborted bool
}

// collective is what ranks have brought to one.
type collective struct {
	name  string
	parts map[int][]byte
	n     uint64
	kind  int32
	which int32 // reduction or root
}

// Codes of NCCL.
const (
	ncclInvalidArgument result = 4
	ncclInvalidUsage    result = 5
	ncclRemoteError     result = 6
	ncclInProgress      result = 7
)

var ncclTexts = map[result][]byte{
	success:             []byte("no error\x00"),
	ncclInvalidArgument: []byte("invalid argument\x00"),
	ncclInvalidUsage:    []byte("invalid usage\x00"),
	ncclRemoteError:     []byte("nobody made the group's name here; simulated devices of several processes are in no group\x00"),
	ncclInProgress:      []byte("in progress\x00"),
}

// config is ncclConfig_t of the release that has the least.
type config struct {
	size           uint64
	magic, release uint32
	blocking       int32
}

// kindSizes are the sizes of elements, by ncclDataType_t.
var kindSizes = map[int32]int{0: 1, 1: 1, 2: 4, 3: 4, 4: 8, 5: 8, 7: 4, 8: 8}

// nccl are the functions of NCCL. What a rank brings is taken when its stream comes to the call, and what it gets is there when all
// have come.
func (s *slot) nccl() map[string]any {
	all := func(name string) func(src, dst, n uint64, kind, which int32, c, st uintptr) uintptr {
		return func(src, dst, n uint64, kind, which int32, c, st uintptr) uintptr {
			return s.queue(name, st, func(m *Machine, st *stream) result {
				return m.collective(st, name, src, dst, n, kind, which, c)
			})
		}
	}
	table := map[string]any{
		"ncclGetErrorString": func(code int32) uintptr { return textOf(ncclTexts, result(code)) },
		"ncclGetUniqueId": func(out *groupID) uintptr {
			return s.call("ncclGetUniqueId", func(m *Machine) result {
				for i := range out.Internal { // all of it counts
					out.Internal[i] = byte(m.rng.Uint32())
				}
				binary.LittleEndian.PutUint64(out.Internal[:], uint64(m.handle()))
				m.groups[*out] = &group{joined: map[int]*device{}, calls: map[int]*collective{}, mail: map[[2]int][][]byte{}}
				return success
			})
		},
		"ncclCommInitRankConfig": func(out *uintptr, ranks int32, id groupID, rank int32, o *config) uintptr {
			return s.current("ncclCommInitRankConfig", func(m *Machine, d *device) result { return m.join(d, out, ranks, id, rank, o) })
		},
		"ncclCommGetAsyncError": func(h uintptr, out *int32) uintptr {
			return s.current("ncclCommGetAsyncError", func(m *Machine, _ *device) result {
				c := m.comms[h]
				if c == nil {
					return ncclInvalidArgument
				}
				return set(out, int32(m.state(c)))
			})
		},
		"ncclCommDestroy": func(h uintptr) uintptr {
			return s.current("ncclCommDestroy", func(m *Machine, _ *device) result { return m.part(h, false) })
		},
		"ncclCommAbort": func(h uintptr) uintptr {
			return s.current("ncclCommAbort", func(m *Machine, _ *device) result { return m.part(h, true) })
		},
		"ncclAllReduce":     all("ncclAllReduce"),
		"ncclReduceScatter": all("ncclReduceScatter"),
		"ncclBroadcast":     all("ncclBroadcast"),
		"ncclAllGather": func(src, dst, n uint64, kind int32, c, st uintptr) uintptr {
			return all("ncclAllGather")(src, dst, n, kind, 0, c, st)
		},
		"ncclSend": func(src, n uint64, kind, peer int32, c, st uintptr) uintptr {
			return s.queue("ncclSend", st, func(m *Machine, st *stream) result { return m.message(st, true, src, n, kind, peer, c) })
		},
		"ncclRecv": func(dst, n uint64, kind, peer int32, c, st uintptr) uintptr {
			return s.queue("ncclRecv", st, func(m *Machine, st *stream) result { return m.message(st, false, dst, n, kind, peer, c) })
		},
		"ncclGroupStart": func() uintptr {
			return s.call("ncclGroupStart", func(m *Machine) result {
				m.grouped[thread()] = append(m.grouped[thread()], nil)
				return success
			})
		},
		"ncclGroupEnd": func() uintptr {
			return s.call("ncclGroupEnd", func(m *Machine) result { return m.groupEnd() })
		},
	}
	if runtime.GOOS == "windows" || runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		delete(table, "ncclCommInitRankConfig") // callbacks there take no struct by value
	}
	return table
}

// join makes a rank of a group that is there when all have come.
func (m *Machine) join(d *device, out *uintptr, ranks int32, id groupID, rank int32, o *config) result {
	if rank < 0 || rank >= ranks || o == nil || o.size < 24 || o.magic != 0xcafebeef || o.release < 21400 || o.blocking != 0 {
		return ncclInvalidArgument
	}
	g := m.groups[id]
	if g == nil {
		return ncclRemoteError
	}
	if len(g.joined) == 0 {
		g.ranks = int(ranks)
	}
	if len(g.joined) == g.ranks {
		return ncclInvalidUsage
	}
	for r, other := range g.joined {
		if r == int(rank) || other == d {
			g.failed = ncclInvalidUsage
		}
	}
	if g.ranks != int(ranks) {
		g.failed = ncclInvalidUsage
	}
	if g.failed != success {
		return g.failed
	}
	g.joined[int(rank)] = d
	g.comms++
	h := m.handle()
	m.comms[h] = &comm{g: g, d: d, rank: int(rank)}
	set(out, h)
	return ncclInProgress
}

// state is how far a rank's last call is, which gets on a little.
func (m *Machine) state(c *comm) result {
	switch {
	case c.g.failed != success:
		return c.g.failed
	case len(c.g.joined) < c.g.ranks:
		return ncclInProgress
	}
	if c.polls--; c.polls > 0 && len(c.pending) > 0 {
		return ncclInProgress
	}
	for _, waits := range []bool{false, true} { // what can run at once before what waits for others
		for _, q := range c.pending {
			if (q.o.can != nil) == waits {
				m.enqueue(q.st, q.o)
			}
		}
	}
	c.pending = nil
	return success
}

// part ends a rank, whose work waits for nobody any more where it aborts.
func (m *Machine) part(h uintptr, abort bool) result {
	c := m.comms[h]
	if c == nil {
		return ncclInvalidArgument
	}
	delete(m.comms, h)
	if abort {
		c.aborted, c.g.torn, c.pending = true, true, nil
	}
	if c.g.comms--; c.g.comms == 0 && !c.g.torn {
		for pair, list := range c.g.mail {
			if len(list) > 0 {
				m.fault("rank %d sent %d blocks that rank %d did not receive", pair[0], len(list), pair[1])
			}
		}
	}
	return success
}

// put keeps work until its thread's group ends.
func (m *Machine) put(c *comm, st *stream, o *op) {
	can, run := o.can, o.run
	if can != nil {
		o.can = func() bool { return c.aborted || can() }
	}
	o.run = func(ctx context.Context) outcome {
		if c.aborted {
			return outcome{}
		}
		return run(ctx)
	}
	list := m.grouped[thread()]
	at := &list[len(list)-1]
	*at = append(*at, queued{c, st, o})
}

// queued is work for a stream.
type queued struct {
	c  *comm
	st *stream
	o  *op
}

// groupEnd begins what the outermost group of the thread has.
func (m *Machine) groupEnd() result {
	list := m.grouped[thread()]
	if len(list) == 0 {
		return ncclInvalidUsage
	}
	last := list[len(list)-1]
	if list = list[:len(list)-1]; len(list) > 0 {
		list[len(list)-1] = append(list[len(list)-1], last...)
		m.grouped[thread()] = list
		return success
	}
	delete(m.grouped, thread())
	for _, q := range last {
		if !q.c.aborted {
			q.c.pending = append(q.c.pending, q)
			q.c.polls = m.rng.IntN(4)
		}
	}
	if len(last) > 0 {
		return ncclInProgress
	}
	return success
}

// inProgress is what a call answers whose work is yet to come: NCCL says so, or does not.
func (m *Machine) inProgress() result {
	if m.rng.IntN(2) == 0 {
		return ncclInProgress
	}
	return success
}

// takes says whether a communicator takes a call for a stream now: within a group, and after the last was done.
func (m *Machine) takes(c *comm, st *stream, kind int32) result {
	_, ok := kindSizes[kind]
	switch {
	case c == nil || c.d != st.d || !ok:
		return ncclInvalidArgument
	case len(m.grouped[thread()]) == 0 || len(c.pending) > 0 || len(c.g.joined) < c.g.ranks:
		return ncclInvalidUsage
	}
	return success
}
