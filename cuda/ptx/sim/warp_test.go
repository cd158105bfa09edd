package sim_test

import (
	"errors"
	"fmt"
	"math/bits"
	"strings"
	"testing"

	"github.com/darray-go/darray/cuda/ptx/sim"
)

// perThread runs statements that leave a .b32 in %r0 in each thread of a block, and returns it for all.
func perThread(t *testing.T, body string, n int) []uint64 {
	t.Helper()
	d := load(t, entry(body+"\nmul.wide.u32 %x15, %t, 4; add.u64 %x15, %x15, %x0; st.global.b32 [%x15], %r0;"))
	p := d.words(4, make([]uint64, max(n, 32))...)
	d.run("k", 1, uint32(n), p)
	return d.read(p, 4, n)
}

// TestShuffleModes holds each mode against the definition of the ISA, for segments of every width.
func TestShuffleModes(t *testing.T) {
	for _, mode := range []string{"up", "down", "bfly", "idx"} {
		for _, width := range []int{32, 16, 8, 4, 2, 1} {
			for _, by := range []int{0, 1, 3, 5, 16, 31} {
				c := (32 - width) << 8
				if mode != "up" {
					c |= 31
				}
				got := perThread(t, fmt.Sprintf(`mad.lo.u32 %%r1, %%t, 7, 100; shfl.sync.%s.b32 %%r0|%%p0, %%r1, %d, %#x, -1;
selp.u32 %%r2, 0x10000, 0, %%p0; or.b32 %%r0, %%r0, %%r2;`, mode, by, c), 64)
				for l := range 64 {
					lane, first := l%32, l%32/width*width
					from := map[string]int{"up": lane - by, "down": lane + by, "bfly": lane ^ by, "idx": first + by%width}[mode]
					ok := from >= first && from < first+width
					if mode == "bfly" { // it may read a lower segment
						ok = from < first+width
					}
					if !ok {
						from = lane
					}
					want := uint64((l/32*32+from)*7+100) | truth(ok)<<16
					if got[l] != want {
						t.Fatalf("shfl.%s by %d of %d: thread %d has %#x, want %#x", mode, by, width, l, got[l], want)
					}
				}
			}
		}
	}
}

func TestVotes(t *testing.T) {
	const n = 50 // the second warp is not whole
	for _, limit := range []int{0, 10, 32, 40, 50} {
		pred := fmt.Sprintf("setp.lt.u32 %%p0, %%t, %d; ", limit)
		ballot := func(l int) uint32 {
			var b uint32
			for i := range 32 {
				if at := l/32*32 + i; at < min(limit, n) {
					b |= 1 << i
				}
			}
			return b
		}
		all := func(l int) uint32 { return uint32(1)<<min(32, n-l/32*32) - 1 }
		for mode, want := range map[string]func(l int) uint64{
			"all": func(l int) uint64 { return truth(ballot(l) == all(l)) },
			"any": func(l int) uint64 { return truth(ballot(l) != 0) },
			"uni": func(l int) uint64 { return truth(ballot(l) == 0 || ballot(l) == all(l)) },
		} {
			got := perThread(t, pred+"vote.sync."+mode+".pred %p1, %p0, -1; selp.u32 %r0, 1, 0, %p1;", n)
			equal(t, mode, got, mapped(n, want))
		}
		got := perThread(t, pred+"vote.sync.ballot.b32 %r0, !%p0, -1;", n)
		equal(t, "ballot", got, mapped(n, func(l int) uint64 { return uint64(all(l) &^ ballot(l)) }))
		got = perThread(t, pred+"bar.red.popc.u32 %r0, 0, %p0;", n)
		equal(t, "popc", got, mapped(n, func(int) uint64 { return uint64(limit) }))
		got = perThread(t, pred+"bar.red.and.pred %p1, 0, %p0; bar.red.or.pred %p2, 1, !%p0; selp.u32 %r0, 2, 0, %p1; selp.u32 %r1, 1, 0, %p2; add.u32 %r0, %r0, %r1;", n)
		equal(t, "and, or", got, mapped(n, func(int) uint64 { return 2*truth(limit == n) + truth(limit < n) }))
	}
	got := perThread(t, "and.b32 %r1, %t, 3; match.any.sync.b32 %r0, %r1, -1;", 40)
	equal(t, "match", got, mapped(40, func(l int) uint64 { return uint64(uint32(0x11111111<<(l%4))) & (1<<min(32, 40-l/32*32) - 1) }))
	got = perThread(t, "mov.u32 %r0, 0; setp.lt.u32 %p0, %t, 5; @%p0 bra L; activemask.b32 %r0; L:", 32)
	equal(t, "active", got, mapped(32, func(l int) uint64 { return truth(l >= 5) * 0xffffffe0 }))
}

func TestSpecialRegisters(t *testing.T) {
	text := header + `.visible .entry k(.param .u64 p) {
.reg .b32 %r<4>, %s; .reg .b64 %x<4>;
mov.u32 %r0, %tid.z; mov.u32 %r1, %ntid.y; mad.lo.u32 %r0, %r0, %r1, 0; mov.u32 %r1, %tid.y; add.u32 %r0, %r0, %r1;
mov.u32 %r1, %ntid.x; mul.lo.u32 %r0, %r0, %r1; mov.u32 %r1, %tid.x; add.u32 %r0, %r0, %r1;
mov.u32 %r1, %ctaid.z; mov.u32 %r2, %nctaid.y; mul.lo.u32 %r1, %r1, %r2; mov.u32 %r2, %ctaid.y; add.u32 %r1, %r1, %r2;
mov.u32 %r2, %nctaid.x; mul.lo.u32 %r1, %r1, %r2; mov.u32 %r2, %ctaid.x; add.u32 %r1, %r1, %r2;
mov.u32 %r2, %ntid.x; mov.u32 %r3, %ntid.y; mul.lo.u32 %r2, %r2, %r3; mov.u32 %r3, %ntid.z; mul.lo.u32 %r2, %r2, %r3;
mad.lo.u32 %s, %r1, %r2, %r0; ld.param.u64 %x0, [p]; mul.wide.u32 %x1, %s, 4; add.u64 %x0, %x0, %x1; st.global.u32 [%x0], %s; ret; }`
	d := load(t, text)
	const n = 4 * 3 * 2 * 5 * 3 * 2
	k, err := d.m.Kernel("k")
	if err != nil {
		t.Fatal(err)
	}
	for _, seed := range []uint64{0, 1, 77, 1 << 40} {
		p := d.words(4, make([]uint64, n)...)
		params, err := k.Pack(p)
		if err != nil {
			t.Fatal(err)
		}
		l := sim.Launch{Grid: [3]uint32{4, 3, 2}, Block: [3]uint32{5, 3, 2}, Params: params, Races: true, Seed: seed}
		if s, err := d.in.Launch(t.Context(), k, l); err != nil || s.Blocks != 24 || s.Stores != n {
			t.Fatal(s, err)
		}
		equal(t, "number", d.read(p, 4, n), mapped(n, func(i int) uint64 { return uint64(i) }))
	}
	for name, want := range map[string]func(l int) uint64{
		"%laneid": func(l int) uint64 { return uint64(l % 32) }, "%warpid": func(l int) uint64 { return uint64(l / 32) },
		"%lanemask_eq": func(l int) uint64 { return 1 << (l % 32) }, "%lanemask_lt": func(l int) uint64 { return 1<<(l%32) - 1 },
		"%lanemask_le": func(l int) uint64 { return 2<<(l%32) - 1 }, "%lanemask_ge": func(l int) uint64 { return uint64(bits.Reverse32(2<<(31-l%32) - 1)) },
		"%lanemask_gt": func(l int) uint64 { return uint64(^uint32(2<<(l%32) - 1)) },
	} {
		equal(t, name, perThread(t, "mov.u32 %r0, "+name+";", 70), mapped(70, want))
	}
}

// TestSeed shows that a kernel whose result depends on the order of blocks gives another with a seed.
func TestSeed(t *testing.T) {
	d := load(t, entry("mov.u32 %r0, %ctaid.x; atom.global.exch.b32 %r1, [%x0], %r0;"))
	last := map[uint64]bool{}
	for seed := range uint64(5) {
		p := d.words(4, 0)
		if _, err := d.launch("k", sim.Launch{Seed: seed}, 100, 1, p); err != nil {
			t.Fatal(err)
		}
		last[d.read(p, 4, 1)[0]] = true
	}
	if !last[99] || len(last) < 3 {
		t.Errorf("the last block was one of %v", last)
	}
}

func TestControl(t *testing.T) {
	got := perThread(t, `T: .branchtargets A, B, C, B; and.b32 %r1, %t, 3; mov.u32 %r0, 0; brx.idx %r1, T;
A: add.u32 %r0, %r0, 1; B: add.u32 %r0, %r0, 10; C: add.u32 %r0, %r0, 100;`, 64)
	equal(t, "brx", got, mapped(64, func(l int) uint64 { return []uint64{111, 110, 100, 110}[l&3] }))

	// Loops of different lengths that meet at a barrier, then at a shuffle.
	got = perThread(t, `mov.u32 %r0, 0; mov.u32 %r1, %t;
L: setp.eq.u32 %p0, %r1, 0; @%p0 bra M; add.u32 %r0, %r0, %r1; sub.u32 %r1, %r1, 1; bra L;
M: bar.sync 0; shfl.sync.idx.b32 %r0, %r0, 31, 31, -1;`, 64)
	equal(t, "loops", got, mapped(64, func(l int) uint64 { return []uint64{31 * 16, 63 * 32}[l/32] }))

	// One half of the warp goes the long way round to the same shuffle, which stands before it in the text.
	got = perThread(t, `setp.ge.u32 %p0, %t, 16; mov.u32 %r1, %t; @%p0 bra FAR;
NEAR: shfl.sync.bfly.b32 %r0, %r1, 16, 31, -1; bra END;
FAR: add.u32 %r1, %r1, 100; bra NEAR; END:`, 32)
	equal(t, "far", got, mapped(32, func(l int) uint64 { return uint64(l^16) + 100*truth(l < 16) }))

	// A lock: who holds it stands behind those who wait for it.
	got = perThread(t, `L: atom.global.cas.b32 %r1, [%x0+120], 0, 1; setp.ne.u32 %p0, %r1, 0; @%p0 bra L;
ld.volatile.global.u32 %r2, [%x0+124]; add.u32 %r0, %r2, 1; st.volatile.global.u32 [%x0+124], %r0; membar.gl; atom.global.exch.b32 %r1, [%x0+120], 0; bar.sync 0;`, 30)
	seen := map[uint64]bool{}
	for _, v := range got {
		seen[v] = true
	}
	if len(seen) != 30 || !seen[1] || !seen[30] {
		t.Errorf("a lock gave %v", got)
	}

	// Registers of a scope, and a name that hides another.
	got = perThread(t, "mov.u32 %r0, 1; { .reg .b32 %r0, low; mov.u32 %r0, 5; mov.b64 %x1, {%r0, %t}; mov.b64 {low, %r9}, %x1; mov.u32 %r1, low; } add.u32 %r0, %r0, %r1;", 3)
	equal(t, "scope", got, []uint64{6, 6, 6})

	// Barriers of parts of the block: two warps hand a value to the two others.
	got = perThread(t, `mov.u32 %r3, s; shl.b32 %r2, %t, 2; add.u32 %r2, %r2, %r3; mov.u32 %r0, 0; setp.lt.u32 %p0, %t, 64; @!%p0 bra OTHER;
st.shared.u32 [%r2], %t; bar.sync 1, 128; bra END;
OTHER: barrier.sync 1, 128; ld.shared.u32 %r0, [%r2+-256]; barrier.sync 2, 64; END:`, 128)
	equal(t, "parts", got, mapped(128, func(l int) uint64 { return uint64(max(l-64, 0)) }))
}

// TestConstants reads numbers as they may be written.
func TestConstants(t *testing.T) {
	for text, want := range map[string]uint64{
		"mov.u32 %r0, 0x1F;": 31, "mov.u32 %r0, 017;": 15, "mov.u32 %r0, 0b101;": 5, "mov.u32 %r0, 7U;": 7, "mov.s32 %r0, -2147483648;": 1 << 31,
		"mov.b32 %r0, -1;": 0xffffffff, "mov.f32 %r0, 0f3F800000;": 0x3f800000, "mov.f32 %r0, -0f3F800000;": 0xbf800000,
		"mov.f32 %r0, 0.1;": 0x3dcccccd, "mov.f32 %r0, -1.5e2;": 0xc3160000, "mov.b32 %r0, 0fFF800000;": 0xff800000,
		"mov.f64 %d0, 2.5E3; cvt.rzi.u32.f64 %r0, %d0;": 2500, "mov.f64 %d0, 1e-1; cvt.rn.f32.f64 %r0, %d0;": 0x3dcccccd,
		"mov.b64 %x1, -0d4008000000000000; cvt.rzi.s32.f64 %r0, %x1;":                         0xfffffffd,
		"mov.pred %p0, 1; mov.pred %p1, -1; and.pred %p0, %p0, %p1; selp.b32 %r0, 5, 6, %p0;": 5,
		"st.shared.u32 [s+4], 9; ld.shared.u32 %r0, [1028];":                                  9, "cvt.u64.u32 %x1, %laneid; cvt.u32.u64 %r0, %x1;": 0,
		"abs.ftz.f32 %r0, 0f80000001; neg.ftz.f32 %r1, 0f00000001; or.b32 %r0, %r0, %r1;": 1 << 31,
		"mov.u64 %x1, s+8; cvt.u32.u64 %r0, %x1; mov.u32 %r1, s; sub.u32 %r0, %r0, %r1;":  8,
		"cvt.rn.sat.f32.s32 %r0, 5;": 0x3f800000, "cvt.rn.sat.f64.s32 %d0, -5; cvt.rn.f32.f64 %r0, %d0;": 0,
		"set.lt.and.u32.s32 %r0, -1, 0, !%p0; @%p0 exit;": 0xffffffff, "slct.ftz.b32.f32 %r0, 1, 2, 0f80000001;": 1,
		"mov.u32 %r0, 3; mov.pred %p1, 1; @%p1 bra.uni OUT; mov.u32 %r0, 4; OUT:": 3,
	} {
		if got := perThread(t, "mov.pred %p0, 0; "+text, 1)[0]; got != want {
			t.Errorf("%s: %#x, want %#x", text, got, want)
		}
	}
}

func TestCallsByHand(t *testing.T) {
	d := load(t, header+`
.func (.param .b64 sum) twice(.param .b64 a, .param .b32 n);
.func (.param .b64 out) add1(.param .b64 a) { .reg .b64 %x; ld.param.u64 %x, [a]; add.u64 %x, %x, 1; st.param.u64 [out], %x; ret; }
.func (.param .b64 sum) twice(.param .b64 a, .param .b32 n) {
.reg .b64 %x, %y; .reg .b32 %n; .reg .pred %p;
.local .align 8 .b64 keep[2];
ld.param.u32 %n, [n]; ld.param.u64 %x, [a]; setp.eq.u32 %p, %n, 3; st.local.u64 [keep+8], %x;
@%p bra skip; mul.lo.u64 %y, %x, 2; st.param.u64 [sum], %y; ret;
skip: { .param .b64 in; .param .b64 back; ld.local.u64 %x, [keep+8]; st.param.u64 [in], %x; call (back), add1, (in); ld.param.u64 %y, [back]; }
st.param.u64 [sum], %y; ret; }
.visible .entry k(.param .u64 p) {
.reg .b64 %x<4>; .reg .b32 %t; .reg .pred %p;
ld.param.u64 %x0, [p]; mov.u32 %t, %tid.x; cvt.u64.u32 %x1, %t; mov.u64 %x2, 77; setp.lt.u32 %p, %t, 6;
@%p call.uni (%x2), twice, (%x1, %t);
mul.wide.u32 %x3, %t, 8; add.u64 %x3, %x3, %x0; st.global.u64 [%x3], %x2; ret; }`)
	p := d.words(8, make([]uint64, 8)...)
	d.run("k", 1, 8, p)
	equal(t, "out", d.read(p, 8, 8), []uint64{0, 2, 4, 4, 8, 10, 77, 77})
}

func TestSpaces(t *testing.T) {
	got := perThread(t, `mov.u64 %x1, s; cvta.shared.u64 %x2, %x1; isspacep.shared %p0, %x2; isspacep.global %p1, %x2; isspacep.global %p2, %x0;
.local .align 4 .b32 v[2]; cvta.local.u64 %x3, v; isspacep.local %p3, %x3;
setp.eq.u32 %p4, %t, 0; @%p4 st.u32 [%x2+8], 40; st.u32 [%x3+4], 2; bar.sync 0; ld.shared.u32 %r1, [s+8]; ld.local.u32 %r2, [v+4]; add.u32 %r0, %r1, %r2;
cvta.to.shared.u64 %x4, %x2; setp.eq.u64 %p5, %x4, %x1; and.pred %p0, %p0, %p2; and.pred %p0, %p0, %p3; and.pred %p0, %p0, %p5; not.pred %p1, %p1; and.pred %p0, %p0, %p1;
selp.u32 %r3, 100, 0, %p0; add.u32 %r0, %r0, %r3; ld.u32 %r4, [%x3+4]; atom.add.u32 %r5, [%x3+4], 1; ld.local.u32 %r5, [v+4]; mad.lo.u32 %r0, %r4, %r5, %r0; prefetch.global.L2 [%x0]; membar.gl; fence.acq_rel.gpu;`, 4)
	equal(t, "spaces", got, []uint64{148, 148, 148, 148})
	// Narrow elements: bytes of one word belong to different threads.
	got = perThread(t, `mov.u32 %r1, s; add.u32 %r1, %r1, %t; cvt.u16.u32 %h0, %t; st.shared.u8 [%r1], %h0; bar.sync 0;
xor.b32 %r2, %t, 1; mov.u32 %r1, s; add.u32 %r1, %r1, %r2; ld.shared.s8 %r0, [%r1]; bar.sync 0; ld.shared.v4.u8 {%h1, %h2, %h3, %h4}, [s+4]; cvt.u32.u16 %r3, %h3; shl.b32 %r3, %r3, 8; or.b32 %r0, %r0, %r3;`, 16)
	equal(t, "bytes", got, mapped(16, func(l int) uint64 { return uint64(l^1) | 6<<8 }))
	_, err := load(t, entry("mov.u32 %r1, s; add.u32 %r1, %r1, %t; st.shared.u8 [%r1], 1; ld.shared.u32 %r0, [s];")).launch("k", sim.Launch{}, 1, 4, 0)
	if !errors.Is(err, sim.ErrRace) || !strings.Contains(err.Error(), "0x401, which thread (1,0,0) wrote") {
		t.Error(err)
	}
}

// TestAtomicOperations runs each operation by one thread after another against its definition.
func TestAtomicOperations(t *testing.T) {
	for _, c := range []struct {
		op   string
		want func(m, x, y uint64) uint64
	}{
		{"add.u32", func(m, x, _ uint64) uint64 { return (m + x) & 0xffffffff }},
		{"add.s32", func(m, x, _ uint64) uint64 { return (m + x) & 0xffffffff }},
		{"add.u64", func(m, x, _ uint64) uint64 { return m + x }},
		{"add.f32", func(m, x, _ uint64) uint64 {
			return flush(fused(val(flush(m), "f32"), 1, val(flush(x), "f32"), "f32", "rn"))
		}},
		{"add.f64", func(m, x, _ uint64) uint64 { return fused(val(m, "f64"), 1, val(x, "f64"), "f64", "rn") }},
		{"min.u32", func(m, x, _ uint64) uint64 { return min(m, x) }},
		{"max.u64", func(m, x, _ uint64) uint64 { return max(m, x) }},
		{"min.s32", func(m, x, _ uint64) uint64 { return uint64(uint32(min(int32(m), int32(x)))) }},
		{"max.s64", func(m, x, _ uint64) uint64 { return uint64(max(int64(m), int64(x))) }},
		{"and.b32", func(m, x, _ uint64) uint64 { return m & x }},
		{"or.b64", func(m, x, _ uint64) uint64 { return m | x }},
		{"xor.b32", func(m, x, _ uint64) uint64 { return m ^ x }},
		{"exch.b64", func(_, x, _ uint64) uint64 { return x }},
		{"cas.b32", func(m, x, y uint64) uint64 {
			if m == x {
				return y
			}
			return m
		}},
		{"inc.u32", func(m, x, _ uint64) uint64 {
			if m >= x {
				return 0
			}
			return m + 1
		}},
		{"dec.u32", func(m, x, _ uint64) uint64 {
			if m == 0 || m > x {
				return x
			}
			return m - 1
		}},
	} {
		typ := c.op[len(c.op)-3:]
		size := fmt.Sprint(bitsOf(typ))
		operands := ", %b"
		if strings.HasPrefix(c.op, "cas") {
			operands = ", %b, %c"
		}
		shared := ".shared .align 8 .b64 own[256]; .reg .b64 %at, %k; mov.u32 %t, %tid.x; mul.wide.u32 %k, %t, 8; mov.u64 %at, own; add.u64 %at, %at, %k; "
		for _, where := range []struct{ space, setup string }{
			{"global", ".reg .b64 %at; mov.u64 %at, %o; "},
			{"shared", shared},
		} {
			if where.space == "shared" && c.op == "add.f32" {
				continue // which flushes nothing there: below
			}
			instr := where.setup + "st." + where.space + ".b" + size + " [%at], %a; atom." + where.space + "." + c.op + " %d, [%at]" + operands + "; ld." + where.space + ".b" + size + " %d, [%at];"
			check(t, instr, typ, []string{typ, typ, typ}, func(x []uint64) uint64 { return c.want(x[0], x[1], x[2]) })
		}
		old := ".reg .b64 %at; mov.u64 %at, %o; st.b" + size + " [%at], %a; atom." + c.op + " %d, [%at]" + operands + ";"
		check(t, old, typ, []string{typ, typ, typ}, func(x []uint64) uint64 { return x[0] })
		if !strings.HasPrefix(c.op, "cas") && !strings.HasPrefix(c.op, "exch") {
			red := ".reg .b64 %at; mov.u64 %at, %o; st.b" + size + " [%at], %a; red.global." + c.op + " [%at], %b; ld.b" + size + " %d, [%at];"
			check(t, red, typ, []string{typ, typ}, func(x []uint64) uint64 { return c.want(x[0], x[1], 0) })
		}
		if c.op == "add.f32" {
			instr := shared + "st.shared.b32 [%at], %a; atom.shared.add.f32 %d, [%at], %b; ld.shared.b32 %d, [%at];"
			check(t, instr, typ, []string{typ, typ}, func(x []uint64) uint64 { return fused(val(x[0], typ), 1, val(x[1], typ), typ, "rn") })
		}
	}
}
