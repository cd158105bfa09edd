package cuda_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/darray-go/darray/cuda"
	"github.com/darray-go/darray/cuda/fake"
)

// BenchmarkLaunch queues an empty kernel: the driver's part is the simulated one's, which is a callback into Go.
func BenchmarkLaunch(b *testing.B) {
	dev := open(b, fake.Options{}, cuda.Options{})
	m := must[*cuda.Module](b)(dev.Load(".version 7.0\n.target sm_70\n.address_size 64\n.visible .entry empty(.param .u64 x) { ret; }\n"))
	f := must[*cuda.Func](b)(m.Func("empty"))
	s := must[*cuda.Stream](b)(dev.Stream())
	params := []uint64{1}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		check(b, f.Launch(s, cuda.Dim{1}, cuda.Dim{1}, 0, params))
		if n++; n%1024 == 0 {
			b.StopTimer()
			check(b, s.Sync(b.Context()))
			b.StartTimer()
		}
	}
	check(b, errors.Join(s.Sync(b.Context()), s.Close(), m.Close()))
}

// BenchmarkAlloc takes a buffer from the cache and gives it back.
func BenchmarkAlloc(b *testing.B) {
	dev := open(b, fake.Options{}, cuda.Options{})
	b.ReportAllocs()
	for b.Loop() {
		buf, err := dev.Alloc(b.Context(), 4096)
		check(b, err)
		check(b, buf.Free())
	}
}

// BenchmarkStaged moves memory that is not pinned through staging buffers.
func BenchmarkStaged(b *testing.B) {
	for _, n := range []int{4 << 10, 1 << 20, 64 << 20} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			dev := open(b, fake.Options{}, cuda.Options{Stage: 16 << 20})
			s := must[*cuda.Stream](b)(dev.Stream())
			buf := must[*cuda.Buffer](b)(dev.Alloc(b.Context(), n))
			x := make([]byte, n)
			b.SetBytes(int64(2 * n))
			b.ReportAllocs()
			for b.Loop() {
				check(b, errors.Join(s.Upload(b.Context(), buf, 0, x), s.Download(b.Context(), x, buf, 0), s.Sync(b.Context())))
			}
			check(b, errors.Join(buf.Free(), s.Close()))
		})
	}
}
