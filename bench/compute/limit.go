package compute

import (
	"fmt"

	"github.com/darray-go/darray/bench/stream"
	"github.com/darray-go/darray/bench/talk"
)

// machine is STREAM as a contender.
type machine struct {
	o      ServeOptions
	op     stream.Op
	arrays *stream.Arrays
}

func newLimit(o ServeOptions) (talk.Player, string, error) {
	how := "through the caches"
	if o.Past {
		how = "past the caches"
	}
	return &machine{o: o}, fmt.Sprintf("STREAM, stores %s, huge pages, %d threads: the machine's limit", how, o.Threads), nil
}

func (m *machine) Prepare(q talk.Question) error {
	if err := m.Free(); err != nil {
		return err
	}
	for _, op := range stream.Ops() {
		if string(op) == q.Kernel {
			m.op = op
		}
	}
	if m.op == "" || m.o.Past && !stream.Past() {
		return fmt.Errorf("%w: STREAM has no such %q on this machine", talk.ErrUnavailable, q.Kernel)
	}
	if k, _ := findKernel(q.Kernel); k.matrix || q.DType == float32s && q.N < 2 {
		return fmt.Errorf("%w: too small", talk.ErrUnavailable)
	}
	arrays, err := stream.NewArrays(max(1, q.N*sizeOf(q.DType)/8), m.o.Threads) // float32 as half as many float64: the bytes count
	m.arrays = arrays
	return err
}

// Play has nothing to check: STREAM's operands are its own, and its tests hold that it is right.
func (m *machine) Play(string) (call func() error, check func() ([]float64, error), err error) {
	if m.arrays == nil {
		return nil, nil, fmt.Errorf("%w: nothing is prepared", talk.ErrUnavailable)
	}
	call = func() error {
		m.arrays.Run(m.op, m.o.Past)
		return nil
	}
	return call, func() ([]float64, error) { return nil, nil }, nil
}

func (m *machine) Free() error {
	if m.arrays == nil {
		return nil
	}
	err := m.arrays.Free()
	m.op, m.arrays = "", nil
	return err
}
