package sim_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/darray-go/darray/cuda/ptx/sim"
	"github.com/darray-go/darray/internal/leak"
)

func TestMemory(t *testing.T) {
	m := sim.NewMemory(1000)
	a, err := m.Alloc(600)
	if err != nil || a%512 != 0 {
		t.Fatal(a, err)
	}
	if _, err := m.Alloc(401); !errors.Is(err, sim.ErrOutOfMemory) || !strings.Contains(err.Error(), "401 bytes asked for, 600 of 1000 in use") {
		t.Error(err)
	}
	b, err := m.Alloc(400)
	if err != nil {
		t.Fatal(err)
	}
	if b < a+600+1<<16 {
		t.Errorf("allocations at %#x and %#x without a gap", a, b)
	}
	if m.InUse() != 1000 || !slices.Equal(m.Leaks(), []uint64{a, b}) {
		t.Error(m.InUse(), m.Leaks())
	}
	view, err := m.Bytes(a+100, 500)
	if err != nil || len(view) != 500 || cap(view) != 500 {
		t.Fatal(len(view), err)
	}
	if slices.Contains(view, 0) {
		t.Error("fresh memory is not poisoned")
	}
	view[0] = 7
	if again, err := m.Bytes(a+100, 1); err != nil || again[0] != 7 {
		t.Error("Bytes is no view")
	}
	for _, c := range []struct {
		addr uint64
		n    int
		want string
	}{
		{a + 100, 501, "1 of them behind the end of the allocation of 600 bytes"},
		{a - 8, 4, "8 bytes before the allocation of 600 bytes"},
		{a + 650, 4, "50 bytes behind the end of the allocation of 600 bytes"},
		{b - 1, 4, "1 bytes before the allocation of 400 bytes"},
		{0, 1, "before the allocation of 600"},
		{^uint64(0), 1, "behind the end of the allocation of 400"},
		{a, -1, "-1 bytes asked for"},
	} {
		if _, err := m.Bytes(c.addr, c.n); !errors.Is(err, sim.ErrAddress) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%d bytes at %#x: %v, want %q", c.n, c.addr, err, c.want)
		}
	}
	for _, addr := range []uint64{a + 1, 0, b + 400} {
		if err := m.Free(addr); !errors.Is(err, sim.ErrNotOwned) {
			t.Errorf("free of %#x: %v", addr, err)
		}
	}
	if err := m.Free(a); err != nil {
		t.Fatal(err)
	}
	c, err := m.Alloc(600)
	if err != nil || c == a {
		t.Errorf("freed address %#x came back: %#x, %v", a, c, err)
	}
	if _, err := m.Bytes(a, 1); !errors.Is(err, sim.ErrFreed) {
		t.Error(err)
	}
	for _, n := range []int{0, -5} {
		if _, err := m.Alloc(n); err == nil {
			t.Errorf("%d bytes", n)
		}
	}
	if err := errors.Join(m.Free(b), m.Free(c)); err != nil || m.InUse() != 0 || m.Leaks() != nil {
		t.Error(err, m.InUse(), m.Leaks())
	}
}

// TestMemoryForgets holds that freed allocations do not pile up, and that the newest are remembered.
func TestMemoryForgets(t *testing.T) {
	m := sim.NewMemory(1 << 20)
	keep, err := m.Alloc(8)
	if err != nil {
		t.Fatal(err)
	}
	var last uint64
	for range 20000 {
		if last, err = m.Alloc(8); err != nil {
			t.Fatal(err)
		}
		if err := m.Free(last); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := m.Bytes(last, 8); !errors.Is(err, sim.ErrFreed) {
		t.Error(err)
	}
	if _, err := m.Bytes(keep, 8); err != nil {
		t.Error(err)
	}
}

func TestInstances(t *testing.T) {
	d := load(t, header+`.global .align 16 .u16 list[5] = {1, 0xffff, -1}; .const .f64 pi = 0d400921FB54442D18; .global .b64 where = list+4;
.visible .global .b64 pair[2] = {generic(pi), 7}; .global .b8 room[100];
.visible .entry k(.param .u64 p) { .reg .b64 %x<5>; .reg .f64 %d; ld.param.u64 %x0, [p]; ld.global.u64 %x1, [pair]; ld.f64 %d, [%x1]; st.global.f64 [%x0], %d;
ld.global.u64 %x2, [where]; ld.global.u16 %x3, [%x2]; st.global.u64 [%x0+8], %x3; ret; }`)
	second, err := d.m.Load(d.mem)
	if err != nil {
		t.Fatal(err)
	}
	out := d.words(8, 0, 0)
	d.run("k", 1, 1, out)
	equal(t, "out", d.read(out, 8, 2), []uint64{0x400921FB54442D18, 0xffff})
	list, size, err := d.in.Global("list")
	if err != nil || size != 10 {
		t.Fatal(size, err)
	}
	equal(t, "list", d.read(list, 2, 5), []uint64{1, 0xffff, 0xffff, 0, 0})
	other, _, err := second.Global("list")
	if err != nil || other == list {
		t.Error("two instances share a variable", err)
	}
	if err := d.mem.Free(list); !errors.Is(err, sim.ErrNotOwned) {
		t.Errorf("free of a variable: %v", err)
	}
	if _, _, err := d.in.Global("nothing"); !errors.Is(err, sim.ErrNotOwned) {
		t.Error(err)
	}
	if err := errors.Join(d.in.Unload(), second.Unload()); err != nil {
		t.Fatal(err)
	}
	if _, err := d.launch("k", sim.Launch{}, 1, 1, out); !errors.Is(err, sim.ErrLaunch) {
		t.Error(err)
	}
	if err := d.mem.Free(out); err != nil || d.mem.InUse() != 0 {
		t.Error(err, d.mem.InUse())
	}
	if _, err := d.m.Kernel("nothing"); !errors.Is(err, sim.ErrNoKernel) {
		t.Error(err)
	}
	if _, err := d.m.Load(sim.NewMemory(64)); !errors.Is(err, sim.ErrOutOfMemory) {
		t.Error(err)
	}
}

func TestKernelSays(t *testing.T) {
	m := parse(t, header+`.shared .align 8 .b8 far[32];
.visible .entry k(.param .u8 a, .param .u64 .ptr .global .align 4 b, .param .align 4 .b8 c[6], .param .f32 d) .maxntid 64, 2 .minnctapersm 3 {
.reg .b32 %r<100>; .shared .b32 s[3]; .local .b64 v; st.shared.u32 [far], 1; st.shared.u32 [s+8], 2; mov.u32 %r5, 1; ret; }`)
	k, err := m.Kernel("k")
	if err != nil {
		t.Fatal(err)
	}
	want := []sim.Param{{"a", 1, 1, 0}, {"b", 8, 8, 8}, {"c", 6, 4, 16}, {"d", 4, 4, 24}}
	if !slices.Equal(k.Params(), want) {
		t.Error(k.Params())
	}
	if k.SharedBytes() != 44 || k.LocalBytes() != 8 || k.Registers() != 1 || k.MaxThreads() != [3]int{64, 2, 1} {
		t.Error(k.SharedBytes(), k.LocalBytes(), k.Registers(), k.MaxThreads())
	}
	d := load(t, header+".entry k() .reqntid 32 { ret; }")
	if _, err := d.launch("k", sim.Launch{}, 1, 16); !errors.Is(err, sim.ErrLaunch) {
		t.Error(err)
	}
	if _, err := d.launch("k", sim.Launch{}, 1, 32); err != nil {
		t.Error(err)
	}
}

// TestConcurrentLaunches runs kernels of one memory from several goroutines, with allocations beside them.
func TestConcurrentLaunches(t *testing.T) {
	leak.Check(t)
	d := load(t, elementwise)
	k, err := d.m.Kernel("f")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		x, y, o := d.words(8, make([]uint64, 500)...), d.words(8, make([]uint64, 500)...), d.words(8, make([]uint64, 500)...)
		wg.Go(func() {
			for range 5 {
				params, err := k.Pack(500, x, y, o)
				if err != nil {
					t.Error(err)
				}
				if _, err := d.in.Launch(t.Context(), k, sim.Launch{Grid: [3]uint32{3}, Block: [3]uint32{64}, Params: params}); err != nil {
					t.Error(err)
				}
				p, err := d.mem.Alloc(100)
				if err == nil {
					err = d.mem.Free(p)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
