package fake

import (
	"context"
	"unsafe"
)

// blasHandle is one of cuBLAS's.
type blasHandle struct {
	d  *device
	st *stream
}

// Codes of cuBLAS.
const (
	blasNotInitialized result = 1
	blasInvalidValue   result = 7
)

// blas are the functions of cuBLAS.
func (s *slot) blas() map[string]any {
	with := func(name string, h uintptr, f func(m *Machine, b *blasHandle) result) uintptr {
		return s.current(name, func(m *Machine, d *device) result {
			b := m.blas[h]
			if b == nil || b.d != d {
				return blasNotInitialized
			}
			return f(m, b)
		})
	}
	return map[string]any{
		"cublasCreate_v2": func(out *uintptr) uintptr {
			return s.current("cublasCreate_v2", func(m *Machine, d *device) result {
				h := m.handle()
				m.blas[h] = &blasHandle{d: d}
				return set(out, h)
			})
		},
		"cublasDestroy_v2": func(h uintptr) uintptr {
			return with("cublasDestroy_v2", h, func(m *Machine, _ *blasHandle) result {
				delete(m.blas, h)
				return success
			})
		},
		"cublasSetMathMode": func(h uintptr, mode int32) uintptr {
			return with("cublasSetMathMode", h, func(*Machine, *blasHandle) result {
				if mode < 0 || mode > 3 {
					return blasInvalidValue
				}
				return success
			})
		},
		"cublasSetStream_v2": func(h, st uintptr) uintptr {
			return with("cublasSetStream_v2", h, func(m *Machine, b *blasHandle) result {
				if b.st = m.on(b.d, st); b.st == nil {
					return blasInvalidValue
				}
				return success
			})
		},
		"cublasDgemm_v2": func(h uintptr, ta, tb, m, n, k int32, alpha *float64, a uint64, lda int32, b uint64, ldb int32, beta *float64, c uint64, ldc int32) uintptr {
			return with("cublasDgemm_v2", h, func(mach *Machine, on *blasHandle) result {
				return gemm(mach, on, ta, tb, m, n, k, *alpha, a, lda, b, ldb, *beta, c, ldc)
			})
		},
		"cublasSgemm_v2": func(h uintptr, ta, tb, m, n, k int32, alpha *float32, a uint64, lda int32, b uint64, ldb int32, beta *float32, c uint64, ldc int32) uintptr {
			return with("cublasSgemm_v2", h, func(mach *Machine, on *blasHandle) result {
				return gemm(mach, on, ta, tb, m, n, k, *alpha, a, lda, b, ldb, *beta, c, ldc)
			})
		},
	}
}

// gemm queues c = alpha op(a) op(b) + beta c with columns one behind the other, as BLAS defines it.
func gemm[T float32 | float64](mach *Machine, on *blasHandle, ta, tb, m, n, k int32, alpha T, a uint64, lda int32, b uint64, ldb int32, beta T, c uint64, ldc int32) result {
	rows := func(t, rows, columns int32) (int32, int32) {
		if t != 0 {
			return columns, rows
		}
		return rows, columns
	}
	ra, ca := rows(ta, m, k)
	rb, cb := rows(tb, k, n)
	if on.st == nil || m < 0 || n < 0 || k < 0 || lda < max(1, ra) || ldb < max(1, rb) || ldc < max(1, m) || ta > 1 || tb > 1 {
		return blasInvalidValue
	}
	st := on.st
	return mach.enqueue(st, &op{name: "gemm", run: func(context.Context) outcome {
		x, wrong := column[T](st.d, a, ra, ca, lda)
		if wrong != "" {
			return outcome{wrong: wrong}
		}
		y, wrong := column[T](st.d, b, rb, cb, ldb)
		if wrong != "" {
			return outcome{wrong: wrong}
		}
		z, wrong := column[T](st.d, c, m, n, ldc)
		if wrong != "" {
			return outcome{wrong: wrong}
		}
		at := func(v []T, t, i, j, ld int32) T {
			if t != 0 {
				i, j = j, i
			}
			return v[int(i)+int(j)*int(ld)]
		}
		for j := range n {
			for i := range m {
				var sum T
				for l := range k {
					sum += at(x, ta, i, l, lda) * at(y, tb, l, j, ldb)
				}
				sum *= alpha
				if beta != 0 {
					sum += beta * z[int(i)+int(j)*int(ldc)]
				}
				z[int(i)+int(j)*int(ldc)] = sum
			}
		}
		return outcome{took: mach.cost(2*float64(m)*float64(n)*float64(k), mach.o.Rates.Instructions)}
	}})
}

// column views a matrix with ld elements from one column to the next.
func column[T any](d *device, addr uint64, rows, columns, ld int32) (v []T, wrong string) {
	var zero T
	if rows == 0 || columns == 0 {
		return nil, ""
	}
	n := int(ld)*int(columns-1) + int(rows)
	b, err := d.memory.Bytes(addr, n*int(unsafe.Sizeof(zero)))
	if err != nil {
		return nil, err.Error()
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n), ""
}
