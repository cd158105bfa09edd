package cpu_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu"
)

// benchmarks are the programs that are measured, over operands of float64 between 0 and 1.
var benchmarks = []struct {
	name  string
	bytes int // an element, read and written
	build func(b *builder)
}{
	{"add", 24, func(b *builder) { b.out(b.op(array.Add, b.x(f64), b.x(f64))) }},
	{"muladd", 40, func(b *builder) {
		x, y, z, u := b.x(f64), b.x(f64), b.x(f64), b.x(f64)
		b.out(b.op(array.Subtract, b.op(array.Add, b.op(array.Multiply, x, y), z), u))
	}},
	{"hypot", 24, func(b *builder) {
		x, y := b.x(f64), b.x(f64)
		b.out(b.op(array.Sqrt, b.op(array.Add, b.op(array.Multiply, x, x), b.op(array.Multiply, y, y))))
	}},
	{"where", 24, func(b *builder) {
		x, y := b.x(f64), b.x(f64)
		b.out(b.op(array.Where, b.op(array.Greater, x, y), x, y))
	}},
	{"poly20", 16, func(b *builder) {
		x := b.x(f64)
		y := b.f(1)
		for i := range 10 {
			y = b.op(array.Add, b.op(array.Multiply, y, x), b.f(float64(i)+0.5))
		}
		b.out(y)
	}},
	{"sum", 8, func(b *builder) { b.reduce(array.Sum, b.x(f64)) }},
	{"dot", 16, func(b *builder) { b.reduce(array.Sum, b.op(array.Multiply, b.x(f64), b.x(f64))) }},
	{"max", 8, func(b *builder) { b.reduce(array.Max, b.x(f64)) }},
	{"addnull", 24, func(b *builder) { b.out(b.op(array.Add, b.null(f64), b.null(f64))) }},
	{"sumnull", 8, func(b *builder) { b.reduce(array.Sum, b.null(f64)) }},
	{"cast", 12, func(b *builder) { b.out(b.cast(f32, b.x(f64))) }},
	{"less", 16, func(b *builder) { b.out(b.op(array.Less, b.x(f64), b.x(f64))) }},
}

// BenchmarkRun reports ns per element; results are written to the same memory again and again.
func BenchmarkRun(b *testing.B) {
	for _, bench := range benchmarks {
		for _, n := range []int{10, 1e3, 1e5, 1e6, 1e7} {
			for threads := 1; threads <= 2; threads++ {
				if threads > 1 && n < 1e5 {
					continue
				}
				b.Run(fmt.Sprintf("%s/%d/t%d", bench.name, n, threads), func(b *testing.B) {
					program := &builder{}
					bench.build(program)
					l := benchLaunch(program, n)
					d := cpu.New(cpu.Config{Threads: threads})
					defer d.Close()
					b.ReportAllocs()
					b.SetBytes(int64(bench.bytes * n))
					for b.Loop() {
						if _, err := d.Run(context.Background(), l); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/element")
				})
			}
		}
	}
}

// benchLaunch binds a program to operands of n elements; a tenth of those that can be null is.
func benchLaunch(b *builder, n int) *array.Launch {
	rng := rand.New(rand.NewPCG(1, 1))
	l := &array.Launch{Program: b.program(n), Hi: n}
	for i, in := range b.inputs {
		if in.Kind == array.InputConst {
			continue
		}
		block := array.NewBlock(in.DType, array.Shape{n}, b.nulls[i])
		values, validity, _ := block.Raw()
		for i := range array.View[float64](values) {
			array.View[float64](values)[i] = rng.Float64()
		}
		for k := range validity {
			validity[k] ^= byte(1 << rng.IntN(10))
		}
		l.Operands = append(l.Operands, block)
	}
	results(l, 0)
	l.Resident = make([]bool, len(l.Results))
	for i, r := range l.Results {
		l.Resident[i] = r != nil
	}
	return l
}
