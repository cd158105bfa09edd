package ptx_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/cuda/ptx"
	"github.com/darray-go/darray/cuda/ptx/ptxtest"
	"github.com/darray-go/darray/internal/leak"
)

// chain is a program of n sums and products of two operands and a constant.
func chain(n int) *array.Program {
	d := array.Float64
	p := &array.Program{
		Domain:  array.Shape{1 << 20},
		Inputs:  []array.Input{{DType: d}, {DType: d, Slot: 1}, {Kind: array.InputConst, DType: d, Value: array.ScalarOf(2.5)}},
		Outputs: []array.Output{{Reg: array.Reg(2 + n), DType: d}},
	}
	for i := range n {
		op := array.Multiply
		if i%2 == 0 {
			op = array.Add
		}
		p.Code = append(p.Code, array.Instr{Op: op, In: d, Out: d, Dst: array.Reg(3 + i), Args: []array.Reg{array.Reg(2 + i), array.Reg(i % 3)}})
	}
	return p
}

func BenchmarkBuild(b *testing.B) {
	d := array.Float64
	exp := chain(1)
	exp.Code[0] = array.Instr{Op: array.Exp, In: d, Out: d, Dst: 3, Args: []array.Reg{0}}
	for name, p := range map[string]*array.Program{"10 ops": chain(10), "exp": exp, "Black-Scholes": blackScholes(10_000, 24)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ptx.Build(p, ptx.Form{Aligned: []bool{true, true}}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// blackScholes is the program of examples/blackscholes: prices of calls, the means of calls and puts, and how far they are
// from parity.
func blackScholes(rows, columns int) *array.Program {
	const spot, rate, volatility = 100.0, 0.02, 0.3
	m := &maker{p: array.Program{Domain: array.Shape{rows, columns}}}
	strike, years := m.broadcast(array.Float64, 1, 0), m.broadcast(array.Float64, 0, 1)
	constants := map[float64]array.Reg{}
	for _, c := range []float64{spot, -rate, volatility, rate + volatility*volatility/2, 0.5, 1, math.Sqrt(0.5)} {
		constants[c] = m.number(array.ScalarOf(c))
	}
	times := func(c float64, x array.Reg) array.Reg { return m.op(array.Multiply, constants[c], x) }
	normal := func(d array.Reg) array.Reg {
		return times(0.5, m.op(array.Add, constants[1], m.op(array.Erf, times(math.Sqrt(0.5), d))))
	}
	deviation := times(volatility, m.op(array.Sqrt, years))
	drift := times(rate+volatility*volatility/2, years)
	d1 := m.op(array.Divide, m.op(array.Add, m.op(array.Log, m.op(array.Divide, constants[spot], strike)), drift), deviation)
	d2 := m.op(array.Subtract, d1, deviation)
	now := m.op(array.Multiply, strike, m.op(array.Exp, times(-rate, years)))
	call := m.op(array.Subtract, times(spot, normal(d1)), m.op(array.Multiply, now, normal(d2)))
	put := m.op(array.Subtract, m.op(array.Multiply, now, normal(m.op(array.Negative, d2))), times(spot, normal(m.op(array.Negative, d1))))
	gap := m.op(array.Abs, m.op(array.Subtract, m.op(array.Subtract, call, put), m.op(array.Subtract, constants[spot], now)))
	m.out(call)
	m.reduce(array.Mean, call)
	m.reduce(array.Mean, put)
	m.reduce(array.Max, gap)
	return &m.p
}

// TestInstructions logs what an element takes: instructions of all threads by the number of elements, and the text's bytes.
func TestInstructions(t *testing.T) {
	leak.Check(t)
	rng := rand.New(rand.NewPCG(2, 2))
	show := func(name string, p *array.Program) {
		n := p.Domain.Len()
		l := &array.Launch{Program: p, Hi: n}
		for _, in := range p.Inputs {
			switch in.Kind {
			case array.InputConst, array.InputIota:
				continue
			case array.InputBroadcast:
				n = slices.Max(p.Domain)
			}
			b := array.NewBlock(in.DType, array.Shape{n}, strings.Contains(name, "nulls"))
			for i := range n {
				b.SetScalar(i, array.ScalarOf(1+rng.Float64()).Cast(in.DType), i%5 != 4)
			}
			l.Operands = append(l.Operands, b)
		}
		got := ptxtest.Fused(t, l, ptxtest.Options{Grid: 8})
		t.Logf("%-16s %6.1f instructions an element, %6d bytes of text", name, float64(got.Stats.Instructions)/float64(l.Hi), len(got.Kernel.Text))
	}
	for _, name := range []string{"add", "int8", "where_nulls", "compare", "broadcast", "floor_divide", "exp", "sum_of_products", "several"} {
		p, _ := programNamed(t, name)
		show(name, p)
	}
	show("Black-Scholes", blackScholes(1000, 24))
}
