package mem_test

import (
	"errors"
	"math"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/mem"
	"github.com/darray-go/darray/internal/leak"
)

const mib = 1 << 20

func get(t testing.TB, p *mem.Pool, n int) ([]byte, bool) {
	t.Helper()
	buf, resident, err := p.Get(n)
	if err != nil {
		t.Fatal(err)
	}
	if len(buf) != n || cap(buf) != n {
		t.Fatalf("Get(%d) has length %d and capacity %d", n, len(buf), cap(buf))
	}
	return buf, resident
}

// settled collects garbage until the pool has got back what nobody reaches: a stack may hold on to a slice for a while.
func settled(t testing.TB, p *mem.Pool, inUse int) {
	t.Helper()
	for range 100 {
		_ = p.Room(math.MaxInt) // cannot be, so it collects first where the pool has a limit
		runtime.GC()
		if p.Stats().InUse <= inUse {
			return
		}
		runtime.Gosched()
	}
	t.Fatalf("%d bytes are in use, want at most %d: %+v", p.Stats().InUse, inUse, p.Stats())
}

func TestGetAndPut(t *testing.T) {
	leak.Check(t)
	p := mem.New(mem.Config{})
	defer p.Close()
	for _, n := range []int{0, 1, 63, 1000, mem.Pooled - 1, mem.Pooled, mem.Pooled + 1, mib, 3*mib + 5, 4 * mib, 9*mib + 1, 40 * mib} {
		buf, resident := get(t, p, n)
		if resident {
			t.Errorf("%d bytes: fresh memory is said to be resident", n)
		}
		if n > 0 && mem.Address(buf)%array.Alignment != 0 {
			t.Errorf("%d bytes begin at %#x", n, mem.Address(buf))
		}
		if n >= 4*mib && mem.Address(buf)%(2*mib) != 0 {
			t.Errorf("%d bytes begin at %#x, which is no huge page", n, mem.Address(buf))
		}
		for _, at := range []int{0, n / 2, n - 1} {
			if n > 0 {
				buf[at] = 1
			}
		}
		at := mem.Address(buf)
		p.Put(buf)
		p.Put(buf) // is not in use any more: nothing happens
		if p.Stats().InUse != 0 {
			t.Errorf("%d bytes: %+v after Put", n, p.Stats())
		}
		if n < mem.Pooled {
			continue
		}
		again, resident := get(t, p, n)
		if !resident || mem.Address(again) != at {
			t.Errorf("%d bytes were not used again", n)
		}
		if s := p.Stats(); s.InUse < n || s.InUse > n+n/8+2*mib {
			t.Errorf("%d bytes count as %d in use", n, s.InUse)
		}
		p.Put(again[:n/2])
	}
	s := p.Stats()
	if s.Misses != s.Hits || s.Hits+s.Misses != s.Released || s.InUse != 0 || s.Free == 0 || s.Free > s.High {
		t.Errorf("%+v", s)
	}
	p.Trim()
	if after := p.Stats(); after.Free != 0 || after.Trimmed != s.Free {
		t.Errorf("%+v after Trim", after)
	}
	p.Put(make([]byte, mib)) // is not the pool's
	p.Put(nil)
	if p.Stats().Free != 0 {
		t.Error("the pool keeps what it never handed out")
	}
}

// TestSizesShareClasses: an array one element longer fits where the last one was.
func TestSizesShareClasses(t *testing.T) {
	p := mem.New(mem.Config{})
	defer p.Close()
	buf, _ := get(t, p, 80_000_000)
	p.Put(buf)
	if _, resident := get(t, p, 80_000_008); !resident {
		t.Error("8 bytes more are another class")
	}
}

func TestLimit(t *testing.T) {
	leak.Check(t)
	p := mem.New(mem.Config{Limit: 64 * mib})
	defer p.Close()
	mem.Recycle(p)
	check := func(err error, need, inUse int) {
		t.Helper()
		var over *mem.LimitError
		if !errors.Is(err, mem.ErrLimit) || !errors.As(err, &over) || over.Need != need || over.InUse != inUse || over.Limit != 64*mib {
			t.Errorf("got %v", err)
		}
	}
	_, _, err := p.Get(65 * mib)
	check(err, 65*mib, 0)
	check(p.Room(65*mib), 65*mib, 0)
	_, _, err = p.Get(math.MaxInt)
	check(err, math.MaxInt, 0)

	held, _ := get(t, p, 40*mib)
	if err := p.Room(24 * mib); err != nil {
		t.Error(err)
	}
	_, _, err = p.Get(32 * mib)
	check(err, 32*mib, 40*mib)
	other, _ := get(t, p, 16*mib)
	p.Put(other)
	if s := p.Stats(); s.Free != 16*mib {
		t.Errorf("%+v", s)
	}
	last, _ := get(t, p, 20*mib) // fits when the free 16 MiB are let go
	if s := p.Stats(); s.Free != 0 || s.InUse != 60*mib || s.High > 64*mib {
		t.Errorf("%+v", s)
	}
	runtime.KeepAlive(held)
	held = nil
	get(t, p, 40*mib) // a collection finds that the first one is not in use
	runtime.KeepAlive(last)
	if s := p.Stats(); s.High > 64*mib {
		t.Errorf("%+v", s)
	}
}

// TestIdle: what nobody asks for goes back to the system, what is in use stays, and then no timer runs.
func TestIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := mem.New(mem.Config{Idle: time.Second})
		var bufs [][]byte
		for range 4 {
			buf, _ := get(t, p, mib)
			bufs = append(bufs, buf)
		}
		for _, buf := range bufs {
			p.Put(buf)
		}
		for range 30 { // two of four are in use now and then
			<-time.After(300 * time.Millisecond)
			a, _ := get(t, p, mib)
			b, _ := get(t, p, mib)
			p.Put(a)
			p.Put(b)
		}
		if s := p.Stats(); s.Free != 2*mib || s.Misses != 4 {
			t.Errorf("in use: %+v", s)
		}
		<-time.After(3 * time.Second)
		if s := p.Stats(); s.Free != 0 || s.Trimmed != 4*mib {
			t.Errorf("after a rest: %+v", s)
		}
		late, _ := get(t, p, mib)
		<-time.After(10 * time.Second)
		p.Put(late) // nobody has asked for long: not kept
		if s := p.Stats(); s.Free != 0 || s.InUse != 0 {
			t.Errorf("late: %+v", s)
		}
		p.Close()
		p.Close()
		buf, _ := get(t, p, mib)
		p.Put(buf)
		if s := p.Stats(); s.Free != 0 {
			t.Errorf("closed: %+v", s)
		}
	})
}

func TestPoison(t *testing.T) {
	p := mem.New(mem.Config{Poison: true})
	defer p.Close()
	for _, n := range []int{1, 100, mib, mib} {
		buf, _ := get(t, p, n)
		for _, at := range []int{0, n / 2, n - 1} {
			if buf[at] != 0xAA {
				t.Errorf("byte %d of %d is %#x", at, n, buf[at])
			}
		}
		clear(buf)
		p.Put(buf)
	}
}

// TestConcurrency: nobody gets memory that another one has.
func TestConcurrency(t *testing.T) {
	leak.Check(t)
	p := mem.New(mem.Config{Limit: 256 * mib, Idle: time.Millisecond})
	defer p.Close()
	mem.Recycle(p)
	var all sync.WaitGroup
	for id := range byte(8) {
		all.Go(func() {
			for round := range 100 {
				n := 100_000 << (round % 4)
				buf, _, err := p.Get(n)
				if err != nil {
					t.Error(err)
					return
				}
				for i := 0; i < n; i += 4096 {
					buf[i] = id
				}
				runtime.Gosched()
				for i := 0; i < n; i += 4096 {
					if buf[i] != id {
						t.Errorf("goroutine %d reads what %d wrote", id, buf[i])
						return
					}
				}
				switch round % 8 {
				case 0: // dropped
				case 1:
					p.Trim()
				default:
					p.Put(buf)
				}
			}
		})
	}
	all.Wait()
	settled(t, p, 0)
}

// TestAllocator: Arrow builds its arrays over the pool and gives everything back.
func TestAllocator(t *testing.T) {
	leak.Check(t)
	p := mem.New(mem.Config{Poison: true, Limit: mib})
	defer p.Close()
	checked := memory.NewCheckedAllocator(mem.Allocator{Pool: p})
	build := func() arrow.Array {
		b := arrowarray.NewInt64Builder(checked)
		defer b.Release()
		for i := range 300_000 { // beyond the limit, which Arrow cannot be told
			b.Append(int64(i))
			if i%7 == 0 {
				b.AppendNull()
			}
		}
		return b.NewArray()
	}
	a, b := build(), build()
	if !arrowarray.Equal(a, b) || a.(*arrowarray.Int64).Value(8) != 7 || a.NullN() != 42858 {
		t.Errorf("%d nulls", a.NullN())
	}
	a.Release()
	b.Release()
	checked.AssertSize(t, 0)
	if s := p.Stats(); s.InUse != 0 || s.Released == 0 {
		t.Errorf("%+v", s)
	}

	alloc := mem.Allocator{Pool: p}
	for _, n := range []int{10, 100_000, mib} {
		buf := alloc.Allocate(n)
		for i := range buf {
			if buf[i] != 0 {
				t.Fatalf("byte %d of %d is %#x", i, n, buf[i])
			}
			buf[i] = 1
		}
		buf = alloc.Reallocate(n/2, buf)
		buf = alloc.Reallocate(2*n, buf)
		for i, v := range buf {
			if v != byte(min(1, max(0, n/2-i))) {
				t.Fatalf("byte %d of %d, grown from %d, is %#x", i, 2*n, n/2, v)
			}
		}
		alloc.Free(buf)
	}
	if s := p.Stats(); s.InUse != 0 {
		t.Errorf("%+v", s)
	}
}

func BenchmarkGet(b *testing.B) {
	p := mem.New(mem.Config{})
	defer p.Close()
	b.ReportAllocs()
	for b.Loop() {
		buf, _, err := p.Get(mib)
		if err != nil {
			b.Fatal(err)
		}
		p.Put(buf)
	}
}
