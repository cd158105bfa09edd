package cuda

import (
	"errors"
	"fmt"
	"math"
	"sync"
)

// cublas multiplies matrices. It comes with a toolkit, not with the driver.
var cublas = kind{
	name:  "cuBLAS",
	files: []string{"libcublas.so.13", "libcublas.so.12", "libcublas.so.11", "libcublas.so"},
	functions: []string{
		"cublasCreate_v2", "cublasDestroy_v2", "cublasSetStream_v2", "cublasSetMathMode", "cublasSgemm_v2", "cublasDgemm_v2",
	},
	codes: map[int]string{
		1: "CUBLAS_STATUS_NOT_INITIALIZED", 3: "CUBLAS_STATUS_ALLOC_FAILED", 7: "CUBLAS_STATUS_INVALID_VALUE",
		8: "CUBLAS_STATUS_ARCH_MISMATCH", 11: "CUBLAS_STATUS_MAPPING_ERROR", 13: "CUBLAS_STATUS_EXECUTION_FAILED",
		14: "CUBLAS_STATUS_INTERNAL_ERROR", 15: "CUBLAS_STATUS_NOT_SUPPORTED",
	},
	get: "install NVIDIA's package of it (libcublas) or use an image with CUDA's runtime libraries",
}

// BLAS is cuBLAS on a device. Its sums are in no fixed order: another card or another release gives other last bits. Close it.
type BLAS struct {
	d      *Device
	l      *library
	mu     sync.Mutex
	handle uintptr
}

// pedantic is CUBLAS_PEDANTIC_MATH: float32 is computed as float32, not as TF32.
const pedantic = 2

// BLAS opens cuBLAS. ErrLibrary where it is not installed.
func (d *Device) BLAS() (*BLAS, error) {
	l, err := d.v.lib(&cublas)
	if err != nil {
		return nil, err
	}
	b := &BLAS{d: d, l: l}
	err = d.do(func() error {
		f := newFrame()
		defer f.done(1)
		if err := l.call(&cublas, "cublasCreate_v2", f.at(0)); err != nil {
			return err
		}
		b.handle = uintptr(f.word[0])
		if err := l.call(&cublas, "cublasSetMathMode", b.handle, pedantic); err != nil {
			return errors.Join(err, l.call(&cublas, "cublasDestroy_v2", b.handle))
		}
		handle := b.handle
		d.opened(b, func() error { return l.call(&cublas, "cublasDestroy_v2", handle) }) // while the device cannot be closed
		return nil
	})
	if err != nil {
		return nil, err
	}
	return b, nil
}

// Close gives cuBLAS's memory on the device back. It is to be called before the device is closed. The second call does nothing.
func (b *BLAS) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.handle == 0 {
		return nil
	}
	if err := b.d.enter(); err != nil {
		return gone(err)
	}
	defer b.d.leave()
	b.handle = 0
	return b.d.shut(b)
}

// Matrix is a matrix in memory of the device, row after row: element (i, j) is element i*Stride + j from Addr on. Transposed, it stands
// for its transpose.
type Matrix struct {
	Addr       uint64
	Stride     int
	Transposed bool
}

// Dgemm queues c = alpha a b + beta c over float64, where a is m by k, b k by n and c, which is not transposed, m by n. Where beta is 0
// what c holds does not matter.
func (b *BLAS) Dgemm(s *Stream, m, n, k int, alpha float64, x, y Matrix, beta float64, c Matrix) error {
	return b.gemm("cublasDgemm_v2", s, m, n, k, math.Float64bits(alpha), x, y, math.Float64bits(beta), c)
}

// Sgemm is Dgemm over float32.
func (b *BLAS) Sgemm(s *Stream, m, n, k int, alpha float32, x, y Matrix, beta float32, c Matrix) error {
	return b.gemm("cublasSgemm_v2", s, m, n, k, uint64(math.Float32bits(alpha)), x, y, uint64(math.Float32bits(beta)), c)
}

// gemm calls the library, whose matrices are column after column: read so, ours are transposes, and c' = y' x'.
func (b *BLAS) gemm(name string, s *Stream, m, n, k int, alpha uint64, x, y Matrix, beta uint64, c Matrix) error {
	if m < 0 || n < 0 || k < 0 || max(m, n, k, x.Stride, y.Stride, c.Stride) > math.MaxInt32 || c.Transposed || s.d != b.d {
		return fmt.Errorf("%s: %d by %d by %d: sizes are at most %d, the result is not transposed, the stream of the same device",
			name, m, n, k, math.MaxInt32)
	}
	if m == 0 || n == 0 {
		return nil
	}
	if err := b.d.enter(); err != nil {
		return err
	}
	defer b.d.leave()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.handle == 0 {
		return fmt.Errorf("%s: %w", name, ErrClosed)
	}
	f := newFrame()
	defer f.done(2)
	f.word[0], f.word[1] = alpha, beta
	op := func(m Matrix) uintptr {
		if m.Transposed {
			return 1 // CUBLAS_OP_T
		}
		return 0
	}
	_, err := s.issue(nil, func() error {
		if err := b.l.call(&cublas, "cublasSetStream_v2", b.handle, s.handle); err != nil {
			return err
		}
		return b.l.call(&cublas, name, b.handle, op(y), op(x), uintptr(n), uintptr(m), uintptr(k), f.at(0), uintptr(y.Addr), uintptr(y.Stride),
			uintptr(x.Addr), uintptr(x.Stride), f.at(1), uintptr(c.Addr), uintptr(c.Stride))
	})
	return err
}
