package cuda_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/cuda"
	"github.com/darray-go/darray/cuda/fake"
	"github.com/darray-go/darray/internal/leak"
)

// life is all that a device is used for, from Open to Close. What it got it gives back, whatever fails.
func life(ctx context.Context, v *cuda.Driver) (err error) {
	d, err := v.Open(0, cuda.Options{Stage: 64 << 10, Stages: 2, Pinned: -1, Modules: -1})
	if err != nil {
		return err
	}
	give := func(f func() error) { err = errors.Join(err, f()) }
	defer give(d.Close)
	s, err := d.Stream()
	if err != nil {
		return err
	}
	defer func() { give(s.Close) }()
	e, err := d.Event(true)
	if err != nil {
		return err
	}
	defer func() { give(e.Close) }()
	m, err := d.Load(addText)
	if err != nil {
		return err
	}
	defer func() { give(m.Close) }()
	f, err := m.Func("add")
	if err != nil {
		return err
	}
	if _, err := f.Blocks(128, 0); err != nil {
		return err
	}
	const n = 2_000
	host := d.Pinned()
	src := host.Allocate(8 * n)
	defer host.Free(src)
	if !d.IsPinned(src) {
		return errors.New("ordinary memory")
	}
	x := array.View[float64](src)
	for i := range x {
		x[i] = float64(i)
	}
	reg := make([]byte, 8*n)
	unregister, err := d.Register(reg)
	if err != nil {
		return err
	}
	defer func() { give(unregister) }()
	var bufs [3]*cuda.Buffer
	for i := range bufs {
		if bufs[i], err = s.Alloc(ctx, 8*n); err != nil {
			return err
		}
		defer func() { give(bufs[i].Free) }()
	}
	out := make([]byte, 8*n)
	p, err := d.Pipeline(2)
	if err != nil {
		return err
	}
	defer func() { give(p.Close) }()
	if err := errors.Join(s.Upload(ctx, bufs[0], 0, src), s.Record(e), s.Sync(ctx)); err != nil {
		return err
	}
	err = p.Run(ctx, 3, cuda.Stages{
		Upload: func(ctx context.Context, s *cuda.Stream, _, _ int) error {
			return s.Upload(ctx, bufs[1], 0, array.Bytes(array.View[float64](src))) // pinned
		},
		Launch: func(_ context.Context, s *cuda.Stream, _, _ int) error {
			return f.Launch(s, cuda.Dim{(n + 127) / 128}, cuda.Dim{128}, 0, []uint64{n, bufs[0].Addr(), bufs[1].Addr(), bufs[2].Addr()})
		},
		Download: func(ctx context.Context, s *cuda.Stream, _, _ int) error {
			return errors.Join(s.Download(ctx, out, bufs[2], 0), s.Download(ctx, reg, bufs[2], 0))
		},
	})
	if err != nil {
		return err
	}
	for i, v := range array.View[float64](out) {
		if v != 2*float64(i) {
			return fmt.Errorf("element %d is %v", i, v)
		}
	}
	if string(out) != string(reg) {
		return errors.New("pinned and other memory differ")
	}
	return nil
}

// TestEveryCallFails lets each call of the driver fail, one a life: an error comes back, and nothing is left open.
func TestEveryCallFails(t *testing.T) {
	leak.Check(t)
	run := func(n, code int) (calls []string, err error) {
		v, err := cuda.Simulated(fake.Options{Seed: uint64(n)})
		if err != nil {
			t.Fatal(err)
		}
		m := v.Machine()
		before := len(m.Calls())
		if n > 0 {
			m.FailAt(n, code)
		}
		err = life(t.Context(), v)
		calls = m.Calls()[before:]
		if left := m.Leaks(); len(left) > 0 {
			t.Errorf("call %d, %s, failed: left open: %v", n, calls[max(n-1, 0)], left)
		}
		if f := m.Faults(); len(f) > 0 {
			t.Errorf("call %d, %s, failed: %v", n, calls[max(n-1, 0)], f)
		}
		_ = v.Close() // says the same
		return calls, err
	}
	calls, err := run(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("a life is %d calls", len(calls))
	for n := 1; ; n++ {
		made, err := run(n, []int{999, 2}[n%2]) // 2 is what memory that is short answers
		if n > len(made) {
			break // fewer calls than that
		}
		if err == nil {
			t.Errorf("call %d, %s, failed, and nobody said so", n, made[n-1])
		}
		if t.Failed() {
			break
		}
	}
}
