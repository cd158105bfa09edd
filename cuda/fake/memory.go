package fake

import (
	"fmt"
	"slices"
	"unsafe"
)

func fill(b []byte, value byte) {
	if len(b) == 0 {
		return
	}
	b[0] = value
	for n := 1; n < len(b); {
		n += copy(b[n:], b[:n])
	}
}

// hostRange is pinned memory of the host.
type hostRange struct {
	lo, hi uintptr
	bytes  []byte // allocated here
	dead   bool   // work that is queued may still refer to it
}

func (r *hostRange) String() string {
	if r.bytes != nil {
		return fmt.Sprintf("%d bytes of pinned memory", r.hi-r.lo)
	}
	return fmt.Sprintf("%d bytes of registered memory", r.hi-r.lo)
}

// pinnedAt is the range that holds n bytes from an address on, nil where there is none.
func (m *Machine) pinnedAt(lo uintptr, n int) *hostRange {
	for _, r := range m.host {
		if lo >= r.lo && lo+uintptr(n) <= r.hi {
			return r
		}
	}
	return nil
}

func (m *Machine) takeHost(lo uintptr, allocated bool) bool {
	for i, r := range m.host {
		if r.lo == lo && (r.bytes != nil) == allocated {
			r.dead = true
			m.host = slices.Delete(m.host, i, i+1)
			return true
		}
	}
	return false
}

// memoryCalls are the functions about memory that do their work at once.
func (s *slot) memoryCalls() map[string]any {
	return map[string]any{
		"cuMemGetInfo_v2": func(free, total *uint64) uintptr {
			return s.current("cuMemGetInfo_v2", func(m *Machine, d *device) result {
				set(free, uint64(m.o.Memory-d.memory.InUse()))
				return set(total, uint64(m.o.Memory))
			})
		},
		"cuMemAlloc_v2": func(out *uint64, n uint64) uintptr {
			return s.current("cuMemAlloc_v2", func(m *Machine, d *device) result {
				if n == 0 {
					return invalidValue
				}
				if n > uint64(m.o.Memory) {
					return outOfMemory
				}
				addr, err := d.memory.Alloc(int(n))
				if err != nil {
					return outOfMemory
				}
				return set(out, addr)
			})
		},
		"cuMemFree_v2": func(addr uint64) uintptr {
			return s.current("cuMemFree_v2", func(m *Machine, d *device) result {
				if err := d.memory.Free(addr); err != nil {
					m.fault("cuMemFree: %v", err)
					return invalidValue
				}
				return success
			})
		},
		"cuMemHostAlloc": func(out *unsafe.Pointer, n uint64, flags uint32) uintptr {
			return s.current("cuMemHostAlloc", func(m *Machine, _ *device) result {
				if n == 0 || n > 1<<36 || flags > 7 {
					return invalidValue
				}
				b := make([]byte, n+hostPage)
				p := unsafe.Pointer(unsafe.SliceData(b))
				p = unsafe.Add(p, -uintptr(p)&(hostPage-1))
				fill(unsafe.Slice((*byte)(p), n), garbage)
				m.host = append(m.host, &hostRange{lo: uintptr(p), hi: uintptr(p) + uintptr(n), bytes: b})
				*out = p
				return success
			})
		},
		"cuMemFreeHost": func(p uintptr) uintptr {
			return s.current("cuMemFreeHost", func(m *Machine, _ *device) result {
				if !m.takeHost(p, true) {
					m.fault("cuMemFreeHost of %#x, which was not allocated", p)
					return invalidValue
				}
				return success
			})
		},
		"cuMemHostRegister_v2": func(p uintptr, n uint64, flags uint32) uintptr {
			return s.current("cuMemHostRegister_v2", func(m *Machine, _ *device) result {
				if p == 0 || n == 0 || flags > 15 {
					return invalidValue
				}
				for _, r := range m.host {
					if p < r.hi && r.lo < p+uintptr(n) {
						return alreadyRegistered
					}
				}
				m.host = append(m.host, &hostRange{lo: p, hi: p + uintptr(n)})
				return success
			})
		},
		"cuMemHostUnregister": func(p uintptr) uintptr {
			return s.current("cuMemHostUnregister", func(m *Machine, _ *device) result {
				if !m.takeHost(p, false) {
					m.fault("cuMemHostUnregister of %#x, which was not registered", p)
					return notRegistered
				}
				return success
			})
		},
	}
}

// hostPage is what pinned memory is aligned to.
const hostPage = 4096

// garbage is what fresh pinned memory holds.
const garbage = 0xa5
