package sim_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/darray-go/darray/cuda/ptx/sim"
	"github.com/darray-go/darray/internal/leak"
)

// entry wraps statements in a kernel k(p) with registers of every size, %t the thread's number.
func entry(body string) string {
	return header + `.visible .entry k(.param .u64 p) {
.reg .pred %p<8>; .reg .b16 %h<8>; .reg .b32 %r<16>, %t; .reg .b64 %x<16>; .reg .f32 %f<4>; .reg .f64 %d<8>;
.shared .align 8 .b8 s[1024];
ld.param.u64 %x0, [p]; mov.u32 %t, %tid.x;
` + body + "\nret; }\n"
}

// fault runs a kernel on a buffer of 256 bytes and returns what it is stopped by.
func fault(t *testing.T, text string, l sim.Launch, grid, block uint32) *sim.Fault {
	t.Helper()
	d := load(t, text)
	_, err := d.launch("k", l, grid, block, d.words(8, make([]uint64, 32)...))
	var f *sim.Fault
	if !errors.As(err, &f) {
		t.Fatalf("no fault, but %v", err)
	}
	return f
}

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		name, body string
		kind       error
		launch     sim.Launch
		grid       uint32
		block      uint32
		thread     uint32
		want       string
	}{
		{
			"behind the end", "mul.wide.u32 %x1, %t, 8; add.u64 %x1, %x1, %x0; ld.global.f64 %d0, [%x1];",
			sim.ErrAddress,
			sim.Launch{},
			1, 64, 32, "reads 8 bytes at 0x700000020100: 0 bytes behind the end of the allocation of 256 bytes at 0x700000020000",
		},
		{"before", "st.global.u32 [%x0+-16], 1;", sim.ErrAddress, sim.Launch{}, 1, 1, 0, "16 bytes before the allocation of 256 bytes"},
		{"straddles", "ld.global.v2.u64 {%x1, %x2}, [%x0+256];", sim.ErrAddress, sim.Launch{}, 1, 1, 0, "0 bytes behind the end"},
		{"null", "mov.u64 %x1, 0; st.u64 [%x1+8], %x0;", sim.ErrAddress, sim.Launch{}, 1, 1, 0, "writes 8 bytes at 0x8"},
		{"misaligned", "ld.global.u32 %r0, [%x0+2];", sim.ErrMisaligned, sim.Launch{}, 1, 1, 0, "no multiple of 4"},
		{"misaligned vector", "ld.global.v2.u64 {%x1, %x2}, [%x0+8];", sim.ErrMisaligned, sim.Launch{}, 1, 1, 0, "no multiple of 16"},
		{"shared", "mov.u32 %r0, s; ld.shared.u32 %r1, [%r0+1024];", sim.ErrAddress, sim.Launch{}, 1, 1, 0, "4 bytes behind the end of shared memory of 1024 bytes"},
		{"shared null", "mov.u32 %r0, 0; st.shared.u32 [%r0], 1; st.shared.u32 [s], 1;", sim.ErrAddress, sim.Launch{}, 1, 1, 0, "bytes before shared memory"},
		{"shared as generic", "mov.u64 %x1, s; cvta.shared.u64 %x1, %x1; st.u32 [%x1+4096], 1;", sim.ErrAddress, sim.Launch{}, 1, 1, 0, "behind the end of shared memory"},
		{"shared as global", "mov.u64 %x1, s; st.global.u32 [%x1], 1;", sim.ErrAddress, sim.Launch{}, 1, 1, 0, "writes 4 bytes at 0x400"},
		{"local", ".local .b32 v[4]; mov.u32 %r0, v; ld.local.u32 %r1, [%r0+16];", sim.ErrAddress, sim.Launch{}, 1, 1, 0, "local memory"},
		{"parameters", "mov.u64 %x1, p; ld.param.u64 %x2, [%x1+8];", sim.ErrAddress, sim.Launch{}, 1, 1, 0, "8 bytes behind the end of the parameters of 8 bytes"},
		{"register", "add.u32 %r1, %r2, 1;", sim.ErrUnwritten, sim.Launch{}, 1, 32, 0, "register %r2 was never written"},
		{
			"register on one path", "setp.lt.u32 %p0, %t, 7; @%p0 bra L; mov.u32 %r2, 1; L: mov.u32 %r1, %r2;",
			sim.ErrUnwritten,
			sim.Launch{},
			1, 32, 0, "register %r2",
		},
		{
			"register under a guard", "setp.ge.u32 %p0, %t, 3; @!%p0 mov.u32 %r2, 1; @%p0 mov.u32 %r2, 2; setp.lt.u32 %p1, %t, 2; @%p1 mov.u32 %r3, 1; mov.u32 %r1, %r2; mov.u32 %r1, %r3;",
			sim.ErrUnwritten,
			sim.Launch{},
			1, 32, 2, "register %r3",
		},
		{"register of another block", "mov.u32 %r0, %ctaid.x; setp.eq.u32 %p0, %r0, 0; @%p0 mov.u32 %r1, 0; mov.u32 %r2, %r1;", sim.ErrUnwritten, sim.Launch{}, 2, 1, 0, "%r1"},
		{"carry", "addc.u32 %r0, 1, 2;", sim.ErrUnwritten, sim.Launch{}, 1, 1, 0, "CC.CF"},
		{"shared never written", "ld.shared.u32 %r0, [s+4];", sim.ErrUnwritten, sim.Launch{Unwritten: true}, 1, 1, 0, "no thread of the block wrote"},
		{"barrier and end", "setp.lt.u32 %p0, %t, 32; @%p0 bra L; ret; L: bar.sync 0;", sim.ErrBarrier, sim.Launch{}, 1, 64, 0, "32 of the 64 threads of the block wait at barrier 0; thread (32,0,0) has ended"},
		{"barrier within a warp", "setp.lt.u32 %p0, %t, 16; @%p0 bra L; bra M; L: bar.sync 0; M: ret;", sim.ErrBarrier, sim.Launch{}, 1, 32, 0, "do not come to the barrier together"},
		{"two barriers in a warp", "setp.lt.u32 %p0, %t, 16; @%p0 bra L; bar.sync 0; bra M; L: bar.sync 0; M: ret;", sim.ErrBarrier, sim.Launch{}, 1, 32, 16, "do not come to the barrier together"},
		{"two numbers", "setp.lt.u32 %p0, %t, 32; @%p0 bra L; bar.sync 0; bra M; L: bar.sync 1; M: ret;", sim.ErrBarrier, sim.Launch{}, 1, 64, 32, "waits at line"},
		{"barrier number", "bar.sync 16;", sim.ErrBarrier, sim.Launch{}, 1, 32, 0, "below 16"},
		{"barrier threads", "bar.sync 1, 48;", sim.ErrBarrier, sim.Launch{}, 1, 64, 0, "a multiple of 32"},
		{"barrier of part", "bar.sync 1, 32;", sim.ErrBarrier, sim.Launch{}, 1, 64, 0, "64 threads at barrier 1 for 32"},
		{"shuffle mask", "shfl.sync.down.b32 %r0, %t, 1, 31, 0xffff;", sim.ErrWarp, sim.Launch{}, 1, 32, 16, "not in its own member mask 0x0000ffff"},
		{"shuffle missing", "setp.lt.u32 %p0, %t, 5; @%p0 shfl.sync.down.b32 %r0, %t, 1, 31, -1;", sim.ErrWarp, sim.Launch{}, 1, 32, 4, "reads a register of thread (5,0,0), which takes no part"},
		{"shuffle from outside", "setp.lt.u32 %p0, %t, 5; @%p0 shfl.sync.down.b32 %r0, %t, 1, 31, 0x1f;", sim.ErrWarp, sim.Launch{}, 1, 32, 4, "reads a register of thread (5,0,0), which takes no part"},
		{"vote masks", "and.b32 %r1, %t, 1; sub.u32 %r1, 0, %r1; or.b32 %r1, %r1, 0x7fffffff; setp.eq.u32 %p0, %t, 0; vote.sync.any.pred %p1, %p0, %r1;", sim.ErrWarp, sim.Launch{}, 1, 8, 1, "has 0x7fffffff"},
		{"race write and read", "mul.lo.u32 %r0, %t, 4; mov.u32 %r1, s; add.u32 %r0, %r0, %r1; st.shared.u32 [%r0], %t; ld.shared.u32 %r2, [%r0+4];", sim.ErrRace, sim.Launch{}, 1, 64, 0, "reads shared memory at 0x404, which thread (1,0,0) wrote with no barrier between"},
		{"race two writes", "st.shared.u32 [s], %t;", sim.ErrRace, sim.Launch{}, 1, 2, 1, "writes shared memory at 0x400, which thread (0,0,0) wrote"},
		{"race across warps", "mul.lo.u32 %r0, %t, 4; mov.u32 %r1, s; add.u32 %r0, %r0, %r1; st.shared.u32 [%r0], %t; bar.warp.sync -1; ld.shared.u32 %r2, [%r0+4];", sim.ErrRace, sim.Launch{}, 1, 64, 31, "thread (32,0,0) wrote"},
		{"race read, then write", "setp.lt.u32 %p0, %t, 9; @%p0 ld.shared.u32 %r0, [s]; @!%p0 st.shared.u32 [s], 1;", sim.ErrRace, sim.Launch{}, 1, 10, 9, "writes shared memory at 0x400, which thread (8,0,0) read"},
		{"race atomic and plain", "atom.shared.add.u32 %r0, [s], 1; ld.shared.u32 %r1, [s];", sim.ErrRace, sim.Launch{}, 1, 2, 0, "thread (1,0,0) wrote"},
		{"race in global memory", "st.global.u32 [%x0], %t;", sim.ErrRace, sim.Launch{Races: true}, 1, 33, 1, "thread (0,0,0) of the same block wrote"},
		{"race between blocks", "mov.u32 %r0, %ctaid.x; setp.eq.u32 %p0, %r0, 1; @%p0 ld.global.u32 %r1, [%x0]; @!%p0 st.global.u32 [%x0], 5;", sim.ErrRace, sim.Launch{Races: true}, 2, 1, 0, "of block (0,0,0) wrote"},
		{"race between blocks, read first", "mov.u32 %r0, %ctaid.x; setp.eq.u32 %p0, %r0, 0; @%p0 ld.global.u32 %r1, [%x0]; @!%p0 st.global.u32 [%x0], 5;", sim.ErrRace, sim.Launch{Races: true}, 2, 1, 0, "of block (0,0,0) read"},
		{"nc after a write", "st.global.u32 [%x0], 1; ld.global.nc.u32 %r0, [%x0];", sim.ErrRace, sim.Launch{Races: true}, 1, 1, 0, "both writes and reads by ld.nc"},
		{"nc before a write", "ld.global.nc.u64 %x1, [%x0]; bar.sync 0; st.global.u32 [%x0+4], 1;", sim.ErrRace, sim.Launch{Races: true}, 1, 1, 0, "both writes and reads by ld.nc"},
		{"uniform branch", "setp.lt.u32 %p0, %t, 40; @%p0 bra.uni L; L: ret;", sim.ErrWarp, sim.Launch{}, 1, 64, 32, "bra.uni, but thread (40,0,0)"},
		{"shuffle and barrier", "setp.lt.u32 %p0, %t, 16; @%p0 bra L; shfl.sync.idx.b32 %r0, %t, 0, 31, -1; bra M; L: bar.sync 0; M: ret;", sim.ErrWarp, sim.Launch{}, 1, 32, 16, "waits for the threads of its member mask; thread (0,0,0) waits at line 9"},
		{"barrier numbers differ", "shr.u32 %r0, %t, 5; bar.sync %r0;", sim.ErrBarrier, sim.Launch{}, 1, 64, 32, "with different numbers"},
		{"local as generic", ".local .b64 v; cvta.local.u64 %x1, v; ld.u64 %x2, [%x1+8];", sim.ErrAddress, sim.Launch{}, 1, 1, 0, "the thread's local memory of 8 bytes"},
		{"no local memory", "mov.u64 %x1, 256; ld.local.u64 %x2, [%x1];", sim.ErrAddress, sim.Launch{}, 1, 1, 0, "there is none of the thread's local memory"},
		{"immediate address", "ld.global.u32 %r0, [64];", sim.ErrAddress, sim.Launch{}, 1, 1, 0, "reads 4 bytes at 0x40"},
		{"budget", "L: bra L;", sim.ErrBudget, sim.Launch{Budget: 100000}, 1, 32, 0, "budget of"},
		{"trap", "setp.eq.u32 %p0, %t, 3; @%p0 trap;", sim.ErrTrap, sim.Launch{}, 1, 32, 3, "stops itself"},
		{"table", "T: .branchtargets A, B; brx.idx %t, T; A: B:", sim.ErrAddress, sim.Launch{}, 1, 32, 2, "branch 2 of a table of 2"},
		{"store to const", "cvta.const.u64 %x1, c; st.u32 [%x1], 1;", sim.ErrAddress, sim.Launch{}, 1, 1, 0, "which is const memory: variable c of 16 bytes"},
		{"const as global", "cvta.const.u64 %x1, c; ld.global.u32 %r1, [%x1];", sim.ErrAddress, sim.Launch{}, 1, 1, 0, "as global memory"},
		{"too many threads", "", sim.ErrLaunch, sim.Launch{}, 1, 1025, 0, "more than 1024 threads"},
		{"too deep", "", sim.ErrLaunch, sim.Launch{Block: [3]uint32{0, 1, 65}}, 1, 1, 0, "deeper than 64"},
		{"grid", "", sim.ErrLaunch, sim.Launch{Grid: [3]uint32{0, 65536, 1}}, 1, 1, 0, "the limits are 2147483647, 65535 and 65535"},
		{"shared memory", "", sim.ErrLaunch, sim.Launch{Shared: 48 << 10}, 1, 1, 0, "49152 are the limit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := c.body
			if c.name == "shared memory" {
				body = "st.shared.u32 [s], 1;"
			}
			text := strings.Replace(entry(body), ".visible", ".const .align 4 .b32 c[4] = {1, 2, 3, 4};\n.visible", 1)
			f := fault(t, text, c.launch, c.grid, c.block)
			if !errors.Is(f, c.kind) || !strings.Contains(f.Error(), c.want) || f.Kernel != "k" {
				t.Errorf("%v, want %v with %q", f, c.kind, c.want)
			}
			if f.Thread != [3]uint32{c.thread} {
				t.Errorf("thread %v, want %d: %v", f.Thread, c.thread, f)
			}
			if c.kind != sim.ErrLaunch && f.Line < 9 {
				t.Errorf("line %d", f.Line)
			}
		})
	}
}

func TestUseAfterFree(t *testing.T) {
	d := load(t, entry("st.global.u64 [%x0], 1;"))
	p := d.words(8, 1)
	d.run("k", 1, 1, p)
	if err := d.mem.Free(p); err != nil {
		t.Fatal(err)
	}
	_, err := d.launch("k", sim.Launch{}, 1, 1, p)
	if !errors.Is(err, sim.ErrFreed) || !strings.Contains(err.Error(), "which was freed") {
		t.Error(err)
	}
	if err := d.mem.Free(p); !errors.Is(err, sim.ErrFreed) {
		t.Error(err)
	}
	if _, err := d.mem.Bytes(p, 8); !errors.Is(err, sim.ErrFreed) {
		t.Error(err)
	}
}

func TestContextEndsALaunch(t *testing.T) {
	leak.Check(t)
	d := load(t, entry("L: bra L;"))
	ctx, cancel := context.WithCancel(t.Context())
	k, err := d.m.Kernel("k")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		_, err := d.in.Launch(ctx, k, sim.Launch{Block: [3]uint32{32}, Params: make([]byte, 8)})
		done <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestMissingBarrier takes each barrier out of what clang wrote, one at a time: every one but those that order nothing that
// follows must be missed.
func TestMissingBarrier(t *testing.T) {
	for _, compiler := range compilers {
		text := golden(t, "blocks", compiler)
		for _, c := range []struct {
			kernel, barrier string
			block           uint32
			params          func(d *device) []uint64
			spare           int // barriers that no other access depends on
		}{
			{"tree", "bar.sync", 256, func(d *device) []uint64 { return []uint64{256, d.words(8, make([]uint64, 256)...), d.words(8, 0)} }, 1},
			{"shuffles", "bar.sync", 256, func(d *device) []uint64 { return []uint64{256, d.words(4, make([]uint64, 256)...), d.words(4, 0)} }, 0},
			{"histogram", "bar.sync", 128, func(d *device) []uint64 {
				return []uint64{999, d.words(1, random(999, 1, 255)...), d.words(4, make([]uint64, 64)...)}
			}, 0},
			{"prefix", "bar.sync", 128, func(d *device) []uint64 {
				return []uint64{128, d.words(4, make([]uint64, 128)...), d.words(4, make([]uint64, 128)...)}
			}, 1},
			{"reverse", "bar.sync", 128, func(d *device) []uint64 { return []uint64{128, d.words(4, make([]uint64, 128)...)} }, 0},
			{"warptree", "bar.warp.sync", 32, func(d *device) []uint64 { return []uint64{d.words(4, make([]uint64, 32)...), d.words(4, 0)} }, 1},
		} {
			t.Run(compiler+"/"+c.kernel, func(t *testing.T) {
				start := strings.Index(text, ".entry "+c.kernel+"(")
				end := start + strings.Index(text[start:], "\n}\n")
				body := text[start:end]
				total, found := strings.Count(body, c.barrier), 0
				for n := range total {
					at := 0
					for range n + 1 {
						at += strings.Index(body[at:], c.barrier) + 1
					}
					d := load(t, text[:start]+body[:at-1]+"// "+body[at-1:]+text[end:])
					_, err := d.launch(c.kernel, sim.Launch{Shared: 1024}, 1, c.block, c.params(d)...)
					if errors.Is(err, sim.ErrRace) {
						found++
					} else if err != nil {
						t.Fatal(err)
					}
				}
				if total == 0 || found != total-c.spare {
					t.Errorf("%d of %d barriers are missed", found, total)
				}
			})
		}
	}
}
