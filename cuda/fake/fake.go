// Package fake is NVIDIA's driver in this process: its functions, under their names, are callbacks into Go, so that the binding
// of package cuda runs unchanged where there is no GPU, down to the calling convention. Kernels are interpreted.
//
// It keeps the rules more strictly than a driver does. Every call needs a context on its thread; every address is checked when
// work runs; fresh memory is garbage and freed memory never comes back. Work that is queued runs only when somebody waits or asks,
// on the thread that does, in an order chosen by a seed from all that streams and events allow: a wait that is missing becomes a
// wrong result. Any call can be made to fail. Times are computed, not measured, and the same in every run.
package fake

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/darray-go/darray/cuda/ptx/sim"
)

// Options of a machine. The zero value is one device with 1 GiB.
type Options struct {
	Devices         int      // default 1; negative: none
	Name            string   // default "Simulated GPU"
	Memory          int      // bytes of each device; default 1 GiB
	Major, Minor    int      // compute capability; default 9.0
	Multiprocessors int      // default 4
	Version         int      // of the driver; default 12040, CUDA 12.4
	Seed            uint64   // of the order in which work runs
	Missing         []string // symbols that the driver does not have
	Libraries       []string // files of libraries that there are: "libnvrtc.so.12"; default: one of each kind
	Races           bool     // look for data races of kernels in the device's memory, which is slow
	Rates           Rates
	Sources         map[string]string // what the simulated NVRTC compiles: CUDA C to PTX
}

// Rates are what the devices' times are computed from. Zero fields have the defaults.
type Rates struct {
	Call         time.Duration // of the host, queuing work; default 1 microsecond
	Launch       time.Duration // of the device, starting a copy or kernel; default 2 microseconds
	HostToDevice float64       // bytes a second, pinned; default 25e9
	DeviceToHost float64       // default 25e9
	Memory       float64       // bytes a second; default 1e12
	Instructions float64       // a second; default 1e12
}

func (o Options) settle() Options {
	def(&o.Devices, 1)
	def(&o.Name, "Simulated GPU")
	def(&o.Memory, 1<<30)
	def(&o.Major, 9)
	def(&o.Multiprocessors, 4)
	def(&o.Version, 12040)
	def(&o.Rates.Call, time.Microsecond)
	def(&o.Rates.Launch, 2*time.Microsecond)
	def(&o.Rates.HostToDevice, 25e9)
	def(&o.Rates.DeviceToHost, 25e9)
	def(&o.Rates.Memory, 1e12)
	def(&o.Rates.Instructions, 1e12)
	if o.Libraries == nil {
		o.Libraries = []string{"libnvrtc.so.12", "libcublas.so.12", "libnccl.so.2"}
	}
	return o
}

// def sets v to its default where it is zero.
func def[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}

// Machine is a simulated host with its devices. Everything of it may be used by several goroutines; one call runs at a time.
type Machine struct {
	mu      sync.Mutex
	o       Options
	slot    *slot
	rng     *rand.Rand
	closed  bool
	begun   bool // cuInit was called
	devices []*device
	threads map[int]*device // whose context is current on a thread
	host    []*hostRange    // by address
	next    uintptr         // handle
	made    int             // streams
	streams map[uintptr]*stream
	events  map[uintptr]*event
	modules map[uintptr]*module
	kernels map[uintptr]*kernel
	parsed  map[string]*sim.Module

	programs map[uintptr]*program    // of NVRTC
	blas     map[uintptr]*blasHandle // of cuBLAS
	groups   map[groupID]*group      // of NCCL
	comms    map[uintptr]*comm
	grouped  map[int][][]queued // by thread: what groups of calls that are not ended have

	clock  time.Duration // of the host
	busy   *busy         // the kernel that takes long
	calls  int
	failAt map[int]result // by number of the call
	failOf map[string]map[int]result
	called map[string]int
	names  []string // of all calls
	faults []string
	leaks  []string
	trace  []Op
}

// New makes a machine. Close it; there are Machines at a time.
func New(o Options) (*Machine, error) {
	o = o.settle()
	m := &Machine{
		o: o, rng: rand.New(rand.NewPCG(o.Seed, 0x9e3779b97f4a7c15)), threads: map[int]*device{}, next: 0x1000,
		streams: map[uintptr]*stream{}, events: map[uintptr]*event{}, modules: map[uintptr]*module{}, kernels: map[uintptr]*kernel{}, parsed: map[string]*sim.Module{},
		programs: map[uintptr]*program{}, blas: map[uintptr]*blasHandle{}, groups: map[groupID]*group{}, comms: map[uintptr]*comm{},
		grouped: map[int][][]queued{},
		failAt:  map[int]result{}, failOf: map[string]map[int]result{}, called: map[string]int{},
	}
	for i := range max(o.Devices, 0) {
		m.devices = append(m.devices, newDevice(m, i))
	}
	s, err := takeSlot(m)
	m.slot = s
	if err != nil {
		return nil, err
	}
	return m, nil
}

// Close gives the machine's callbacks back. It returns what was left open, and what went wrong on its devices. The second call
// does nothing.
func (m *Machine) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil
	}
	m.closed = true
	m.slot.put()
	if m.busy != nil {
		m.stop(m.busy.st.d)
	}
	var errs []error
	for _, leak := range m.left() {
		errs = append(errs, fmt.Errorf("left open: %s", leak))
	}
	for _, f := range m.faults {
		errs = append(errs, errors.New(f))
	}
	return errors.Join(errs...)
}

// Symbol is the address of a function of the driver.
func (m *Machine) Symbol(name string) (uintptr, error) {
	if addr, ok := m.slot.symbols[name]; ok && !slices.Contains(m.o.Missing, name) {
		return addr, nil
	}
	return 0, fmt.Errorf("undefined symbol: %s", name)
}

// Library is a simulated library by its file name, as dlopen finds it.
func (m *Machine) Library(file string) (func(name string) (uintptr, error), error) {
	if !slices.Contains(m.o.Libraries, file) {
		return nil, fmt.Errorf("%s: cannot open shared object file", file)
	}
	kind, _, _ := strings.Cut(file, ".")
	table, ok := m.slot.libraries[kind]
	if !ok {
		return nil, fmt.Errorf("%s: cannot open shared object file", file)
	}
	return func(name string) (uintptr, error) {
		if addr, ok := table[name]; ok && !slices.Contains(m.o.Missing, name) {
			return addr, nil
		}
		return 0, fmt.Errorf("undefined symbol: %s", name)
	}, nil
}

// FailAt makes the n-th call from now on, 1 for the next, answer with an error's code. A call that gives something back does so
// nevertheless.
func (m *Machine) FailAt(n, code int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failAt[m.calls+n] = result(code)
}

// FailOf is FailAt for the n-th call of one function.
func (m *Machine) FailOf(name string, n, code int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failOf[name] = map[int]result{m.called[name] + n: result(code)}
}

// Calls are the names of the functions that were called so far, the last 65536 at least.
func (m *Machine) Calls() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.names)
}

// Forget makes no context current on any thread, as if every goroutine went on in a new one.
func (m *Machine) Forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.threads)
}

// Faults are what went wrong on the devices: kernels and copies that used what they may not, in words.
func (m *Machine) Faults() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.faults)
}

// Leaks are what is open, and what was open when its context ended.
func (m *Machine) Leaks() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.left()
}

func (m *Machine) left() []string {
	left := slices.Clone(m.leaks)
	for _, d := range m.devices {
		if d.retained > 0 {
			left = append(left, fmt.Sprintf("context of device %d, retained %d times", d.ordinal, d.retained))
		}
		left = append(left, m.openOn(d)...)
	}
	for _, r := range m.host {
		left = append(left, r.String())
	}
	for what, n := range map[string]int{"programs of NVRTC": len(m.programs), "handles of cuBLAS": len(m.blas), "communicators of NCCL": len(m.comms)} {
		if n > 0 {
			left = append(left, fmt.Sprintf("%d %s", n, what))
		}
	}
	return left
}

// Op is a piece of work of a stream that has run, and when that was on the device.
type Op struct {
	Stream     int // in the order of their making
	Name       string
	Start, End time.Duration
}

// Trace is the work that has run, in the order in which it did: the last 65536 pieces at least.
func (m *Machine) Trace() []Op {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.trace)
}

// Now is the host's time, which only its calls and waits advance.
func (m *Machine) Now() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.clock
}

// fault notes what went wrong.
func (m *Machine) fault(format string, args ...any) {
	m.faults = append(m.faults, fmt.Sprintf(format, args...))
}

// handle is a new one.
func (m *Machine) handle() uintptr {
	m.next += 0x10
	return m.next
}
