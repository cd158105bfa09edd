package fake

import (
	"fmt"
	"unsafe"

	"github.com/darray-go/darray/cuda/ptx/sim"
)

// device is one of a machine's, with its primary context.
type device struct {
	m        *Machine
	ordinal  int
	handle   uintptr // of the context
	retained int
	broken   result // what a kernel's failure left behind
	memory   *sim.Memory
	zombies  []*stream // destroyed with work queued
}

func newDevice(m *Machine, ordinal int) *device {
	return &device{m: m, ordinal: ordinal, handle: m.handle(), memory: sim.NewMemory(m.o.Memory)}
}

// byContext is the device with a context's handle.
func (m *Machine) byContext(handle uintptr) *device {
	for _, d := range m.devices {
		if d.handle == handle && d.retained > 0 {
			return d
		}
	}
	return nil
}

// byNumber is the device of a CUdevice.
func (m *Machine) byNumber(n int32) *device {
	if n < 0 || int(n) >= len(m.devices) {
		return nil
	}
	return m.devices[n]
}

// driver are the functions about the driver, its devices and contexts.
func (s *slot) driver() map[string]any {
	uuid := func(out unsafe.Pointer, n int32) uintptr {
		return s.call("cuDeviceGetUuid", func(m *Machine) result { return m.uuid(out, n) })
	}
	return map[string]any{
		"cuInit": func(flags uint32) uintptr {
			return s.call("cuInit", func(m *Machine) result {
				if flags != 0 {
					return invalidValue
				}
				if len(m.devices) == 0 {
					return noDevice
				}
				m.begun = true
				return success
			})
		},
		"cuDriverGetVersion": func(out *int32) uintptr {
			return s.call("cuDriverGetVersion", func(m *Machine) result { return set(out, int32(m.o.Version)) })
		},
		"cuGetErrorName": func(code int32, out *unsafe.Pointer) uintptr {
			return uintptr(errorText(result(code), 0, out))
		},
		"cuGetErrorString": func(code int32, out *unsafe.Pointer) uintptr {
			return uintptr(errorText(result(code), 1, out))
		},
		"cuDeviceGetCount": func(out *int32) uintptr {
			return s.call("cuDeviceGetCount", func(m *Machine) result { return set(out, int32(len(m.devices))) })
		},
		"cuDeviceGet": func(out *int32, ordinal int32) uintptr {
			return s.call("cuDeviceGet", func(m *Machine) result {
				if m.byNumber(ordinal) == nil {
					return invalidDevice
				}
				return set(out, ordinal)
			})
		},
		"cuDeviceGetName": func(out unsafe.Pointer, n, dev int32) uintptr {
			return s.call("cuDeviceGetName", func(m *Machine) result {
				if m.byNumber(dev) == nil || n < 1 {
					return invalidDevice
				}
				to := unsafe.Slice((*byte)(out), n)
				to[copy(to[:n-1], m.o.Name)] = 0
				return success
			})
		},
		"cuDeviceGetUuid_v2": uuid,
		"cuDeviceGetUuid":    uuid,
		"cuDeviceTotalMem_v2": func(out *uint64, dev int32) uintptr {
			return s.call("cuDeviceTotalMem_v2", func(m *Machine) result {
				if m.byNumber(dev) == nil {
					return invalidDevice
				}
				return set(out, uint64(m.o.Memory))
			})
		},
		"cuDeviceGetAttribute": func(out *int32, which, dev int32) uintptr {
			return s.call("cuDeviceGetAttribute", func(m *Machine) result {
				v, ok := m.attribute(which)
				if m.byNumber(dev) == nil || !ok {
					return invalidValue
				}
				return set(out, v)
			})
		},
		"cuDevicePrimaryCtxRetain": func(out *uintptr, dev int32) uintptr {
			return s.call("cuDevicePrimaryCtxRetain", func(m *Machine) result {
				d := m.byNumber(dev)
				if d == nil {
					return invalidDevice
				}
				d.retained++
				return set(out, d.handle)
			})
		},
		"cuDevicePrimaryCtxRelease_v2": func(dev int32) uintptr {
			return s.call("cuDevicePrimaryCtxRelease_v2", func(m *Machine) result { return m.release(dev) })
		},
		"cuCtxSetCurrent": func(context uintptr) uintptr {
			return s.call("cuCtxSetCurrent", func(m *Machine) result {
				d := m.byContext(context)
				if d == nil && context != 0 {
					return invalidContext
				}
				m.threads[thread()] = d
				return success
			})
		},
		"cuCtxSynchronize": func() uintptr {
			return s.current("cuCtxSynchronize", func(m *Machine, d *device) result {
				for _, st := range m.streamsOf(d) {
					m.drain(st)
				}
				return d.broken
			})
		},
	}
}

// attribute is what cuDeviceGetAttribute knows.
func (m *Machine) attribute(which int32) (int32, bool) {
	switch which {
	case 1:
		return mostThreads, true
	case 16:
		return int32(m.o.Multiprocessors), true
	case 75:
		return int32(m.o.Major), true
	case 76:
		return int32(m.o.Minor), true
	case 97:
		return mostShared, true
	}
	return 0, false
}

// Limits of a device.
const (
	mostThreads = 1024
	mostShared  = 48 << 10  // of a block, which is what the interpreter has
	allShared   = 228 << 10 // of a multiprocessor
)

func (m *Machine) uuid(out unsafe.Pointer, n int32) result {
	if m.byNumber(n) == nil {
		return invalidDevice
	}
	to := unsafe.Slice((*byte)(out), 16)
	copy(to, "simulated-------")
	to[15] = byte(n)
	return success
}

// release ends a context when nobody retains it any more, and all that is in it.
func (m *Machine) release(dev int32) result {
	d := m.byNumber(dev)
	if d == nil || d.retained == 0 {
		return invalidContext
	}
	if d.retained--; d.retained > 0 {
		return success
	}
	m.stop(d)
	for _, leak := range m.openOn(d) {
		m.leaks = append(m.leaks, leak+", when its context ended")
	}
	for h, st := range m.streams {
		if st.d == d {
			delete(m.streams, h)
		}
	}
	for h, e := range m.events {
		if e.d == d {
			delete(m.events, h)
		}
	}
	for h, mod := range m.modules {
		if mod.d == d {
			m.unload(h, mod)
		}
	}
	d.memory = sim.NewMemory(m.o.Memory)
	d.broken, d.zombies = success, nil
	for t, current := range m.threads {
		if current == d {
			delete(m.threads, t)
		}
	}
	return success
}

// openOn is what is open on a device, in words.
func (m *Machine) openOn(d *device) []string {
	var left []string
	count := func(n int, what string) {
		if n > 0 {
			left = append(left, fmt.Sprintf("%d %s on device %d", n, what, d.ordinal))
		}
	}
	streams, events, modules := 0, 0, 0
	for _, st := range m.streams {
		if st.d == d {
			streams++
		}
	}
	for _, e := range m.events {
		if e.d == d {
			events++
		}
	}
	for _, mod := range m.modules {
		if mod.d == d {
			modules++
		}
	}
	count(streams, "streams")
	count(events, "events")
	count(modules, "modules")
	count(len(d.memory.Leaks()), "allocations")
	return left
}

// set writes to where a caller wants it.
func set[T any](out *T, v T) result {
	if out == nil {
		return invalidValue
	}
	*out = v
	return success
}

// errorText gives the name of a code, or its meaning.
func errorText(code result, which int, out *unsafe.Pointer) result {
	texts, ok := resultNames[code]
	if !ok {
		*out = nil
		return invalidValue
	}
	*out = unsafe.Pointer(&texts[which][0])
	return success
}
