package kern_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
)

// BenchmarkLoops runs each loop over a tile, 4 KiB of its widest operand, which the first cache holds.
func BenchmarkLoops(b *testing.B) {
	for _, tests := range [][]loopTest{elementTests(), threeTests(), castTests()} {
		for _, l := range tests {
			for _, isa := range isas(b) {
				if loop := l.of(kern.New(isa)); loop != nil {
					b.Run(l.name+"/"+isa.String(), func(b *testing.B) { l.bench(b, loop) })
				}
			}
		}
	}
}

func (l loopTest) bench(b *testing.B, loop kern.Loop) {
	rng := rand.New(rand.NewPCG(1, 2))
	size := l.out.Size()
	for _, d := range l.in {
		size = max(size, d.Size())
	}
	n := 4096 / size
	var args [3][]byte
	for k, d := range l.in {
		length := n
		if l.scalar[k] {
			length = 64
		}
		v := newVector(d, length, 0)
		for i := range length { // ordinary values: subnormal ones are slow
			v.set(i, array.ScalarOf(rng.IntN(100)+1).Cast(d))
		}
		args[k] = v.bytes(length)
	}
	dst := newVector(l.out, n, 0).bytes(n)
	perElement(b, n, func() { loop(dst, args[0], args[1], args[2], n) })
}

// perElement reports the time for one of n elements as the least, the median and the most of runs that are short enough to
// fit between what else the machine does.
func perElement(b *testing.B, n int, run func()) {
	const calls = 32
	var times []float64
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		for range calls {
			run()
		}
		times = append(times, float64(time.Since(start).Nanoseconds())/float64(calls*n))
	}
	slices.Sort(times)
	b.ReportMetric(times[0], "min-ns/element")
	b.ReportMetric(times[len(times)/2], "ns/element")
	b.ReportMetric(times[len(times)-1], "max-ns/element")
}

// BenchmarkFolds runs each fold over a leaf.
func BenchmarkFolds(b *testing.B) {
	for _, f := range foldTests() {
		for _, isa := range isas(b) {
			b.Run(fmt.Sprintf("%s/%s/%d/%s", f.op, f.d, f.of, isa), func(b *testing.B) {
				fold := kern.New(isa).Fold(f.op, f.d, f.of)
				x := newVector(f.d, array.LeafSize, 0)
				for i := range array.LeafSize {
					x.set(i, array.ScalarOf(1).Cast(f.d))
				}
				var s kern.State
				kern.Begin(f.op, array.AccumulatorType(f.op, f.d), &s)
				leaf := x.bytes(array.LeafSize)
				perElement(b, array.LeafSize, func() { fold(&s, leaf, leaf, array.LeafSize) })
			})
		}
	}
}

// BenchmarkLeaves runs each fold over leaves, and over rows, in the second cache and in memory; calls of 128 leaves as whole
// reductions make them.
func BenchmarkLeaves(b *testing.B) {
	const most = 80 << 20
	x, y := array.AllocBytes(most), array.AllocBytes(most)
	for _, f := range foldTests() {
		for _, isa := range isas(b) {
			leaves := kern.New(isa).Leaves(f.op, f.d, f.of)
			if leaves == nil {
				continue
			}
			one := newVector(f.d, 1, 0)
			one.set(0, array.ScalarOf(1).Cast(f.d))
			for i := 0; i < most; i += f.d.Size() {
				copy(x[i:], one.bytes(1))
			}
			copy(y, x)
			for _, of := range []struct{ length, bytes int }{{10, 256 << 10}, {100, 256 << 10}, {array.LeafSize, 256 << 10}, {array.LeafSize, most}} {
				b.Run(fmt.Sprintf("%s/%s/%d/%s/%dx%dKiB", f.op, f.d, f.of, isa, of.length, of.bytes>>10), func(b *testing.B) {
					row := of.length * f.d.Size()
					out := make([]uint64, min(128*array.LeafSize*f.d.Size(), of.bytes)/row)
					step := len(out) * row
					perElement(b, of.bytes/step*len(out)*of.length, func() {
						for at := 0; at+step <= of.bytes; at += step {
							leaves(out, x[at:], y[at:], of.length)
						}
					})
				})
			}
		}
	}
}
