package mem_test

import (
	"runtime"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/mem"
	"github.com/darray-go/darray/internal/leak"
)

// TestDropped: the runtime gives back what its user drops, and not before the last slice of it is gone.
func TestDropped(t *testing.T) {
	leak.Check(t)
	p := mem.New(mem.Config{})
	defer p.Close()
	mem.Recycle(p)
	for round := range 3 {
		view := func() []float64 {
			buf, resident := get(t, p, 8*mib)
			if resident != (round > 0) {
				t.Errorf("round %d: resident %t", round, resident)
			}
			b, err := array.WrapBlock(array.Float64, mib, 0, buf, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			values, err := array.Values[float64](b)
			if err != nil {
				t.Fatal(err)
			}
			return values[mib/2 : mib/2+1]
		}()
		view[0] = 42
		for range 3 {
			runtime.GC()
		}
		if s := p.Stats(); s.Recycled != round || s.Free != 0 {
			t.Fatalf("round %d: a buffer came back while a slice of it was in use: %+v", round, s)
		}
		if view[0] != 42 {
			t.Errorf("reads %v", view[0])
		}
		runtime.KeepAlive(view)
		view = nil
		settled(t, p, 0)
		if s := p.Stats(); s.Recycled != round+1 || s.Free != 8*mib {
			t.Errorf("round %d: %+v", round, s)
		}
	}
	if s := p.Stats(); s.Misses != 1 || s.Hits != 2 {
		t.Errorf("%+v", s)
	}
}

// TestArrowKeepsMemory: a block's Arrow array is a user too.
func TestArrowKeepsMemory(t *testing.T) {
	p := mem.New(mem.Config{})
	defer p.Close()
	mem.Recycle(p)
	a := func() arrow.Array {
		buf, _ := get(t, p, 8*mib)
		clear(buf)
		b, err := array.WrapBlock(array.Int64, mib, 0, buf, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		return b.Slice(10, 20).Arrow()
	}()
	for range 3 {
		runtime.GC()
	}
	if s := p.Stats(); s.Recycled != 0 {
		t.Fatalf("%+v", s)
	}
	if v := a.(*arrowarray.Int64).Value(3); v != 0 {
		t.Errorf("reads %d", v)
	}
	runtime.KeepAlive(a)
	a = nil
	settled(t, p, 0)
}

// TestNextResults is the loop a = a + b of large arrays: some buffers are enough for all rounds.
func TestNextResults(t *testing.T) {
	p := mem.New(mem.Config{})
	defer p.Close()
	mem.Recycle(p)
	const rounds = 40
	a, _ := get(t, p, 80_000_000)
	a[0] = 0 // what a new buffer has is not said
	for range rounds {
		next, _ := get(t, p, 80_000_000)
		next[0] = a[0] + 1
		a = next
	}
	s := p.Stats()
	if a[0] != rounds {
		t.Errorf("reads %d", a[0])
	}
	if s.Misses > 5 || s.GCs > rounds || s.GCs == 0 {
		t.Errorf("%+v", s)
	}
	t.Logf("%+v", s)
}

// TestHeldResults: a user who keeps everything does not pay for collections that bring nothing.
func TestHeldResults(t *testing.T) {
	p := mem.New(mem.Config{})
	defer p.Close()
	var all [][]byte
	for range 200 {
		buf, _ := get(t, p, 40*mib) // never touched
		all = append(all, buf)
	}
	if s := p.Stats(); s.GCs > 8 || s.Misses != 200 {
		t.Errorf("%+v", s)
	}
	runtime.KeepAlive(all)
}

// TestManySmall: results far below the size of a cycle cause few collections.
func TestManySmall(t *testing.T) {
	p := mem.New(mem.Config{})
	defer p.Close()
	mem.Recycle(p)
	const rounds = 20_000
	for range rounds {
		buf, _ := get(t, p, 100_000)
		buf[0] = 1
	}
	if s := p.Stats(); s.GCs > 2*rounds*100_000/(32*mib)+2 || s.Misses > rounds/2 {
		t.Errorf("%+v", s)
	}
	t.Logf("%+v", p.Stats())
}
