package cuda_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/cuda"
	"github.com/darray-go/darray/cuda/fake"
	"github.com/darray-go/darray/internal/leak"
)

func TestCompile(t *testing.T) {
	leak.Check(t)
	const source = `extern "C" __global__ void add(size_t n, double *a, double *b, double *out) { /* ... */ }`
	dev := open(t, fake.Options{Sources: map[string]string{source: addText}}, cuda.Options{})
	ctx := t.Context()
	f, m, err := dev.Kernel("add", source)
	check(t, err)
	s := must[*cuda.Stream](t)(dev.Stream())
	b := must[*cuda.Buffer](t)(s.Alloc(ctx, 16))
	x := []float64{1, 2}
	check(t, s.Upload(ctx, b, 0, array.Bytes(x)))
	check(t, f.Launch(s, cuda.Dim{1}, cuda.Dim{32}, 0, []uint64{2, b.Addr(), b.Addr(), b.Addr()}))
	check(t, s.Download(ctx, array.Bytes(x), b, 0))
	check(t, s.Sync(ctx))
	if x[0] != 2 || x[1] != 4 {
		t.Errorf("%v", x)
	}
	check(t, errors.Join(b.Free(), s.Close(), m.Close()))

	_, err = dev.Compile("mine.cu", "void f() { nonsense }")
	var e *cuda.SourceError
	if !errors.As(err, &e) || !strings.Contains(e.Log, "mine.cu(1): error:") || !strings.Contains(err.Error(), "NVRTC_ERROR_COMPILATION") {
		t.Errorf("%v", err)
	}
	if _, err := dev.Compile("mine.cu", source, "use_fast_math"); err == nil || !strings.Contains(err.Error(), "unrecognized option use_fast_math") {
		t.Errorf("%v", err)
	}
	if _, err := dev.Compile("mine.cu", "a\x00b"); err == nil {
		t.Error("a source with a zero byte")
	}
	if _, _, err := dev.Kernel("sub", source); !errors.Is(err, cuda.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

func TestNoLibraries(t *testing.T) {
	leak.Check(t)
	for _, c := range []struct {
		name string
		o    fake.Options
		want []string // for NVRTC, cuBLAS, NCCL
	}{
		{"none", fake.Options{Libraries: []string{"libother.so"}}, []string{"libnvrtc.so.13, libnvrtc.so.12", "libcublas.so.13", "libnccl.so.2"}},
		{
			"old",
			fake.Options{Missing: []string{"nvrtcGetCUBIN", "cublasDgemm_v2", "ncclSend"}},
			[]string{"libnvrtc.so.12 has no nvrtcGetCUBIN", "libcublas.so.12 has no cublasDgemm_v2", "libnccl.so.2 has no ncclSend"},
		},
	} {
		dev := open(t, c.o, cuda.Options{})
		_, one := dev.Compile("a.cu", "a")
		_, two := dev.BLAS()
		_, three := dev.NewGroupID()
		for i, err := range []error{one, two, three} {
			if !errors.Is(err, cuda.ErrLibrary) || !strings.Contains(err.Error(), c.want[i]) {
				t.Errorf("%s: %v; %q is wanted", c.name, err, c.want[i])
			}
		}
	}
}

// TestGemm multiplies matrices with rows that are longer than they need, transposed and not.
func TestGemm(t *testing.T) {
	leak.Check(t)
	dev := open(t, fake.Options{}, cuda.Options{})
	ctx := t.Context()
	s := must[*cuda.Stream](t)(dev.Stream())
	blas := must[*cuda.BLAS](t)(dev.BLAS())
	const m, n, k, pad = 3, 5, 4, 2
	r := rand.New(rand.NewPCG(1, 2))
	ints := func(n int) []float64 { // of which float32 sums are exact
		xs := make([]float64, n)
		for i := range xs {
			xs[i] = float64(r.IntN(19) - 9)
		}
		return xs
	}
	for _, ta := range []bool{false, true} {
		for _, tb := range []bool{false, true} {
			shape := func(t bool, rows, columns int) (int, int) {
				if t {
					return columns, rows
				}
				return rows, columns
			}
			ra, ca := shape(ta, m, k)
			rb, cb := shape(tb, k, n)
			sa, sb, sc := ca+pad, cb+pad, n+pad
			a, b, c := ints(ra*sa), ints(rb*sb), ints(m*sc)
			want := append([]float64(nil), c...)
			at := func(x []float64, t bool, i, j, stride int) float64 {
				if t {
					i, j = j, i
				}
				return x[i*stride+j]
			}
			for i := range m {
				for j := range n {
					sum := 3 * c[i*sc+j]
					for l := range k {
						sum += 2 * at(a, ta, i, l, sa) * at(b, tb, l, j, sb)
					}
					want[i*sc+j] = sum
				}
			}
			got := gemm(ctx, t, dev, s, a, b, c, func(x, y, z uint64) error {
				return blas.Dgemm(s, m, n, k, 2, cuda.Matrix{Addr: x, Stride: sa, Transposed: ta}, cuda.Matrix{Addr: y, Stride: sb, Transposed: tb}, 3, cuda.Matrix{Addr: z, Stride: sc})
			})
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("transposed %t, %t: %v, %v is wanted", ta, tb, got, want)
			}
			small := gemm(ctx, t, dev, s, narrow(a), narrow(b), narrow(c), func(x, y, z uint64) error {
				return blas.Sgemm(s, m, n, k, 2, cuda.Matrix{Addr: x, Stride: sa, Transposed: ta}, cuda.Matrix{Addr: y, Stride: sb, Transposed: tb}, 3, cuda.Matrix{Addr: z, Stride: sc})
			})
			if fmt.Sprint(small) != fmt.Sprint(want) {
				t.Errorf("float32, transposed %t, %t: %v, %v is wanted", ta, tb, small, want)
			}
		}
	}
	if err := blas.Dgemm(s, 2, 2, 2, 1, cuda.Matrix{Stride: 1}, cuda.Matrix{Stride: 2}, 0, cuda.Matrix{Stride: 2}); err == nil ||
		!strings.Contains(err.Error(), "cublasDgemm_v2: CUBLAS_STATUS_INVALID_VALUE (7)") {
		t.Errorf("%v", err)
	}
	check(t, errors.Join(blas.Close(), blas.Close(), s.Close()))
	if err := blas.Dgemm(s, 1, 1, 1, 1, cuda.Matrix{}, cuda.Matrix{}, 0, cuda.Matrix{}); !errors.Is(err, cuda.ErrClosed) {
		t.Errorf("%v", err)
	}
}

func narrow(xs []float64) []float32 {
	out := make([]float32, len(xs))
	for i, x := range xs {
		out[i] = float32(x)
	}
	return out
}

// gemm uploads matrices, queues, and returns the third.
func gemm[T float32 | float64](ctx context.Context, t *testing.T, dev *cuda.Device, s *cuda.Stream, a, b, c []T, queue func(a, b, c uint64) error) []T {
	t.Helper()
	var bufs [3]*cuda.Buffer
	for i, x := range [][]T{a, b, c} {
		bufs[i] = must[*cuda.Buffer](t)(s.Alloc(ctx, len(array.Bytes(x))))
		check(t, s.Upload(ctx, bufs[i], 0, array.Bytes(x)))
	}
	check(t, queue(bufs[0].Addr(), bufs[1].Addr(), bufs[2].Addr()))
	got := make([]T, len(c))
	check(t, s.Download(ctx, array.Bytes(got), bufs[2], 0))
	check(t, s.Sync(ctx))
	for _, b := range bufs {
		check(t, b.Free())
	}
	return got
}

// TestGroup takes four ranks, each with its device, through all that a group does.
func TestGroup(t *testing.T) {
	seeds(t, 6, func(t *testing.T, seed uint64) {
		const ranks, n = 4, 3
		ctx := t.Context()
		v := must[*cuda.Driver](t)(cuda.Simulated(fake.Options{Devices: ranks, Seed: seed}))
		type rank struct {
			d        *cuda.Device
			g        *cuda.Group
			s        *cuda.Stream
			src, dst *cuda.Buffer
		}
		var all [ranks]rank
		var id cuda.GroupID
		var joining sync.WaitGroup
		for i := range all {
			d := must[*cuda.Device](t)(v.Open(i, cuda.Options{Stage: 64 << 10}))
			if i == 0 {
				id = must[cuda.GroupID](t)(d.NewGroupID())
			}
			all[i] = rank{
				d: d, s: must[*cuda.Stream](t)(d.Stream()),
				src: must[*cuda.Buffer](t)(d.Alloc(ctx, 8*n*ranks)), dst: must[*cuda.Buffer](t)(d.Alloc(ctx, 8*n*ranks)),
			}
			joining.Go(func() {
				var err error
				if all[i].g, err = d.Join(ctx, id, i, ranks); err != nil || all[i].g.Rank() != i || all[i].g.Size() != ranks {
					t.Errorf("rank %d: %v", i, err)
				}
			})
		}
		joining.Wait()
		if t.Failed() {
			t.FailNow()
		}
		for _, c := range []struct {
			name string
			call func(i int, r rank) error
			want func(i, e int) float64 // of element e of rank i
			n    int
		}{
			{
				"allreduce", func(_ int, r rank) error {
					return r.g.AllReduce(r.s, r.src.Addr(), r.dst.Addr(), n, cuda.Float64, cuda.GroupSum)
				},
				func(_, e int) float64 { return float64(600 + 4*e) }, n,
			},
			{
				"max", func(_ int, r rank) error {
					return r.g.AllReduce(r.s, r.src.Addr(), r.dst.Addr(), n, cuda.Float64, cuda.GroupMax)
				},
				func(_, e int) float64 { return float64(300 + e) }, n,
			},
			{
				"broadcast", func(_ int, r rank) error { return r.g.Broadcast(r.s, r.src.Addr(), r.dst.Addr(), n, cuda.Float64, 2) },
				func(_, e int) float64 { return float64(200 + e) }, n,
			},
			{
				"allgather", func(_ int, r rank) error { return r.g.AllGather(r.s, r.src.Addr(), r.dst.Addr(), n, cuda.Float64) },
				func(_, e int) float64 { return float64(100*(e/n) + e%n) }, n * ranks,
			},
			{
				"reducescatter", func(_ int, r rank) error {
					return r.g.ReduceScatter(r.s, r.src.Addr(), r.dst.Addr(), n, cuda.Float64, cuda.GroupSum)
				},
				func(i, e int) float64 { return float64(600 + 4*(i*n+e)) }, n,
			},
			{
				"ring", func(i int, r rank) error {
					return errors.Join(
						r.g.Recv(r.s, r.dst.Addr(), n, cuda.Float64, (i+ranks-1)%ranks),
						r.g.Send(r.s, r.src.Addr(), n, cuda.Float64, (i+1)%ranks))
				},
				func(i, e int) float64 { return float64(100*((i+ranks-1)%ranks) + e) }, n,
			},
		} {
			var got [ranks][]float64
			for i, r := range all {
				xs := make([]float64, n*ranks)
				for e := range xs {
					xs[e] = float64(100*i + e)
				}
				check(t, r.s.Upload(ctx, r.src, 0, array.Bytes(xs)))
				check(t, r.g.Together(ctx, r.s, func() error { return c.call(i, r) }))
				got[i] = make([]float64, c.n)
				check(t, r.s.Download(ctx, array.Bytes(got[i]), r.dst, 0))
			}
			for i, r := range all {
				check(t, r.s.Sync(ctx))
				for e, x := range got[i] {
					if x != c.want(i, e) {
						t.Errorf("%s: element %d of rank %d is %v", c.name, e, i, x)
					}
				}
			}
		}
		if _, err := all[0].d.Join(ctx, id, 0, ranks); err == nil || !strings.Contains(err.Error(), "ncclCommInitRankConfig: invalid usage") {
			t.Errorf("a fifth rank: %v", err)
		}
		for _, r := range all {
			check(t, errors.Join(r.g.Close(), r.g.Close(), r.s.Close(), r.src.Free(), r.dst.Free(), r.d.Close()))
		}
		check(t, v.Close())
	})
}
