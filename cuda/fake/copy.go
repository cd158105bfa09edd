package fake

import (
	"context"
	"unsafe"
)

// copyCalls are the functions that queue copies.
func (s *slot) copyCalls() map[string]any {
	return map[string]any{
		"cuMemcpyHtoDAsync_v2": func(dst uint64, src unsafe.Pointer, n uint64, h uintptr) uintptr {
			return s.queue("cuMemcpyHtoDAsync_v2", h, func(m *Machine, st *stream) result {
				return m.hostOp(st, "host to device", src, dst, int(n), true)
			})
		},
		"cuMemcpyDtoHAsync_v2": func(dst unsafe.Pointer, src, n uint64, h uintptr) uintptr {
			return s.queue("cuMemcpyDtoHAsync_v2", h, func(m *Machine, st *stream) result {
				return m.hostOp(st, "device to host", dst, src, int(n), false)
			})
		},
		"cuMemcpyDtoDAsync_v2": func(dst, src, n uint64, h uintptr) uintptr {
			return s.queue("cuMemcpyDtoDAsync_v2", h, func(m *Machine, st *stream) result {
				return m.deviceCopy(st, "copy", st.d, dst, st.d, src, int(n))
			})
		},
		"cuMemcpyPeerAsync": func(dst uint64, to uintptr, src uint64, from uintptr, n uint64, h uintptr) uintptr {
			return s.queue("cuMemcpyPeerAsync", h, func(m *Machine, st *stream) result {
				a, b := m.byContext(to), m.byContext(from)
				if a == nil || b == nil {
					return invalidContext
				}
				return m.deviceCopy(st, "copy between devices", a, dst, b, src, int(n))
			})
		},
		"cuMemsetD8Async": func(dst uint64, value uint8, n uint64, h uintptr) uintptr {
			return s.queue("cuMemsetD8Async", h, func(m *Machine, st *stream) result {
				return m.enqueue(st, &op{name: "fill", run: func(context.Context) outcome {
					b, err := st.d.memory.Bytes(dst, int(n))
					if err != nil {
						return outcome{wrong: err.Error()}
					}
					fill(b, value)
					return outcome{took: m.cost(float64(n), m.o.Rates.Memory)}
				}})
			})
		},
	}
}

// queue is current for a function that queues work in a stream.
func (s *slot) queue(name string, h uintptr, f func(m *Machine, st *stream) result) uintptr {
	return s.current(name, func(m *Machine, d *device) result {
		st := m.on(d, h)
		if st == nil {
			return invalidHandle
		}
		return f(m, st)
	})
}

func (m *Machine) deviceCopy(st *stream, name string, to *device, dst uint64, from *device, src uint64, n int) result {
	return m.enqueue(st, &op{name: name, run: func(context.Context) outcome {
		a, err := to.memory.Bytes(dst, n)
		if err != nil {
			return outcome{wrong: err.Error()}
		}
		b, err := from.memory.Bytes(src, n)
		if err != nil {
			return outcome{wrong: err.Error()}
		}
		if to == from && dst < src+uint64(n) && src < dst+uint64(n) {
			return outcome{wrong: "source and destination overlap"}
		}
		copy(a, b)
		return outcome{took: m.cost(2*float64(n), m.o.Rates.Memory)}
	}})
}
