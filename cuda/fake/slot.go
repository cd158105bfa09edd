package fake

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/ebitengine/purego"
)

// Machines is how many machines a process may have at a time. A callback can never be given back and there are at most two
// thousand, so they are made once for each of these places, and machines come and go in them.
const Machines = 8

// slot is a place for a machine: callbacks that lead to whichever is there.
type slot struct {
	once      sync.Once
	machine   atomic.Pointer[Machine]
	symbols   map[string]uintptr
	libraries map[string]map[string]uintptr // by kind of library
}

// slots are all places, empty at first.
var slots [Machines]slot

// takeSlot puts a machine into a place that is free.
func takeSlot(m *Machine) (*slot, error) {
	for i := range slots {
		s := &slots[i]
		if !s.machine.CompareAndSwap(nil, m) {
			continue
		}
		s.once.Do(s.make)
		return s, nil
	}
	return nil, fmt.Errorf("there are %d simulated machines already; close one", Machines)
}

func (s *slot) put() { s.machine.Store(nil) }

// make makes the callbacks.
func (s *slot) make() {
	s.symbols = callbacks(s.driver(), s.memoryCalls(), s.streamCalls(), s.copyCalls(), s.moduleCalls())
	s.libraries = map[string]map[string]uintptr{
		"libnvrtc": callbacks(s.nvrtc()), "libcublas": callbacks(s.blas()), "libnccl": callbacks(s.nccl()),
	}
}

func callbacks(tables ...map[string]any) map[string]uintptr {
	out := map[string]uintptr{}
	for _, t := range tables {
		for _, name := range slices.Sorted(maps.Keys(t)) {
			out[name] = purego.NewCallback(t[name])
		}
	}
	return out
}

// call runs f on the machine as the function of a name: counted, and failing where that was asked for.
func (s *slot) call(name string, f func(m *Machine) result) uintptr {
	m := s.machine.Load()
	if m == nil {
		return uintptr(deinitialized)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	m.called[name]++
	m.names = recent(append(m.names, name))
	if !m.begun && name != "cuInit" && name != "cuDriverGetVersion" {
		return uintptr(notInitialized)
	}
	code := max(m.failAt[m.calls], m.failOf[name][m.called[name]])
	if code != success && !givesBack(name) {
		return uintptr(code)
	}
	if r := f(m); r != success || code == success {
		return uintptr(r)
	}
	return uintptr(code)
}

// current is call for a function that needs a context, f's device, on its thread. A device on which a kernel has failed does no more
// than give things back.
func (s *slot) current(name string, f func(m *Machine, d *device) result) uintptr {
	return s.call(name, func(m *Machine) result {
		d := m.threads[thread()]
		if d == nil || d.retained == 0 {
			m.fault("%s without a context on its thread", name)
			return invalidContext
		}
		if d.broken != success && !givesBack(name) {
			return d.broken
		}
		m.clock += m.o.Rates.Call
		if r := f(m, d); r != success {
			return r
		}
		return d.broken
	})
}

// recent forgets the older half of a record that has become long.
func recent[T any](record []T) []T {
	if len(record) < mostRecord {
		return record
	}
	return append([]T(nil), record[mostRecord/2:]...)
}

const mostRecord = 1 << 17

// givesBack reports whether a function gives something back, which it does whatever it answers.
func givesBack(name string) bool {
	for _, verb := range []string{"Free", "Destroy", "Abort", "Unload", "Release", "Unregister"} {
		if strings.Contains(name, verb) {
			return true
		}
	}
	return false
}
