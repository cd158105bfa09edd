package bench

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/darray-go/darray/net/comm"
)

// window is how many messages of the bw case are in flight.
const window = 64

// workload is one case on one rank: what a batch repeats, and whether its result is right after at least one call.
type workload struct {
	call  func(ctx context.Context) error
	check func() bool
}

// memory is what the buffers of a case are made of: that which ranks of one host can share, where there is some.
type memory struct {
	c    *comm.Comm
	free []func()
}

func newBuffer[T comm.Elem](m *memory, n int) []T {
	xs := comm.Alloc[T](m.c, n)
	m.free = append(m.free, func() { comm.Free(m.c, xs) })
	clear(xs)
	return xs
}

func (m *memory) release() {
	for _, free := range m.free {
		free()
	}
}

// parseCase takes "allreduce:65536" apart.
func parseCase(name string) (op string, n int, err error) {
	op, text, _ := strings.Cut(name, ":")
	if n, err = strconv.Atoi(text); err != nil || n < 0 {
		return "", 0, fmt.Errorf("case %q: want an operation and its bytes (for add: elements), as in allreduce:65536", name)
	}
	return op, n, nil
}

// newWorkload prepares one case; rivals/osu.c says what each of them is, and does the same.
func newWorkload(m *memory, op string, n int) (workload, error) {
	switch op {
	case "pingpong":
		return pingpong(m, n), nil
	case "bw":
		return bandwidth(m, n), nil
	case "bcast":
		return bcast(m, n), nil
	case "allreduce":
		return allreduce(m, n), nil
	case "allgather":
		return allgather(m, n), nil
	case "alltoall":
		return alltoall(m, n), nil
	case "barrier":
		return workload{func(ctx context.Context) error { return comm.Barrier(ctx, m.c) }, func() bool { return true }}, nil
	case "add":
		return scatterAddGather(m, n), nil
	}
	return workload{}, fmt.Errorf("no case %q; there are %s", op, strings.Join(operations(), ", "))
}

// fill writes rank r's bytes, beginning with byte number from of them.
func fill(b []byte, from, r int) []byte {
	for i := range b {
		b[i] = byte((from+i)*7 + r)
	}
	return b
}

// filled reports whether b is what fill writes.
func filled(b []byte, from, r int) bool {
	for i := range b {
		if b[i] != byte((from+i)*7+r) {
			return false
		}
	}
	return true
}

func pingpong(m *memory, n int) workload {
	c := m.c
	out, in := fill(newBuffer[byte](m, n), 0, c.Rank()), newBuffer[byte](m, n)
	other := 1 - c.Rank()
	send := func(ctx context.Context) error { return comm.Send(ctx, c, other, 1, out) }
	recv := func(ctx context.Context) error {
		_, err := comm.Recv(ctx, c, other, 1, in)
		return err
	}
	call := func(ctx context.Context) error {
		first, second := send, recv
		switch c.Rank() {
		case 0:
		case 1:
			first, second = recv, send
		default:
			return nil
		}
		if err := first(ctx); err != nil {
			return err
		}
		return second(ctx)
	}
	return workload{call, func() bool { return c.Rank() > 1 || filled(in, 0, other) }}
}

func bandwidth(m *memory, n int) workload {
	c := m.c
	data, ack := newBuffer[byte](m, n*window), newBuffer[byte](m, 4)
	if c.Rank() == 0 {
		fill(data, 0, 0)
	}
	part := func(i int) []byte { return data[i*n : (i+1)*n] }
	call := func(ctx context.Context) error {
		switch c.Rank() {
		case 0:
			if err := inFlight(ctx, func(i int) *comm.Request { return comm.Isend(ctx, c, 1, 1, part(i)) }); err != nil {
				return err
			}
			_, err := comm.Recv(ctx, c, 1, 2, ack)
			return err
		case 1:
			if err := inFlight(ctx, func(i int) *comm.Request { return comm.Irecv(ctx, c, 0, 1, part(i)) }); err != nil {
				return err
			}
			return comm.Send(ctx, c, 0, 2, ack)
		}
		return nil
	}
	return workload{call, func() bool { return c.Rank() != 1 || filled(data, 0, 0) }}
}

// inFlight starts the messages of one window and waits for all of them.
func inFlight(ctx context.Context, start func(i int) *comm.Request) error {
	all := make([]*comm.Request, window)
	for i := range all {
		all[i] = start(i)
	}
	_, err := comm.WaitAll(ctx, all...)
	return err
}

func bcast(m *memory, n int) workload {
	c := m.c
	data, turn := fill(newBuffer[byte](m, n), 0, c.Rank()), 0
	call := func(ctx context.Context) error {
		root := turn % c.Size() // goes round, so that no call runs ahead of the one before
		turn++
		return comm.Bcast(ctx, c, root, data)
	}
	return workload{call, func() bool { return filled(data, 0, 0) }}
}

func allreduce(m *memory, n int) workload {
	c := m.c
	out, in := newBuffer[float64](m, n/8), newBuffer[float64](m, n/8)
	for i := range out {
		out[i] = float64((c.Rank() + 1) * (i % 1000))
	}
	call := func(ctx context.Context) error { return comm.AllreduceInto(ctx, c, comm.Sum[float64], in, out) }
	check := func() bool {
		for i, x := range in {
			if x != float64(c.Size()*(c.Size()+1)/2*(i%1000)) {
				return false
			}
		}
		return true
	}
	return workload{call, check}
}

func allgather(m *memory, n int) workload {
	c := m.c
	out, in := fill(newBuffer[byte](m, n), 0, c.Rank()), newBuffer[byte](m, n*c.Size())
	call := func(ctx context.Context) error { return comm.AllgatherInto(ctx, c, in, out) }
	check := func() bool {
		for r := range c.Size() {
			if !filled(in[r*n:(r+1)*n], 0, r) {
				return false
			}
		}
		return true
	}
	return workload{call, check}
}

func alltoall(m *memory, n int) workload {
	c := m.c
	out, in := fill(newBuffer[byte](m, n*c.Size()), 0, c.Rank()), newBuffer[byte](m, n*c.Size())
	call := func(ctx context.Context) error { return comm.AlltoallInto(ctx, c, in, out) }
	check := func() bool {
		for r := range c.Size() {
			if !filled(in[r*n:(r+1)*n], c.Rank()*n, r) {
				return false
			}
		}
		return true
	}
	return workload{call, check}
}

// scatterAddGather is the tutorial with n elements.
func scatterAddGather(m *memory, n int) workload {
	c := m.c
	var a, b, sum []float64
	if c.Rank() == 0 {
		a, b, sum = newBuffer[float64](m, n), newBuffer[float64](m, n), newBuffer[float64](m, n)
		for i := range a {
			a[i], b[i] = float64(i), 1
		}
	}
	own := n / c.Size()
	if c.Rank() < n%c.Size() {
		own++
	}
	x, y := newBuffer[float64](m, own), newBuffer[float64](m, own)
	call := func(ctx context.Context) error {
		if err := comm.ScatterInto(ctx, c, 0, x, a); err != nil {
			return err
		}
		if err := comm.ScatterInto(ctx, c, 0, y, b); err != nil {
			return err
		}
		for i := range x {
			x[i] += y[i]
		}
		return comm.GatherInto(ctx, c, 0, sum, x)
	}
	check := func() bool {
		for i, s := range sum {
			if s != float64(i+1) {
				return false
			}
		}
		return true
	}
	return workload{call, check}
}
