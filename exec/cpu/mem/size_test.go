package mem_test

import (
	"runtime"
	"testing"

	"github.com/darray-go/darray/exec/cpu/mem"
)

// TestSize: what a buffer counts for is what it was said to count for, little more than what was asked for, and no less than
// a smaller one does.
func TestSize(t *testing.T) {
	const gib = 1 << 30
	last := 0
	for n := 1; n < 64*gib; n += n/37 + 1 {
		size := mem.Size(n)
		if size < n || size < last || size > n+min(max(n/8, 2*mib), 64*mib) {
			t.Fatalf("%d bytes count for %d, the ones before for %d", n, size, last)
		}
		if mem.Size(size) != size {
			t.Errorf("%d bytes count for %d, those for %d", n, size, mem.Size(size))
		}
		last = size
	}
	p := mem.New(mem.Config{})
	defer p.Close()
	for _, n := range []int{1, mem.Pooled - 1, mem.Pooled, mem.Pooled + 1, mib, mib + 1, 15*mib + 1, 80_000_000, 2*gib + 1} { // never touched
		buf, _ := get(t, p, n)
		want := mem.Size(n)
		if n < mem.Pooled {
			want = 0 // the runtime's
		}
		if got := p.Stats().InUse; got != want {
			t.Errorf("%d bytes are %d in use, said to be %d", n, got, want)
		}
		p.Put(buf)
	}
}

// TestSizeNeverPanics: sizes that no machine has are refused elsewhere.
func TestSizeNeverPanics(t *testing.T) {
	for _, n := range []int{-1, 0, 1 << 46, 1<<46 + 1, 1<<62 + 1, 1<<63 - 1} {
		if size := mem.Size(n); size < n {
			t.Errorf("%d bytes count for %d", n, size)
		}
	}
}

// TestExactLimit: a pool may be as large as what is asked of it counts for, not a byte less.
func TestExactLimit(t *testing.T) {
	for _, n := range []int{mib + 1, 17*mib + 1, 33*mib + 1} {
		for less := range 2 {
			p := mem.New(mem.Config{Limit: mem.Size(n) - less})
			if _, _, err := p.Get(n); (err != nil) != (less > 0) {
				t.Errorf("%d bytes of %d: %v", n, mem.Size(n)-less, err)
			}
			p.Close()
		}
	}
}

// TestNotZeroed: the runtime does not write zeros over memory that it had before, which would take long where its pages are not
// there, and look at no context.
func TestNotZeroed(t *testing.T) {
	p := mem.New(mem.Config{Idle: -1}) // nothing is kept
	defer p.Close()
	for range 100 {
		buf, resident := get(t, p, 3*mib) // not given back to the system either
		if resident {
			t.Fatal("the pool kept a buffer")
		}
		for _, b := range buf {
			if b != 0 {
				return
			}
		}
		for i := range buf {
			buf[i] = 0xFF
		}
		p.Put(buf)
		buf = nil
		runtime.GC()
	}
	t.Error("of 100 buffers after one another all were zeros")
}
