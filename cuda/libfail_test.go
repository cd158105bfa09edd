package cuda_test

import (
	"context"
	"errors"
	"testing"

	"github.com/darray-go/darray/cuda"
	"github.com/darray-go/darray/cuda/fake"
	"github.com/darray-go/darray/internal/leak"
)

// libraries is what optional libraries are used for, from their opening to their closing.
func libraries(ctx context.Context, v *cuda.Driver, source string) (err error) {
	d, err := v.Open(0, cuda.Options{Stage: 64 << 10})
	if err != nil {
		return err
	}
	give := func(f func() error) { err = errors.Join(err, f()) }
	defer func() { give(d.Close) }()
	_, m, err := d.Kernel("add", source)
	if err != nil {
		return err
	}
	defer func() { give(m.Close) }()
	s, err := d.Stream()
	if err != nil {
		return err
	}
	defer func() { give(s.Close) }()
	b, err := s.Alloc(ctx, 64)
	if err != nil {
		return err
	}
	defer func() { give(b.Free) }()
	blas, err := d.BLAS()
	if err != nil {
		return err
	}
	defer func() { give(blas.Close) }()
	x := cuda.Matrix{Addr: b.Addr(), Stride: 1}
	if err := errors.Join(s.Fill(b, 0, 64, 0), blas.Dgemm(s, 1, 1, 1, 1, x, x, 0, x)); err != nil {
		return err
	}
	id, err := d.NewGroupID()
	if err != nil {
		return err
	}
	g, err := d.Join(ctx, id, 0, 1)
	if err != nil {
		return err
	}
	defer func() { give(g.Close) }()
	return errors.Join(
		g.Together(ctx, s, func() error { return g.AllReduce(s, b.Addr(), b.Addr(), 8, cuda.Float64, cuda.GroupSum) }),
		g.Sync(ctx, s))
}

// TestEveryLibraryCallFails is TestEveryCallFails for optional libraries.
func TestEveryLibraryCallFails(t *testing.T) {
	leak.Check(t)
	const source = "a source"
	for n := 0; ; n++ {
		v := must[*cuda.Driver](t)(cuda.Simulated(fake.Options{Seed: uint64(n), Sources: map[string]string{source: addText}}))
		m := v.Machine()
		before := len(m.Calls())
		if n > 0 {
			m.FailAt(n, 3)
		}
		err := libraries(t.Context(), v, source)
		calls := m.Calls()[before:]
		if left := m.Leaks(); len(left) > 0 {
			t.Errorf("call %d, %s, failed: left open: %v", n, calls[max(n-1, 0)], left)
		}
		_ = v.Close()
		if n > len(calls) {
			break
		}
		if (err == nil) != (n == 0) {
			t.Errorf("call %d, %s, failed: %v", n, calls[max(n-1, 0)], err)
		}
		if t.Failed() {
			break
		}
	}
}
