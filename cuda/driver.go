// Package cuda drives NVIDIA's GPUs through the driver alone, libcuda.so.1, which it loads when it is asked for a device: no cgo,
// no toolkit, and one binary for CUDA 11 to 13 and for machines without a GPU. Kernels are PTX text from package ptx.
//
// Importing it makes a binary dynamic, so only programs that ask for the GPU do.
//
// A Driver has Devices; a Device has Buffers of its memory, Streams that work on them in order, Events between streams, and
// Modules of kernels. Everything may be used by several goroutines at once. Nothing starts a goroutine that outlives its call,
// but Group.Abort, which Group.Close waits for.
package cuda

import (
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/ebitengine/purego"

	"github.com/darray-go/darray/cuda/fake"
)

// Driver is the driver of the machine, loaded, or a simulated one.
type Driver struct {
	table   [functions]uintptr
	library func(names []string) (resolver, string, error) // loads the first that there is: also its name
	version int                                            // 12040 is CUDA 12.4
	machine *fake.Machine                                  // nil for the real one

	mu        sync.Mutex
	libraries map[string]*library
}

// oldest is the driver that kernels of PTX 7.0 need.
const oldest = 11000

// load loads the machine's driver once.
var load = sync.OnceValues(func() (*Driver, error) {
	sym, err := openDriver()
	if err != nil {
		return nil, err
	}
	return newDriver(sym, openLibrary, nil)
})

// Load returns the driver of the machine, which is loaded at the first call and stays. ErrUnavailable, with the reason, where
// there is none, or one too old, or no device.
func Load() (*Driver, error) { return load() }

// Simulated returns a driver that runs in this process and stands for devices as o says: it keeps the rules of the real one more
// strictly, and computes by interpreting PTX. Close gives it back; a process may have fake.Machines of them.
func Simulated(o fake.Options) (*Driver, error) {
	m, err := fake.New(o)
	if err != nil {
		return nil, err
	}
	v, err := newDriver(m.Symbol, func(names []string) (resolver, string, error) {
		for _, name := range names {
			if sym, err := m.Library(name); err == nil {
				return sym, name, nil
			}
		}
		return nil, "", errors.New("the simulated machine has no such library")
	}, m)
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return v, nil
}

func newDriver(sym resolver, lib func([]string) (resolver, string, error), m *fake.Machine) (*Driver, error) {
	table, err := resolve(sym)
	if err != nil {
		return nil, err
	}
	v := &Driver{table: table, library: lib, machine: m, libraries: map[string]*library{}}
	if err := v.call(fnInit, 0); err != nil {
		return nil, unavailable(err)
	}
	f := newFrame()
	defer f.done(1)
	if err := v.call(fnDriverGetVersion, f.at(0)); err != nil {
		return nil, unavailable(err)
	}
	if v.version = int(int32(f.word[0])); v.version < oldest {
		return nil, fmt.Errorf("%w: the driver is for CUDA %s; install one for CUDA %s or later", ErrUnavailable, release(v.version), release(oldest))
	}
	return v, nil
}

// unavailable makes what the first calls of a driver answered ErrUnavailable as well.
func unavailable(err error) error {
	var e *Error
	if errors.As(err, &e) && e.Code == codeNoDevice {
		return fmt.Errorf("%w: the driver sees no device; is CUDA_VISIBLE_DEVICES empty, or the container without --gpus? %w", ErrUnavailable, err)
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// release is a version as people write it, 12.4.
func release(version int) string { return fmt.Sprintf("%d.%d", version/1000, version%1000/10) }

// Version is the release of CUDA that the driver is for, such as 12040 for 12.4.
func (v *Driver) Version() int { return v.version }

// Machine is the simulated machine that the driver stands for, nil for the real one.
func (v *Driver) Machine() *fake.Machine { return v.machine }

// Close gives a simulated driver back, and says what was left open on it. The machine's own driver stays: nil.
func (v *Driver) Close() error {
	if v.machine == nil {
		return nil
	}
	return v.machine.Close()
}

// call calls a function of the driver with a current context, if it needs one. What pointers among the arguments point to is
// kept alive by the caller.
func (v *Driver) call(fn function, args ...uintptr) error {
	if code := v.code(fn, args...); code != 0 {
		return v.failure(names[fn], code)
	}
	return nil
}

// code is call for those who know what to do with some codes.
func (v *Driver) code(fn function, args ...uintptr) int {
	code, _, _ := purego.SyscallN(v.table[fn], args...)
	return int(int32(code))
}

// failure is the error for a code of CUresult.
func (v *Driver) failure(op string, code int) error {
	f := newFrame()
	defer f.done(2)
	e := &Error{Op: op, Code: code}
	if r, _, _ := purego.SyscallN(v.table[fnGetErrorName], uintptr(code), f.pointerAt(0)); int32(r) == 0 {
		e.Name = f.stringAt(0)
	} else {
		e.Name = "unknown error"
	}
	if r, _, _ := purego.SyscallN(v.table[fnGetErrorString], uintptr(code), f.pointerAt(1)); int32(r) == 0 {
		e.Text = f.stringAt(1)
	}
	return e
}

// number calls a function that writes one number.
func (v *Driver) number(fn function, args ...uintptr) (uint64, error) {
	f := newFrame()
	defer f.done(1)
	err := v.call(fn, append([]uintptr{f.at(0)}, args...)...)
	return f.word[0], err
}

// Info says what a device is. Sizes are in bytes.
type Info struct {
	Ordinal         int // among the devices that CUDA_VISIBLE_DEVICES leaves
	Name            string
	UUID            string // GPU-01234567-89ab-cdef-0123-456789abcdef
	Major, Minor    int    // compute capability
	Memory          int    // of the whole device
	Multiprocessors int
	Threads         int // most of a block
	Shared          int // most of a block's shared memory that a kernel may ask for
	Driver          int // as Driver.Version
	Simulated       bool
}

// String is such as "0: NVIDIA H200, sm_90, 139.8 GiB, driver for CUDA 12.4".
func (i Info) String() string {
	return fmt.Sprintf("%d: %s, sm_%d%d, %.1f GiB, driver for CUDA %s", i.Ordinal, i.Name, i.Major, i.Minor, float64(i.Memory)/(1<<30), release(i.Driver))
}

// Devices returns what devices there are, without opening them: at least one, or ErrUnavailable.
func (v *Driver) Devices() ([]Info, error) {
	n, err := v.count()
	if err != nil {
		return nil, err
	}
	infos := make([]Info, n)
	for i := range infos {
		if _, infos[i], err = v.describe(i); err != nil {
			return nil, err
		}
	}
	return infos, nil
}

func (v *Driver) count() (int, error) {
	n, err := v.number(fnDeviceGetCount)
	if err != nil {
		return 0, unavailable(err)
	}
	if int32(n) <= 0 {
		return 0, unavailable(v.failure(names[fnDeviceGetCount], codeNoDevice))
	}
	return int(int32(n)), nil
}

// Attributes of a device, by the driver's numbers.
const (
	attributeThreads         = 1  // CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK
	attributeMultiprocessors = 16 // CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT
	attributeMajor           = 75 // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR
	attributeMinor           = 76
	attributeShared          = 97 // CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN
)

// describe returns the handle of a device and what it is.
func (v *Driver) describe(ordinal int) (handle uintptr, info Info, err error) {
	info = Info{Ordinal: ordinal, Driver: v.version, Simulated: v.machine != nil}
	word, err := v.number(fnDeviceGet, uintptr(ordinal))
	if err != nil {
		return 0, info, err
	}
	handle = uintptr(uint32(word))
	f := newFrame()
	defer f.done(1)
	if err := v.call(fnDeviceGetName, f.textAt(), textInFrame, handle); err != nil {
		return 0, info, err
	}
	info.Name = zeroEnded(f.text[:])
	if err := v.call(fnDeviceGetUUID, f.textAt(), handle); err != nil {
		return 0, info, err
	}
	u := f.text[:16]
	info.UUID = fmt.Sprintf("GPU-%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
	if err := v.call(fnDeviceTotalMem, f.at(0), handle); err != nil {
		return 0, info, err
	}
	info.Memory = int(f.word[0])
	for _, a := range []struct {
		number int
		to     *int
	}{
		{attributeThreads, &info.Threads},
		{attributeMultiprocessors, &info.Multiprocessors},
		{attributeMajor, &info.Major},
		{attributeMinor, &info.Minor},
		{attributeShared, &info.Shared},
	} {
		word, err := v.number(fnDeviceGetAttribute, uintptr(a.number), handle)
		if err != nil {
			return 0, info, err
		}
		*a.to = int(int32(word))
	}
	return handle, info, nil
}

// zeroEnded is a text up to its zero byte.
func zeroEnded(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}

// thread makes the calling goroutine stay on its thread until the result is called.
func thread() func() {
	runtime.LockOSThread()
	return runtime.UnlockOSThread
}
