package cpu_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu"
)

// benchmarks are the programs that are measured, over blocks x, y and c of float64, float64 and bool.
var benchmarks = []struct {
	name    string
	code    []array.Instr
	reduce  bool
	outType array.DType
}{
	{"add", []array.Instr{f64(array.Add, 3, 0, 1)}, false, array.Float64},
	{"hypot", []array.Instr{f64(array.Multiply, 3, 0, 0), f64(array.Multiply, 4, 1, 1), f64(array.Add, 5, 3, 4), f64(array.Sqrt, 6, 5)}, false, array.Float64},
	{"sqrt", []array.Instr{f64(array.Sqrt, 3, 0)}, false, array.Float64},
	{"where", []array.Instr{f64(array.Where, 3, 2, 0, 1)}, false, array.Float64},
	{"less", []array.Instr{{Op: array.Less, In: array.Float64, Out: array.Bool, Dst: 3, Args: []array.Reg{0, 1}}}, false, array.Bool},
	{"cast", []array.Instr{{Op: array.Cast, In: array.Float64, Out: array.Int32, Dst: 3, Args: []array.Reg{0}}}, false, array.Int32},
	{"sum", nil, true, array.Float64},
	{"dot", []array.Instr{f64(array.Multiply, 3, 0, 1)}, true, array.Float64},
}

func f64(op array.Op, dst array.Reg, args ...array.Reg) array.Instr {
	return array.Instr{Op: op, In: array.Float64, Out: array.Float64, Dst: dst, Args: args}
}

// BenchmarkRun reports ns per element. The bytes are those of the operands read and the result written.
func BenchmarkRun(b *testing.B) {
	for _, bench := range benchmarks {
		for _, n := range []int{100, 1_000_000, 10_000_000} {
			for _, nulls := range []int{noNulls, someNulls} {
				if nulls == someNulls && n != 1_000_000 {
					continue
				}
				for _, threads := range []int{1, 2} {
					if threads > 1 && (n == 100 || nulls == someNulls) {
						continue
					}
					b.Run(fmt.Sprintf("%s/%d/t%d/nulls%d", bench.name, n, threads, nulls), func(b *testing.B) {
						l := benchLaunch(bench.code, bench.reduce, bench.outType, n, nulls)
						d := cpu.New(threads)
						b.ReportAllocs()
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
}

func benchLaunch(code []array.Instr, reduce bool, out array.DType, n, nulls int) *array.Launch {
	rng := rand.New(rand.NewPCG(1, 1))
	p := &array.Program{Domain: array.Shape{n}, Code: code, Inputs: []array.Input{
		{DType: array.Float64, Slot: 0}, {DType: array.Float64, Slot: 1}, {DType: array.Bool, Slot: 2},
	}}
	l := &array.Launch{Program: p, Hi: n}
	for _, in := range p.Inputs {
		l.Operands = append(l.Operands, randomBlock(rng, in.DType, n, 0, nulls))
		if in.DType == array.Float64 {
			values, _, _ := l.Operands[in.Slot].Raw()
			for i := range array.View[float64](values) {
				array.View[float64](values)[i] = rng.Float64()
			}
		}
	}
	r := array.Reg(p.Regs() - 1)
	if len(code) == 0 {
		r = 0
	}
	p.Outputs = []array.Output{{Reg: r, DType: out, Reduce: reduce, Op: array.Sum}}
	results(l, 0)
	return l
}
