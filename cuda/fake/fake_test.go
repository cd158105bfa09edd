package fake_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/ebitengine/purego"

	"github.com/darray-go/darray/cuda/fake"
	"github.com/darray-go/darray/internal/leak"
)

// driver calls a machine's functions by their names, as C would.
type driver struct {
	t *testing.T
	m *fake.Machine
}

// newDriver keeps the test on its thread, to which a current context belongs.
func newDriver(t *testing.T, o fake.Options) driver {
	t.Helper()
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	m, err := fake.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return driver{t, m}
}

// call returns the code of a call.
func (d driver) call(name string, args ...uintptr) int {
	d.t.Helper()
	fn, err := d.m.Symbol(name)
	if err != nil {
		d.t.Fatal(err)
	}
	code, _, _ := purego.SyscallN(fn, args...)
	return int(int32(code))
}

// must returns what a call writes, which has to go well.
func (d driver) must(name string, args ...uintptr) uintptr {
	d.t.Helper()
	word := new(uint64)
	if code := d.call(name, append([]uintptr{pointer(word)}, args...)...); code != 0 {
		d.t.Fatalf("%s: %d", name, code)
	}
	return uintptr(*word)
}

// keep is what the addresses of tests are of: it lives as long as they do.
var keep []any

func pointer[T any](p *T) uintptr {
	keep = append(keep, p)
	return uintptr(unsafe.Pointer(p))
}

// begin makes a context current, and a stream.
func (d driver) begin() (stream uintptr) {
	d.t.Helper()
	if code := d.call("cuInit", 0); code != 0 {
		d.t.Fatal(code)
	}
	context := d.must("cuDevicePrimaryCtxRetain", 0)
	d.call("cuCtxSetCurrent", context)
	return d.must("cuStreamCreate", 1)
}

// end expects what Close says, in pieces.
func (d driver) end(want ...string) {
	d.t.Helper()
	err := d.m.Close()
	if (err == nil) != (len(want) == 0) {
		d.t.Errorf("Close: %v", err)
	}
	for _, w := range want {
		if err == nil || !strings.Contains(err.Error(), w) {
			d.t.Errorf("Close: %v\nlacks %q", err, w)
		}
	}
}

// TestRules breaks one rule after the other.
func TestRules(t *testing.T) {
	leak.Check(t)
	const invalidValue, notInitialized, invalidContext, invalidHandle = 1, 3, 201, 400
	t.Run("not begun", func(t *testing.T) {
		d := newDriver(t, fake.Options{})
		if code := d.call("cuDeviceGetCount", pointer(new(int32))); code != notInitialized {
			t.Error(code)
		}
		d.end()
	})
	t.Run("no context", func(t *testing.T) {
		d := newDriver(t, fake.Options{})
		s := d.begin()
		d.m.Forget()
		if code := d.call("cuStreamSynchronize", s); code != invalidContext {
			t.Error(code)
		}
		d.end("cuStreamSynchronize without a context", "context of device 0", "1 streams")
	})
	t.Run("freed under work", func(t *testing.T) {
		d := newDriver(t, fake.Options{})
		s := d.begin()
		addr := d.must("cuMemAlloc_v2", 100)
		if code := d.call("cuMemsetD8Async", addr, 1, 100, s); code != 0 {
			t.Error(code)
		}
		d.call("cuMemFree_v2", addr)
		if code := d.call("cuStreamSynchronize", s); code != 700 {
			t.Error(code)
		}
		if code := d.call("cuMemAlloc_v2", pointer(new(uint64)), 100); code != 700 {
			t.Errorf("a broken device goes on: %d", code)
		}
		d.end("fill: ptx: use after free")
	})
	t.Run("freed twice", func(t *testing.T) {
		d := newDriver(t, fake.Options{})
		d.begin()
		addr := d.must("cuMemAlloc_v2", 100)
		d.call("cuMemFree_v2", addr)
		if code := d.call("cuMemFree_v2", addr); code != invalidValue {
			t.Error(code)
		}
		d.end("cuMemFree")
	})
	t.Run("pinned memory freed under a copy", func(t *testing.T) {
		d := newDriver(t, fake.Options{})
		s := d.begin()
		addr, host := d.must("cuMemAlloc_v2", 100), d.must("cuMemHostAlloc", 100, 0)
		if code := d.call("cuMemcpyHtoDAsync_v2", addr, host, 100, s); code != 0 {
			t.Error(code)
		}
		d.call("cuMemFreeHost", host)
		if code := d.call("cuStreamSynchronize", s); code != 700 {
			t.Error(code)
		}
		d.end("its pinned memory was freed")
	})
	t.Run("module unloaded under a kernel", func(t *testing.T) {
		d := newDriver(t, fake.Options{})
		s := d.begin()
		text := []byte(".version 7.0\n.target sm_70\n.address_size 64\n.visible .entry k() { ret; }\n\x00")
		name := []byte("k\x00")
		m := d.must("cuModuleLoadDataEx", pointer(&text[0]), 0, 0, 0)
		k := d.must("cuModuleGetFunction", m, pointer(&name[0]))
		if code := d.call("cuLaunchKernel", k, 1, 1, 1, 1, 1, 1, 0, s, 0, 0); code != 0 {
			t.Error(code)
		}
		d.call("cuModuleUnload", m)
		if code := d.call("cuStreamSynchronize", s); code != 700 {
			t.Error(code)
		}
		d.end("its module was unloaded")
	})
	t.Run("default stream", func(t *testing.T) {
		d := newDriver(t, fake.Options{})
		d.begin()
		if code := d.call("cuStreamSynchronize", 0); code != invalidHandle {
			t.Error(code)
		}
		d.end("stream 0x0 is not one")
	})
}

// TestPageable copies from memory that is not pinned: it is read when the call is back.
func TestPageable(t *testing.T) {
	leak.Check(t)
	d := newDriver(t, fake.Options{})
	s := d.begin()
	addr := d.must("cuMemAlloc_v2", 8)
	from, to := new(uint64), new(uint64)
	*from = 42
	d.call("cuMemcpyHtoDAsync_v2", addr, pointer(from), 8, s)
	*from = 0
	d.call("cuMemcpyDtoHAsync_v2", pointer(to), addr, 8, s)
	if *to != 42 {
		t.Error(*to)
	}
	d.end("context of device 0")
}

// TestSeed runs the same calls twice, and in another order of work.
func TestSeed(t *testing.T) {
	leak.Check(t)
	run := func(seed uint64) string {
		d := newDriver(t, fake.Options{Seed: seed})
		one := d.begin()
		two := d.must("cuStreamCreate", 1)
		addr := d.must("cuMemAlloc_v2", 4096)
		r := rand.New(rand.NewPCG(1, 1))
		for i := range 40 {
			s := []uintptr{one, two}[r.IntN(2)]
			if code := d.call("cuMemsetD8Async", addr+uintptr(i), 1, uintptr(1+r.IntN(50)), s); code != 0 {
				t.Fatalf("piece %d: %d", i, code)
			}
		}
		if code := d.call("cuCtxSynchronize"); code != 0 {
			t.Fatal(code)
		}
		trace := d.m.Trace()
		if len(trace) == 0 || !slices.IsSortedFunc(trace[:1], func(a, b fake.Op) int { return int(a.Start - b.Start) }) || len(trace) != 40 {
			t.Errorf("%d pieces of work", len(trace))
		}
		d.end("context of device 0")
		return fmt.Sprint(trace)
	}
	first := run(1)
	if first != run(1) {
		t.Error("the same seed gave another order")
	}
	others := 0
	for seed := range uint64(5) {
		if run(seed+2) != first {
			others++
		}
	}
	if others == 0 {
		t.Error("other seeds gave the same order")
	}
}

// TestMachines takes all places, and one again.
func TestMachines(t *testing.T) {
	leak.Check(t)
	var all []*fake.Machine
	for range fake.Machines {
		m, err := fake.New(fake.Options{})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	if _, err := fake.New(fake.Options{}); err == nil || !strings.Contains(err.Error(), "close one") {
		t.Errorf("%v", err)
	}
	for _, m := range all {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
	newDriver(t, fake.Options{}).end()
	// Who still calls a machine that is closed gets an error.
	d := driver{t, all[0]}
	if code := d.call("cuInit", 0); code != 4 {
		t.Error(code)
	}
}
