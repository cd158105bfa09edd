package cuda_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/darray-go/darray/cuda"
	"github.com/darray-go/darray/cuda/fake"
	"github.com/darray-go/darray/cuda/ptx"
	"github.com/darray-go/darray/internal/leak"
)

func TestAllocSizes(t *testing.T) {
	leak.Check(t)
	dev := open(t, fake.Options{}, cuda.Options{})
	for _, n := range []int{0, 1, 255, 256, 257, 2048, 2049, 4096, 4097, 1<<20 - 1, 1 << 20, 1<<20 + 1, 100_000_000} {
		before := dev.MemoryStats().InUse
		b := must[*cuda.Buffer](t)(dev.Alloc(t.Context(), n))
		room := dev.MemoryStats().InUse - before
		if b.Len() != n || b.Addr()%ptx.Padding != 0 || room%ptx.Padding != 0 || room < n || room > n+n/8+2*ptx.Padding {
			t.Errorf("%d bytes: Len %d at %#x with room for %d", n, b.Len(), b.Addr(), room)
		}
		check(t, b.Free())
		check(t, b.Free()) // nothing happens
	}
	if s := dev.MemoryStats(); s.InUse != 0 || s.Buffers != 0 || s.Cached != s.Peak-0 && s.Cached > s.Peak {
		t.Errorf("%+v after all was freed", s)
	}
	if _, err := dev.Alloc(t.Context(), -1); err == nil {
		t.Error("a buffer of -1 bytes")
	}
}

// TestReuse frees a buffer under work that uses it, and looks whether who gets it next disturbs that.
func TestReuse(t *testing.T) {
	seeds(t, 32, func(t *testing.T, seed uint64) {
		dev := open(t, fake.Options{Seed: seed}, cuda.Options{})
		ctx := t.Context()
		one := must[*cuda.Stream](t)(dev.Stream())
		two := must[*cuda.Stream](t)(dev.Stream())
		const n = 1 << 16
		got, other := make([]byte, n), make([]byte, n)
		a := must[*cuda.Buffer](t)(dev.Alloc(ctx, n))
		check(t, one.Fill(a, 0, n, 1))
		check(t, one.Download(ctx, got, a, 0))
		check(t, a.Free())
		b := must[*cuda.Buffer](t)(two.Alloc(ctx, n)) // a's memory, for which two waits
		check(t, two.Fill(b, 0, n, 2))
		check(t, two.Download(ctx, other, b, 0))
		c := must[*cuda.Buffer](t)(dev.Alloc(ctx, n)) // not a's, unless its work is over
		check(t, two.Sync(ctx))
		check(t, one.Sync(ctx))
		if b.Addr() != a.Addr() {
			t.Errorf("seed %d: the stream got other memory than was freed", seed)
		}
		if got[0] != 1 || got[n-1] != 1 || other[0] != 2 || other[n-1] != 2 {
			t.Fatalf("seed %d: %d and %d; 1 and 2 are wanted", seed, got[0], other[0])
		}
		check(t, errors.Join(b.Free(), c.Free(), one.Close(), two.Close()))
	})
}

// TestElsewhere uses a buffer that was allocated for one stream, and freed under work of another, first on a third.
func TestElsewhere(t *testing.T) {
	seeds(t, 16, func(t *testing.T, seed uint64) {
		dev := open(t, fake.Options{Seed: seed}, cuda.Options{})
		ctx := t.Context()
		const n = 1 << 12
		one := must[*cuda.Stream](t)(dev.Stream())
		two := must[*cuda.Stream](t)(dev.Stream())
		three := must[*cuda.Stream](t)(dev.Stream())
		got, other := make([]byte, n), make([]byte, n)
		a := must[*cuda.Buffer](t)(dev.Alloc(ctx, n))
		check(t, errors.Join(one.Fill(a, 0, n, 1), one.Download(ctx, got, a, 0), a.Free()))
		b := must[*cuda.Buffer](t)(two.Alloc(ctx, n))
		check(t, errors.Join(three.Upload(ctx, b, 0, bytes.Repeat([]byte{2}, n)), three.Download(ctx, other, b, 0)))
		check(t, errors.Join(three.Sync(ctx), one.Sync(ctx)))
		if a.Addr() != b.Addr() || got[n-1] != 1 || other[n-1] != 2 {
			t.Fatalf("%d and %d; 1 and 2 are wanted", got[n-1], other[n-1])
		}
		check(t, errors.Join(b.Free(), one.Close(), two.Close(), three.Close()))
	})
}

func TestOutOfMemory(t *testing.T) {
	leak.Check(t)
	for _, c := range []struct {
		name string
		f    fake.Options
		d    cuda.Options
	}{
		{"device", fake.Options{Memory: 1 << 20}, cuda.Options{}},
		{"limit", fake.Options{}, cuda.Options{Memory: 1 << 20}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dev := open(t, c.f, c.d)
			ctx := t.Context()
			s := must[*cuda.Stream](t)(dev.Stream())
			a := must[*cuda.Buffer](t)(dev.Alloc(ctx, 1<<19))
			b := must[*cuda.Buffer](t)(dev.Alloc(ctx, 1<<18))
			_, err := dev.Alloc(ctx, 1<<19)
			var e *cuda.MemoryError
			if !errors.Is(err, cuda.ErrOutOfMemory) || !errors.As(err, &e) || e.Asked != 1<<19 || e.InUse != 3<<18 || e.Cached != 0 {
				t.Fatalf("%v", err)
			}
			if !strings.Contains(err.Error(), "786432 in use here") {
				t.Errorf("%v", err)
			}
			// What is cached makes room, also where work has to be over first.
			check(t, s.Fill(a, 0, 1<<19, 3))
			check(t, a.Free())
			d := must[*cuda.Buffer](t)(dev.Alloc(ctx, 3<<18))
			check(t, errors.Join(b.Free(), d.Free(), s.Close()))
			check(t, dev.Trim())
			if s := dev.MemoryStats(); s.Cached != 0 || s.Allocations != 3 {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestCacheLimit(t *testing.T) {
	leak.Check(t)
	dev := open(t, fake.Options{}, cuda.Options{Cache: 1 << 20})
	var all []*cuda.Buffer
	for range 8 {
		all = append(all, must[*cuda.Buffer](t)(dev.Alloc(t.Context(), 1<<18)))
	}
	for _, b := range all {
		check(t, b.Free())
	}
	if s := dev.MemoryStats(); s.Cached > 1<<20 || s.Peak != 1<<21 {
		t.Errorf("%+v", s)
	}
}

// TestAllocEnds asks for memory that only work frees which never is over, since another device's rank never comes.
func TestAllocEnds(t *testing.T) {
	leak.Check(t)
	dev := open(t, fake.Options{Memory: 1 << 20, Seed: 1}, cuda.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	a := must[*cuda.Buffer](t)(dev.Alloc(ctx, 1<<19))
	cancel()
	began := time.Now()
	s := must[*cuda.Stream](t)(dev.Stream())
	for range 200 {
		check(t, s.Fill(a, 0, 1<<19, 3))
	}
	if err := s.Sync(ctx); !errors.Is(err, context.Canceled) || time.Since(began) > 5*time.Second {
		t.Errorf("%v", err)
	}
	check(t, errors.Join(a.Free(), s.Close()))
}

func TestPinned(t *testing.T) {
	seeds(t, 8, func(t *testing.T, seed uint64) {
		dev := open(t, fake.Options{Seed: seed}, cuda.Options{})
		ctx := t.Context()
		s := must[*cuda.Stream](t)(dev.Stream())
		host := dev.Pinned()
		const n = 100_000
		src, dst := host.Allocate(n), host.Allocate(n)
		if !dev.IsPinned(src) || !dev.IsPinned(src[5:17]) || dev.IsPinned(make([]byte, 8)) || len(src) != n {
			t.Fatal("pinned memory is not known")
		}
		if !bytes.Equal(src, make([]byte, n)) {
			t.Fatal("pinned memory is not zeroed")
		}
		copy(src, noise(seed, n))
		want := bytes.Clone(src)
		b := must[*cuda.Buffer](t)(dev.Alloc(ctx, n))
		check(t, s.Upload(ctx, b, 0, src))
		host.Free(src)            // the copy goes on
		again := host.Allocate(n) // hence not the same memory
		copy(again, noise(99, n)) // or this would be uploaded
		check(t, s.Download(ctx, dst, b, 0))
		check(t, s.Sync(ctx))
		if !bytes.Equal(want, dst) {
			t.Fatalf("seed %d: freed memory was used again under a copy", seed)
		}
		grown := host.Reallocate(2*n, dst)
		if !bytes.Equal(grown[:n], want) || !bytes.Equal(grown[n:], make([]byte, n)) {
			t.Fatal("grown memory has lost its bytes")
		}
		host.Free(grown)
		host.Free(again)
		if st := dev.PinnedStats(); st.InUse != 0 || st.Refused != 0 {
			t.Errorf("%+v", st)
		}
		check(t, errors.Join(b.Free(), s.Close()))
	})
}

func TestRegister(t *testing.T) {
	leak.Check(t)
	dev := open(t, fake.Options{}, cuda.Options{})
	ctx := t.Context()
	s := must[*cuda.Stream](t)(dev.Stream())
	src := noise(1, 1<<16)
	unregister := must[func() error](t)(dev.Register(src))
	if !dev.IsPinned(src) {
		t.Error("registered memory is not pinned")
	}
	if _, err := dev.Register(src[10:20]); err == nil {
		t.Error("memory was registered twice")
	}
	b := must[*cuda.Buffer](t)(dev.Alloc(ctx, len(src)))
	check(t, s.Upload(ctx, b, 0, src))
	check(t, unregister())
	check(t, unregister())
	clear(src)
	got := make([]byte, len(src))
	check(t, s.Download(ctx, got, b, 0))
	check(t, s.Sync(ctx))
	if !bytes.Equal(got, noise(1, 1<<16)) || dev.IsPinned(src) {
		t.Error("unregistered under a copy")
	}
	check(t, errors.Join(b.Free(), s.Close()))
}

// TestTogether uses a device from many goroutines, on whose threads no context is current.
func TestTogether(t *testing.T) {
	leak.Check(t)
	dev := open(t, fake.Options{}, cuda.Options{Stage: 64 << 10, Stages: 2})
	var wg sync.WaitGroup
	for g := range uint64(8) {
		wg.Go(func() {
			ctx := t.Context()
			s, err := dev.Stream()
			if err != nil {
				t.Error(err)
				return
			}
			for i := range uint64(6) {
				n := 10_000 + int(g*31_000+i)
				src, dst := noise(g*100+i, n), make([]byte, n)
				b, err := s.Alloc(ctx, n)
				if err == nil {
					err = errors.Join(s.Upload(ctx, b, 0, src), s.Download(ctx, dst, b, 0), b.Free(), s.Sync(ctx))
				}
				if err != nil || !bytes.Equal(src, dst) {
					t.Errorf("goroutine %d: %v, same bytes: %t", g, err, bytes.Equal(src, dst))
				}
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
