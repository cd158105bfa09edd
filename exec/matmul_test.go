package exec_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"gonum.org/v1/gonum/mat"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
	"github.com/darray-go/darray/exec/cpu"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/internal/ref"
)

func matmul(x, y *array.Node) *array.Node { return array.Matmul(x, y, 0) }

func reshape(n *array.Node, shape ...int) *array.Node { return array.Reshape(n, shape, 0) }

// products are expressions with products in them: alone, in chains, of what is given, computed, repeated and reduced.
func products(rng *rand.Rand, d array.DType, nulls float64) []*array.Node {
	random := func(shape ...int) *array.Node { return array.Data(ref.Random(rng, d, shape, nulls), 0) }
	m, k, n := 1+rng.IntN(20), 1+rng.IntN(20), 1+rng.IntN(20)
	x, y, flat := random(m, k), random(k, n), random(m*k)
	xy := matmul(x, y)
	square := random(n, n)
	count := array.Arange(array.ScalarOf(0), array.ScalarOf(k*n), array.ScalarOf(1), 0)
	return []*array.Node{
		xy,
		matmul(random(k), y),
		matmul(x, random(k)),
		matmul(random(m), random(m)),
		matmul(random(m, 1), random(1, n)),
		matmul(random(1, 1), random(1, n)),
		matmul(random(m, 1), random(1)),
		matmul(random(m, 0), random(0, n)),
		matmul(random(0, k), y),
		matmul(x, random(k, 0)),
		matmul(random(0), random(0)),
		apply(array.Sum, xy), // whose parts end at leaves, within rows
		apply(array.Multiply, apply(array.Add, xy, number(1)), xy),
		matmul(xy, square),
		matmul(apply(array.Maximum, x, number(0)), apply(array.Add, y, random(n))), // computed operands
		matmul(matmul(xy, square), matmul(square, square)),
		matmul(square, square),
		matmul(reshape(flat, m, k), reshape(count, k, n)),
		matmul(reshape(flat, k, m), x), // layouts of one length that do not agree
		matmul(array.Full(array.ScalarOf(int8(2)), array.Shape{m, k}, 0), y),
		matmul(x, array.Full(array.ScalarOf(true), array.Shape{k, n}, 0)),
		matmul(reshape(xy, m*n, 1), reshape(apply(array.Sum, y), 1, 1)),
		apply(array.Subtract, xy, apply(array.Mean, xy)),
		matmul(matmul(random(k), y), random(n)), // a dot of a computed row
		apply(array.Add, x, matmul(random(k), random(k))),
	}
}

// TestMatmul holds products against the reference, over any number of ranks and any split.
func TestMatmul(t *testing.T) {
	leak.Check(t)
	for _, p := range ranksOf(upTo9, []int{1, 2, 5, 9}) {
		for seed := range uint64(3) {
			cl := local(t, p, func(_ int, c *exec.Config) {
				if seed > 0 {
					c.Layout = uneven(seed)
				}
			})
			rng := rand.New(rand.NewPCG(seed, uint64(p)))
			types := array.DTypes()
			for _, d := range []array.DType{array.Float64, types[rng.IntN(len(types))]} {
				nulls := float64(rng.IntN(2)) / 20
				var roots []*array.Node
				for _, n := range products(rng, d, nulls) {
					if n.Err() == nil {
						roots = append(roots, n)
					}
				}
				check(t, cl, roots...)
				for _, n := range roots {
					if seed == 0 && p%3 == 1 { // and without the others' layouts
						check(t, cl, n)
					}
				}
			}
			cl.stop()
		}
	}
}

func TestMatmulOverQUIC(t *testing.T) {
	leak.Check(t)
	for seed := range uint64(2) {
		cl := quic(t, 3, func(_ int, c *exec.Config) {
			if seed > 0 {
				c.Layout = uneven(seed)
			}
		})
		var roots []*array.Node
		for _, n := range products(rand.New(rand.NewPCG(seed, 3)), array.Float32, 0.02) {
			if n.Err() == nil {
				roots = append(roots, n)
			}
		}
		check(t, cl, roots...)
		cl.stop()
	}
}

// TestMatmulSameBits: a product has the same bits for any number of ranks and threads and any split, beyond the blocks that
// its sums are made of, and they are those of the reference.
func TestMatmulSameBits(t *testing.T) {
	leak.Check(t)
	const m, k, n = 19, array.MatmulBlock + 55, 13
	var devices [3]*cpu.Device
	for i := range devices {
		devices[i] = cpu.New(cpu.Config{Threads: 1 + i})
		defer devices[i].Close()
	}
	for _, d := range []array.DType{array.Float64, array.Float32} {
		x := array.CastTo(data(t, floats(m*k), m, k), d, 0)
		y := array.CastTo(data(t, floats(k*n), k, n), d, 0)
		roots := []*array.Node{
			matmul(x, y), apply(array.Sum, matmul(x, y)), matmul(matmul(x, y), reshape(matmul(x, y), n, m)),
			matmul(reshape(x, m*k), reshape(x, m*k)),
		}
		want := make([]*array.Block, len(roots))
		for i, root := range roots {
			var err error
			if want[i], err = ref.Eval(root); err != nil {
				t.Fatal(err)
			}
		}
		for _, p := range ranksOf(upTo9, []int{1, 2, 5, 9}) {
			for seed := range uint64(3) {
				device := devices[seed]
				cl := local(t, p, func(_ int, c *exec.Config) {
					c.Device = device
					if seed > 0 {
						c.Layout = uneven(seed)
					}
				})
				blocks, _, err := cl.Collect(context.Background(), roots)
				if err != nil {
					t.Fatal(err)
				}
				for i := range roots {
					if err := ref.Equal(blocks[i], want[i]); err != nil {
						t.Errorf("%d ranks, split %d: %s: %v", p, seed, roots[i], err)
					}
				}
				cl.stop()
			}
		}
	}
}

// TestMatmulNearGonum: a second opinion on products of sizes that the reference is too slow for.
func TestMatmulNearGonum(t *testing.T) {
	leak.Check(t)
	cl := local(t, 3)
	for _, size := range [][3]int{{300, 400, 500}, {1, 3000, 70}, {513, 1025, 1}, {1000, 1, 999}} {
		m, k, n := size[0], size[1], size[2]
		xs, ys := floats(m*k), floats(k*n + 1)[1:]
		blocks, _, err := cl.Collect(context.Background(), []*array.Node{matmul(data(t, xs, m, k), data(t, ys, k, n))})
		if err != nil {
			t.Fatal(err)
		}
		got, err := array.Values[float64](blocks[0])
		if err != nil {
			t.Fatal(err)
		}
		var want, size mat.Dense
		want.Mul(mat.NewDense(m, k, xs), mat.NewDense(k, n, ys))
		abs := func(_, _ int, v float64) float64 { return math.Abs(v) }
		var absX, absY mat.Dense
		absX.Apply(abs, mat.NewDense(m, k, xs))
		absY.Apply(abs, mat.NewDense(k, n, ys))
		size.Mul(&absX, &absY)
		for i, v := range got {
			// Any order of k products and sums is within k roundings of the exact value, relative to the sum of absolute products
			// (Higham, "Accuracy and Stability of Numerical Algorithms", 3.1); two of them are within twice that.
			limit := 2 * float64(k) * 0x1p-53 * size.At(i/n, i%n)
			if math.Abs(v-want.At(i/n, i%n)) > limit {
				t.Fatalf("%v: element %d is %v, gonum's %v", []int{m, k, n}, i, v, want.At(i/n, i%n))
			}
		}
	}
}

// TestMatmulOfFiles: ranks read the rows that they need, and get them from rank 0 where they cannot.
func TestMatmulOfFiles(t *testing.T) {
	leak.Check(t)
	block, err := array.FromSlice(floats(12_000))
	if err != nil {
		t.Fatal(err)
	}
	file := array.File(&array.Source{Format: "test", Column: "x", Name: "f.x"}, array.Float64, 12_000, 0)
	products := func(x *array.Node) []*array.Node {
		y := data(t, floats(80), 80, 1)
		return []*array.Node{
			matmul(reshape(x, 150, 80), y), apply(array.Mean, matmul(reshape(x, 150, 80), y)), matmul(reshape(x, 12_000, 1), data(t, floats(1), 1, 1)),
			matmul(x, x), matmul(reshape(x, 150, 80), reshape(x, 80, 150)),
		}
	}
	var want []*array.Block
	for _, n := range products(array.Data(block, 0)) {
		b, err := ref.Eval(n)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, b)
	}
	for _, overQUIC := range []bool{false, true} {
		for seed := range uint64(3) {
			cl := make3(t, overQUIC, func(rank int, c *exec.Config) {
				closed := new(bool)
				if seed > 0 {
					c.Layout = uneven(seed)
				}
				c.Open = func(context.Context, *array.Source) (exec.Reader, error) {
					if overQUIC && rank == 1 {
						return nil, errors.New("not on this rank")
					}
					return &column{block, closed}, nil
				}
			})
			got, _, err := cl.Collect(context.Background(), products(file))
			if err != nil {
				t.Fatal(err)
			}
			for i, n := range products(file) {
				if err := ref.Equal(got[i], want[i]); err != nil {
					t.Errorf("split %d: %s: %v", seed, n, err)
				}
			}
			cl.stop()
		}
	}
}

// TestCancelMatmul: a product of large matrices ends soon after its context, and the cluster stays usable.
func TestCancelMatmul(t *testing.T) {
	leak.Check(t)
	const n, tries = 4096, 3
	x := data(t, make([]float64, n*n), n, n)
	for _, p := range []int{1, 3} {
		two := cpu.New(cpu.Config{Threads: 2})
		defer two.Close()
		device := &multiplying{two, make(chan struct{})}
		cl := local(t, p, func(_ int, c *exec.Config) { c.Device = device })
		best := time.Hour // other work of the machine may delay some tries, not all
		for try := 0; try < tries && best > inTime; try++ {
			ctx, cancel := context.WithCancel(context.Background())
			var ended time.Time
			var stop sync.WaitGroup
			stop.Go(func() {
				<-device.begun
				ended = time.Now()
				cancel()
			})
			_, _, err := cl.Collect(ctx, []*array.Node{matmul(x, x)})
			best = min(best, time.Since(ended))
			stop.Wait()
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("%d ranks: the error is %v", p, err)
			}
			check(t, cl, matmul(data(t, floats(12), 3, 4), data(t, floats(4))))
		}
		if best > inTime {
			t.Errorf("%d ranks: it took %v", p, best)
		}
		cl.stop()
	}
}

// multiplying is a device that tells when it begins a product.
type multiplying struct {
	exec.Device
	begun chan struct{}
}

func (m *multiplying) Multiply(ctx context.Context, p *array.Product) error {
	if p.Rows > 1000 {
		select {
		case m.begun <- struct{}{}:
		case <-ctx.Done(): // another rank has told
		}
	}
	return m.Device.Multiply(ctx, p)
}

// TestMatmulTooLarge: products that no machine holds are refused before anything runs, whatever their extents multiply to.
func TestMatmulTooLarge(t *testing.T) {
	full := func(shape ...int) *array.Node { return array.Full(array.ScalarOf(1.0), shape, 0) }
	for _, n := range []*array.Node{
		matmul(full(1<<29, 1), full(1, 1<<29)),
		matmul(full(1<<20, 1<<39), full(1<<39, 1<<20)),
		apply(array.Sum, matmul(full(1<<30, 1<<29), full(1<<29, 1))),
	} {
		for _, p := range []int{1, 3} {
			if _, err := exec.NewPlan([]*array.Node{n}, exec.Setting{Ranks: p, InProcess: p > 1, Device: "cpu"}); !errors.Is(err, exec.ErrMemory) {
				t.Errorf("%s: the error is %v", n, err)
			}
		}
	}
}

// TestMatmulProgress: a product counts as its elements.
func TestMatmulProgress(t *testing.T) {
	leak.Check(t)
	var last, of int
	cl := local(t, 2, func(_ int, c *exec.Config) {
		c.Progress = func(done, total int) {
			if done < last || total < done {
				t.Errorf("%d of %d done after %d", done, total, last)
			}
			last, of = done, total
		}
	})
	check(t, cl, matmul(data(t, floats(60), 6, 10), data(t, floats(50), 10, 5)))
	if last != of || of != 60+50+30+30 { // scatter, bcast, matmul, gather
		t.Errorf("%d of %d elements done at the end", last, of)
	}
}
