package sim_test

import (
	"testing"

	"github.com/darray-go/darray/cuda/ptx/sim"
)

// elementwise is the shape of kernel that an emitter writes: a loop with the grid's stride over float64.
const elementwise = header + `.visible .entry f(.param .u64 n, .param .u64 x, .param .u64 y, .param .u64 o) {
.reg .pred %p; .reg .b32 %r<4>; .reg .b64 %x<12>; .reg .f64 %d<10>;
ld.param.u64 %x0, [n]; ld.param.u64 %x1, [x]; ld.param.u64 %x2, [y]; ld.param.u64 %x3, [o];
mov.u32 %r0, %ctaid.x; mov.u32 %r1, %ntid.x; mov.u32 %r2, %tid.x; mad.lo.u32 %r3, %r0, %r1, %r2;
cvt.u64.u32 %x4, %r3; mov.u32 %r0, %nctaid.x; mul.wide.u32 %x5, %r0, %r1;
setp.ge.u64 %p, %x4, %x0; @%p bra done;
loop:
shl.b64 %x6, %x4, 3; add.u64 %x7, %x1, %x6; add.u64 %x8, %x2, %x6; add.u64 %x9, %x3, %x6;
ld.global.f64 %d0, [%x7]; ld.global.f64 %d1, [%x8];
mul.rn.f64 %d2, %d0, %d0; add.rn.f64 %d3, %d2, %d1; sqrt.rn.f64 %d4, %d3; add.rn.f64 %d5, %d4, 0d3FF0000000000000; div.rn.f64 %d6, %d5, %d2;
st.global.f64 [%x9], %d6;
add.u64 %x4, %x4, %x5; setp.lt.u64 %p, %x4, %x0; @%p bra loop;
done: ret; }
`

func report(b *testing.B, instructions uint64) {
	b.ReportMetric(float64(instructions)/b.Elapsed().Seconds()/1e6, "Minstr/s")
}

func BenchmarkElementwise(b *testing.B) {
	d := load(b, elementwise)
	const n = 1 << 18
	x := d.words(8, floats(n, func(i int) float64 { return float64(i) + 0.5 })...)
	y := d.words(8, floats(n, func(i int) float64 { return float64(i) * 1.5 })...)
	o := d.words(8, make([]uint64, n)...)
	var total uint64
	for b.Loop() {
		s, err := d.launch("f", sim.Launch{}, 64, 256, n, x, y, o)
		if err != nil {
			b.Fatal(err)
		}
		total += s.Instructions
	}
	report(b, total)
}

func BenchmarkSaxpy(b *testing.B) {
	d := load(b, golden(b, "elements", "clang-19"))
	const n = 1 << 18
	x, y := d.words(4, make([]uint64, n)...), d.words(4, make([]uint64, n)...)
	var total uint64
	for b.Loop() {
		s, err := d.launch("saxpy", sim.Launch{}, 64, 256, n, 0x40000000, x, y)
		if err != nil {
			b.Fatal(err)
		}
		total += s.Instructions
	}
	report(b, total)
}

func BenchmarkTree(b *testing.B) {
	d := load(b, golden(b, "blocks", "clang-19"))
	const n = 1 << 16
	x, o := d.words(8, make([]uint64, n)...), d.words(8, make([]uint64, n/256)...)
	var total uint64
	for b.Loop() {
		s, err := d.launch("tree", sim.Launch{}, n/256, 256, n, x, o)
		if err != nil {
			b.Fatal(err)
		}
		total += s.Instructions
	}
	report(b, total)
}

func BenchmarkParse(b *testing.B) {
	text := golden(b, "blocks", "clang-19")
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		parse(b, text)
	}
}
