package compute

import (
	"fmt"

	"github.com/darray-go/darray/bench/stream"
)

// machine is STREAM as a contender.
type machine struct {
	o      ServeOptions
	op     stream.Op
	arrays *stream.Arrays
}

func newLimit(o ServeOptions) (player, string, error) {
	how := "through the caches"
	if o.Past {
		how = "past the caches"
	}
	return &machine{o: o}, fmt.Sprintf("STREAM, stores %s, huge pages, %d threads: the machine's limit", how, o.Threads), nil
}

func (m *machine) prepare(q question) error {
	if err := m.free(); err != nil {
		return err
	}
	for _, op := range stream.Ops() {
		if string(op) == q.Kernel {
			m.op = op
		}
	}
	if m.op == "" || m.o.Past && !stream.Past() {
		return fmt.Errorf("%w: STREAM has no such %q on this machine", errUnavailable, q.Kernel)
	}
	if k, _ := findKernel(q.Kernel); k.matrix || q.DType == float32s && q.N < 2 {
		return fmt.Errorf("%w: too small", errUnavailable)
	}
	arrays, err := stream.NewArrays(max(1, q.N*sizeOf(q.DType)/8), m.o.Threads) // float32 as half as many float64: the bytes count
	m.arrays = arrays
	return err
}

// play has nothing to check: STREAM's operands are its own, and its tests hold that it is right.
func (m *machine) play(string) (call func() error, check func() ([]float64, error), err error) {
	if m.arrays == nil {
		return nil, nil, fmt.Errorf("%w: nothing is prepared", errUnavailable)
	}
	call = func() error {
		m.arrays.Run(m.op, m.o.Past)
		return nil
	}
	return call, func() ([]float64, error) { return nil, nil }, nil
}

func (m *machine) free() error {
	if m.arrays == nil {
		return nil
	}
	err := m.arrays.Free()
	m.op, m.arrays = "", nil
	return err
}
