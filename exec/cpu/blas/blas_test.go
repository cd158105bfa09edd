package blas_test

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/darray-go/darray/exec/cpu/blas"
	"github.com/darray-go/darray/exec/cpu/kern"
	"github.com/darray-go/darray/internal/leak"
)

// isas are the instruction sets of this machine.
func isas() map[string]kern.ISA {
	out := map[string]kern.ISA{}
	for isa := kern.Go; isa <= kern.Best(); isa++ {
		out[isa.String()] = isa
	}
	return out
}

// random is a matrix of numbers in [-1, 1), the same at every run.
func random[T blas.Float](rows, cols int) blas.Matrix[T] {
	r := rand.New(rand.NewPCG(uint64(rows), uint64(cols)))
	return filled(rows, cols, cols, false, func() T { return T(2*r.Float64() - 1) })
}

// filled is a matrix of what value gives, the gaps between its rows included.
func filled[T blas.Float](rows, cols, stride int, transposed bool, value func() T) blas.Matrix[T] {
	long := rows
	if transposed {
		long = cols
	}
	x := blas.Matrix[T]{Rows: rows, Cols: cols, Stride: max(1, stride), Transposed: transposed, Data: make([]T, long*max(1, stride))}
	for i := range x.Data {
		x.Data[i] = value()
	}
	return x
}

func clone[T blas.Float](x blas.Matrix[T]) blas.Matrix[T] {
	x.Data = append([]T(nil), x.Data...)
	return x
}

// sized is a case: the shape of C, the products in an element, and how the matrices lie.
type sized struct {
	m, n, k    int
	alpha      float64
	beta       float64
	tA, tB     bool
	pad        int
	threads    int
	specialsIn int // one element in so many is NaN, infinite, zero, subnormal or huge
}

// operands makes the matrices of a case.
func operands[T blas.Float](s sized) (a, b, c blas.Matrix[T]) {
	r := rand.New(rand.NewPCG(uint64(s.m*64+s.n), uint64(s.k)))
	specials := []float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1), 1e-40, -1e-310, 3e38, 1e-30}
	value := func() T {
		if s.specialsIn > 0 && r.IntN(s.specialsIn) == 0 {
			return T(specials[r.IntN(len(specials))])
		}
		return T(2*r.Float64() - 1)
	}
	strideA, strideB := s.k, s.n
	if s.tA {
		strideA = s.m
	}
	if s.tB {
		strideB = s.k
	}
	a = filled(s.m, s.k, strideA+s.pad, s.tA, value)
	b = filled(s.k, s.n, strideB+s.pad, s.tB, value)
	c = filled(s.m, s.n, s.n+s.pad, false, value)
	return a, b, c
}

// compare runs one case by m and against the reference, bit for bit, gaps included.
func compare[T blas.Float](t *testing.T, m *blas.Multiplier[T], s sized) {
	t.Helper()
	a, b, got := operands[T](s)
	want := clone(got)
	if s.beta == 0 { // what C holds must not matter
		for i := range s.m {
			for j := range s.n {
				got.Data[i*got.Stride+j] = T(math.NaN())
			}
		}
	}
	reference(T(s.alpha), a, b, T(s.beta), want)
	if err := m.Multiply(t.Context(), T(s.alpha), a, b, T(s.beta), got); err != nil {
		t.Fatalf("%+v: %v", s, err)
	}
	for i := range want.Data {
		if !sameBits(got.Data[i], want.Data[i]) {
			t.Fatalf("%+v: element (%d, %d) is %v, want %v", s, i/got.Stride, i%got.Stride, got.Data[i], want.Data[i])
		}
	}
}

// TestReference holds every kernel against the triple loop.
func TestReference(t *testing.T) {
	for name, isa := range isas() {
		t.Run(name+"/float64", func(t *testing.T) { testReference[float64](t, isa) })
		t.Run(name+"/float32", func(t *testing.T) { testReference[float32](t, isa) })
	}
}

func testReference[T blas.Float](t *testing.T, isa kern.ISA) {
	leak.Check(t)
	m := blas.New[T](1, isa)
	sides := []int{0, 1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 13, 16, 23, 24, 25, 31, 47, 48, 49, 50}
	alphas, betas := []float64{1, 1, 0.3, -2, 0}, []float64{0, 1, 0.7}
	if _, ok := any(T(0)).(float32); ok { // a slow reference: fewer cases
		sides = []int{0, 1, 4, 5, 11, 24, 25, 49}
	}
	for i, rows := range sides {
		for j, cols := range sides {
			if testing.Short() && (i+j)%3 > 0 {
				continue
			}
			for l, depth := range []int{0, 1, 2, 3, 4, 17, 5}[(i+j)%3 : 6] {
				turn := i + 2*j + 3*l
				compare(t, m, sized{
					m: rows, n: cols, k: depth, alpha: alphas[turn%len(alphas)], beta: betas[turn/2%len(betas)],
					tA: turn%2 == 0, tB: turn/2%2 == 0, pad: turn % 3, specialsIn: turn % 4 * 50,
				})
			}
		}
	}
	depths := []int{255, 256, 257, 300, 511, 512, 513, 770}
	if testing.Short() {
		depths = []int{256, 257, 513}
	}
	for i, depth := range depths {
		compare(t, m, sized{m: 5 + i, n: 7, k: depth, alpha: 1, beta: float64(i % 2), tA: i%2 == 0, tB: i%3 == 0})
		compare(t, m, sized{m: 9, n: 1, k: depth, alpha: 0.5, beta: 1, tA: i%2 == 0, specialsIn: 400})
	}
}

// TestBlocks goes past the sides at which operands are cut.
func TestBlocks(t *testing.T) {
	leak.Check(t)
	for name, isa := range isas() {
		t.Run(name, func(t *testing.T) {
			for _, s := range []sized{
				{m: 4095, n: 3, k: 5},
				{m: 4096, n: 2, k: 3, tA: true},
				{m: 4097, n: 3, k: 5},
				{m: 8200, n: 1, k: 3, pad: 1},
				{m: 3, n: 4096, k: 5},
				{m: 2, n: 4097, k: 3, tB: true},
				{m: 1, n: 8205, k: 4},
				{m: 5, n: 260, k: 520, threads: 3},
				{m: 700, n: 150, k: 20},
				{m: 150, n: 700, k: 300, tA: true, tB: true},
			} {
				s.alpha = 1
				compare(t, blas.New[float64](max(2, s.threads), isa), s)
			}
		})
	}
}

// TestThreadsAndSplits holds that neither threads nor the rows and columns that C is cut into change a bit.
func TestThreadsAndSplits(t *testing.T) {
	leak.Check(t)
	const m, n, k = 141, 170, 300
	a, b := random[float64](m, k), random[float64](k, n)
	want := filled(m, n, n, false, func() float64 { return 1 })
	reference(1, a, b, 1, want)
	for name, isa := range isas() {
		for threads := 1; threads <= 4; threads++ {
			r := blas.New[float64](threads, isa)
			for _, step := range []int{m, 64, 7} {
				got := filled(m, n, n, false, func() float64 { return 1 })
				for i := 0; i < m; i += step {
					rows := min(step, m-i)
					for j := 0; j < n; j += step + 1 {
						cols := min(step+1, n-j)
						left := blas.Matrix[float64]{Rows: rows, Cols: k, Stride: k, Data: a.Data[i*k:]}
						right := blas.Matrix[float64]{Rows: k, Cols: cols, Stride: n, Data: b.Data[j:]}
						out := blas.Matrix[float64]{Rows: rows, Cols: cols, Stride: n, Data: got.Data[i*n+j:]}
						if err := r.Multiply(t.Context(), 1, left, right, 1, out); err != nil {
							t.Fatal(err)
						}
					}
				}
				for i := range want.Data {
					if got.Data[i] != want.Data[i] {
						t.Fatalf("%s, %d threads, parts of %d: element %d is %v, want %v", name, threads, step, i, got.Data[i], want.Data[i])
					}
				}
			}
		}
	}
}

// TestFMA32 holds the fused multiply-add in Go against exact arithmetic, mostly near the middles between two float32.
func TestFMA32(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	number := func() float32 {
		switch r.IntN(4) {
		case 0:
			return math.Float32frombits(r.Uint32()) // any exponent, NaN and infinity too
		case 1:
			return math.Float32frombits(r.Uint32() &^ (1<<12 - 1) & 0x007fffff) // subnormal
		case 2:
			return float32(math.Ldexp(1, r.IntN(270)-150))
		}
		return math.Float32frombits(0x3f800000 | r.Uint32()&0x00fff000) // half the bits, so that products end in a middle
	}
	for range 200_000 {
		x, y, z := number(), number(), number()
		if r.IntN(2) == 0 { // an addend far below a product in the middle
			z = float32(math.Ldexp(float64(z), -r.IntN(80)))
		}
		if got, want := blas.FMA32(x, y, z), fma(x, y, z); !sameBits(got, want) {
			t.Fatalf("fma(%x, %x, %x) = %x, want %x", x, y, z, got, want)
		}
	}
}

// countdown is a context that ends after some looks at it.
type countdown struct {
	context.Context
	left int
}

func (c *countdown) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

func TestCancel(t *testing.T) {
	leak.Check(t)
	a, c := random[float64](300, 300), random[float64](300, 300)
	m := blas.New[float64](1, kern.AVX2)
	looks := &countdown{context.Background(), math.MaxInt}
	if err := m.Multiply(looks, 1, a, a, 0, c); err != nil {
		t.Fatal(err)
	}
	all := math.MaxInt - looks.left
	for _, left := range []int{0, 1, all / 2, all - 1} {
		if err := m.Multiply(&countdown{context.Background(), left}, 1, a, a, 0, c); err != context.Canceled {
			t.Errorf("ended at look %d of %d: %v, want context.Canceled", left, all, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := blas.New[float64](4, kern.AVX2).Multiply(ended, 1, a, a, 0, c); err != context.Canceled {
		t.Errorf("with four threads: %v, want context.Canceled", err)
	}
}

func TestErrors(t *testing.T) {
	leak.Check(t)
	ok := func() (a, b, c blas.Matrix[float64]) {
		return random[float64](2, 3), random[float64](3, 4), random[float64](2, 4)
	}
	for _, test := range []struct {
		name string
		harm func(a, b, c *blas.Matrix[float64])
		says string
	}{
		{"inner sides", func(a, b, c *blas.Matrix[float64]) { a.Cols, a.Stride = 2, 2 }, "as many columns as the second has rows"},
		{"result's shape", func(a, b, c *blas.Matrix[float64]) { c.Rows = 1 }, "the result is 1 x 4 but the product 2 x 4"},
		{"transposed result", func(a, b, c *blas.Matrix[float64]) { c.Transposed = true }, "in the other order"},
		{"short stride", func(a, b, c *blas.Matrix[float64]) { b.Stride = 3 }, "second factor: a stride of 3 is less than a row of 4"},
		{"short data", func(a, b, c *blas.Matrix[float64]) { a.Data = a.Data[:5] }, "first factor: 5 elements do not hold 2 rows"},
		{"no data", func(a, b, c *blas.Matrix[float64]) { c.Data = nil }, "result: 0 elements"},
		{"vast stride", func(a, b, c *blas.Matrix[float64]) { a.Stride = math.MaxInt }, "first factor"},
		{"negative rows", func(a, b, c *blas.Matrix[float64]) { a.Rows, c.Rows = -1, -1 }, "-1 x 3 is no shape"},
	} {
		a, b, c := ok()
		test.harm(&a, &b, &c)
		err := blas.New[float64](1, kern.Go).Multiply(t.Context(), 1, a, b, 0, c)
		if err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: error %v does not say %q", test.name, err, test.says)
		}
	}
}
