package ptx_test

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/cuda/ptx"
	"github.com/darray-go/darray/cuda/ptx/ptxtest"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/internal/ref"
)

// TestDivisor divides by the upper word of a product, around multiples of divisors, and random numbers.
func TestDivisor(t *testing.T) {
	leak.Check(t)
	rng := rand.New(rand.NewPCG(1, 8))
	hold := func(n, d uint64) {
		multiplier, shift := ptx.Divisor(d)
		high, _ := bits.Mul64(n, multiplier)
		if got := high >> shift; got != n/d {
			t.Fatalf("%d / %d is %d, want %d", n, d, got, n/d)
		}
	}
	for range 20_000 {
		d := rng.Uint64()>>(1+rng.IntN(62)) + 2
		if rng.IntN(4) == 0 {
			d = 1<<rng.IntN(62) + uint64(rng.IntN(3)) + 1
		}
		d = min(max(d, 2), math.MaxInt64)
		n := rng.Uint64() >> (1 + rng.IntN(63))
		multiple := n / d * d
		for _, n := range []uint64{n, multiple, multiple + d - 1, math.MaxInt64, math.MaxInt64 / d * d, math.MaxInt64/d*d - 1} {
			hold(min(n, math.MaxInt64), d)
		}
	}
}

// TestFarAway runs parts at the far end of domains that no memory holds: indices need all of their 64 bits.
func TestFarAway(t *testing.T) {
	leak.Check(t)
	cpu := ptxtest.NewProcessor(t)
	rng := rand.New(rand.NewPCG(5, 8))
	for _, domain := range []array.Shape{{1 << 40, 7, 5}, {3, 1 << 55, 3}, {1 << 58}, {1<<30 + 1, 1 << 20, 11}} {
		m := &maker{p: array.Program{Domain: domain}}
		strides := make([]int, len(domain))
		if last := len(domain) - 1; last > 0 {
			strides[last] = 1
		}
		row := m.input(array.Input{Kind: array.InputBroadcast, DType: array.Int64, Strides: strides})
		step := m.input(array.Input{Kind: array.InputIota, DType: array.Int64, Value: array.ScalarOf(int64(5)), Step: array.ScalarOf(int64(3))})
		ramp := m.input(array.Input{Kind: array.InputIota, DType: array.Float32, Value: array.ScalarOf(float32(5)), Step: array.ScalarOf(float32(0.3))})
		m.out(m.op(array.Add, row, step))
		m.out(ramp)
		m.reduce(array.Sum, row)
		n := domain.Len()
		operands := []*array.Block{ref.Random(rng, array.Int64, array.Shape{domain[len(domain)-1]&0xFF + 1}, 0.2)}
		for _, lo := range []int{0, n / 2 / array.LeafSize * array.LeafSize, (n - 1500) / array.LeafSize * array.LeafSize} {
			cpu.Compare(t, &array.Launch{Program: &m.p, Lo: lo, Hi: min(n, lo+2*array.LeafSize), Operands: operands}, ptxtest.Options{})
		}
	}
}

// TestNothing builds a program without outputs, which does nothing.
func TestNothing(t *testing.T) {
	leak.Check(t)
	p := &array.Program{Domain: array.Shape{10}, Inputs: []array.Input{{DType: array.Bool}}}
	ptxtest.Fused(t, &array.Launch{Program: p, Hi: 10, Operands: []*array.Block{array.NewBlock(array.Bool, array.Shape{10}, true)}}, ptxtest.Options{})
	if ptx.Plain(nil) {
		t.Error("no program is plain")
	}
}

// TestBroadcast reads operands that repeat along every choice of four axes, and one whose strides are any numbers.
func TestBroadcast(t *testing.T) {
	leak.Check(t)
	cpu := ptxtest.NewProcessor(t)
	rng := rand.New(rand.NewPCG(6, 8))
	domain := array.Shape{3, 4, 5, 6}
	n := domain.Len()
	for axes := range 1 << len(domain) {
		shape := array.Shape{1, 1, 1, 1}
		for i := range shape {
			if axes>>i&1 != 0 {
				shape[i] = domain[i]
			}
		}
		strides := shape.BroadcastStrides(domain)
		reach := shape.Len()
		if axes == 0 {
			strides, reach = []int{7, 0, 3, 2}, 7*2+3*4+2*5+1
		}
		for _, d := range []array.DType{array.Bool, array.Int16, array.Float64} {
			m := &maker{p: array.Program{Domain: domain}}
			x := m.broadcast(d, strides...)
			y := m.x(d)
			m.out(m.op(array.Maximum, x, y))
			m.out(x)
			l := &array.Launch{Program: &m.p, Hi: n, Operands: []*array.Block{
				ref.Random(rng, d, array.Shape{reach}, float64(axes%3)/4), ref.Random(rng, d, array.Shape{n}, 0),
			}}
			cpu.Compare(t, l, randomOptions(rng, l))
			cpu.Compare(t, ref.Part(l, 37, 311), ptxtest.Options{Grid: 2})
		}
	}
}
