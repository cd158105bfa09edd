package fake

import (
	"context"
	"fmt"
	"unsafe"
)

// message queues a sending or a receipt.
func (m *Machine) message(st *stream, send bool, addr, n uint64, kind, peer int32, h uintptr) result {
	c := m.comms[h]
	if code := m.takes(c, st, kind); code != success {
		return code
	}
	if peer < 0 || int(peer) >= c.g.ranks || n > 1<<40 {
		return ncclInvalidArgument
	}
	bytes := int(n) * kindSizes[kind]
	pair := [2]int{int(peer), c.rank}
	o := &op{name: "receive", can: func() bool { return len(c.g.mail[pair]) > 0 }}
	if send {
		pair = [2]int{c.rank, int(peer)}
		o = &op{name: "send"}
	}
	o.run = func(context.Context) outcome {
		b, err := st.d.memory.Bytes(addr, bytes)
		if err != nil {
			return outcome{wrong: err.Error()}
		}
		if send {
			c.g.mail[pair] = append(c.g.mail[pair], append([]byte(nil), b...))
			return outcome{took: m.cost(float64(bytes), m.o.Rates.Memory)}
		}
		got := c.g.mail[pair][0]
		c.g.mail[pair] = c.g.mail[pair][1:]
		if len(got) != bytes {
			return outcome{wrong: fmt.Sprintf("%d bytes sent, %d to be received", len(got), bytes)}
		}
		copy(b, got)
		return outcome{took: m.cost(float64(bytes), m.o.Rates.Memory)}
	}
	m.put(c, st, o)
	return m.inProgress()
}

// collective queues what a rank brings to a collective, and what it gets.
func (m *Machine) collective(st *stream, name string, src, dst, n uint64, kind, which int32, h uintptr) result {
	c := m.comms[h]
	if code := m.takes(c, st, kind); code != success {
		return code
	}
	if n > 1<<40 || which < 0 || (name == "ncclBroadcast" && int(which) >= c.g.ranks) {
		return ncclInvalidArgument
	}
	g, rank, place := c.g, c.rank, c.next
	c.next++
	call := g.calls[place]
	if call == nil {
		call = &collective{name: name, parts: map[int][]byte{}, n: n, kind: kind, which: which}
		g.calls[place] = call
	}
	own := int(n) * kindSizes[kind]
	brings, gets := own, own
	switch name {
	case "ncclReduceScatter":
		brings *= g.ranks
	case "ncclAllGather":
		gets *= g.ranks
	}
	m.put(c, st, &op{name: name, run: func(context.Context) outcome {
		if call.name != name || call.n != n || call.kind != kind || call.which != which {
			return outcome{wrong: fmt.Sprintf("rank %d calls %s where another calls %s, or with other arguments", rank, name, call.name)}
		}
		call.parts[rank] = nil
		if name == "ncclBroadcast" && rank != int(which) {
			return outcome{}
		}
		b, err := st.d.memory.Bytes(src, brings)
		if err != nil {
			return outcome{wrong: err.Error()}
		}
		call.parts[rank] = append([]byte(nil), b...)
		return outcome{}
	}})
	m.put(c, st, &op{name: name, can: func() bool { return len(call.parts) == g.ranks }, run: func(context.Context) outcome {
		b, err := st.d.memory.Bytes(dst, gets)
		if err != nil {
			return outcome{wrong: err.Error()}
		}
		switch name {
		case "ncclBroadcast":
			copy(b, call.parts[int(which)])
		case "ncclAllGather":
			for r := range g.ranks {
				copy(b[r*own:], call.parts[r])
			}
		case "ncclAllReduce":
			call.reduce(b, 0, g.ranks)
		default:
			call.reduce(b, rank*own, g.ranks)
		}
		return outcome{took: m.cost(float64(gets), m.o.Rates.Memory)}
	}})
	return m.inProgress()
}

// reduce puts the elements of all ranks from a byte on together, in the order of ranks.
func (c *collective) reduce(out []byte, from, ranks int) {
	switch c.kind {
	case 0:
		reduce[int8](c, out, from, ranks)
	case 1:
		reduce[uint8](c, out, from, ranks)
	case 2:
		reduce[int32](c, out, from, ranks)
	case 3:
		reduce[uint32](c, out, from, ranks)
	case 4:
		reduce[int64](c, out, from, ranks)
	case 5:
		reduce[uint64](c, out, from, ranks)
	case 7:
		reduce[float32](c, out, from, ranks)
	case 8:
		reduce[float64](c, out, from, ranks)
	}
}

func reduce[T number](c *collective, out []byte, from, ranks int) {
	to := viewOf[T](out)
	copy(to, viewOf[T](c.parts[0][from:]))
	for r := 1; r < ranks; r++ {
		for i, v := range viewOf[T](c.parts[r][from:])[:len(to)] {
			switch c.which {
			case 0:
				to[i] += v
			case 1:
				to[i] *= v
			case 2:
				to[i] = max(to[i], v)
			case 3:
				to[i] = min(to[i], v)
			}
		}
	}
}

type number interface {
	~int8 | ~uint8 | ~int32 | ~uint32 | ~int64 | ~uint64 | ~float32 | ~float64
}

func viewOf[T any](b []byte) []T {
	var zero T
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/int(unsafe.Sizeof(zero)))
}
