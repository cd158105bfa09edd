package cuda

import (
	"fmt"
	"math"
)

// Func is a kernel of a module, an entry of its text. It lives as long as the module is loaded.
type Func struct {
	m      *Module
	name   string
	handle uintptr
	params int // that it takes; -1: the driver does not say
	shared int // bytes of dynamic shared memory that it was allowed
}

// Dim is an extent of a grid in blocks, or of a block in threads. Extents that are 0 count as 1.
type Dim [3]int

// Func finds an entry by its name. ErrNotFound where the module has none.
func (m *Module) Func(name string) (*Func, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if f := m.funcs[name]; f != nil {
		return f, nil
	}
	text := append([]byte(name), 0)
	f := &Func{m: m, name: name}
	err := m.d.do(func() error {
		word, err := m.d.v.number(fnModuleGetFunction, m.handle, address(text))
		keep(text)
		if f.handle = uintptr(word); err == nil {
			f.params, err = m.d.v.paramsOf(f.handle)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("kernel %q: %w", name, err)
	}
	m.funcs[name] = f
	return f, nil
}

// paramsOf is how many parameters a function takes; -1 where the driver is too old to say.
func (v *Driver) paramsOf(handle uintptr) (int, error) {
	if v.table[fnFuncGetParamInfo] == 0 {
		return -1, nil
	}
	f := newFrame()
	defer f.done(2)
	for n := 0; ; n++ {
		switch code := v.code(fnFuncGetParamInfo, handle, uintptr(n), f.at(0), f.at(1)); code {
		case 0:
		case codeInvalidValue: // there is no such parameter
			return n, nil
		default:
			return 0, v.failure(names[fnFuncGetParamInfo], code)
		}
	}
}

// Name is the entry's.
func (f *Func) Name() string { return f.name }

// mostParams are the words of a launch: a kernel's parameters take up to 4 KiB.
const mostParams = wordsInFrame

// extents are the numbers of a Dim, as the driver takes them: 32 bits wide.
func (d Dim) extents() (x, y, z uintptr, err error) {
	for _, n := range d {
		if n < 0 || n > math.MaxInt32 {
			return 0, 0, 0, fmt.Errorf("extents %v; each is 0 to %d", d, math.MaxInt32)
		}
	}
	return uintptr(max(d[0], 1)), uintptr(max(d[1], 1)), uintptr(max(d[2], 1)), nil
}

// Launch queues a run of the kernel with one word a parameter: an address, an integer, the bits of a float; of a parameter that is
// narrower, the low bytes. Their number is checked, where the driver knows the kernel's (CUDA 12.4 and later; with others too few end the
// process), nothing else is: a kernel that goes wrong makes ErrFault of whatever is waited for next. Shared is the bytes of dynamic shared memory. What params has may change when Launch is back.
func (f *Func) Launch(s *Stream, grid, block Dim, shared int, params []uint64) error {
	d := f.m.d
	if s.d != d {
		return fmt.Errorf("launch of %s: the stream is of another device", f.name)
	}
	if len(params) > mostParams {
		return fmt.Errorf("launch of %s: %d parameters, %d at most", f.name, len(params), mostParams)
	}
	if f.params >= 0 && len(params) != f.params {
		return fmt.Errorf("launch of %s: %d parameters; the kernel has %d", f.name, len(params), f.params)
	}
	gridX, gridY, gridZ, err := grid.extents()
	if err != nil {
		return fmt.Errorf("launch of %s: the grid has %w", f.name, err)
	}
	blockX, blockY, blockZ, err := block.extents()
	if err != nil {
		return fmt.Errorf("launch of %s: a block has %w", f.name, err)
	}
	if shared < 0 || shared > math.MaxInt32 {
		return fmt.Errorf("launch of %s: %d bytes of shared memory", f.name, shared)
	}
	if err := d.enter(); err != nil {
		return err
	}
	defer d.leave()
	if err := f.allow(shared); err != nil {
		return fmt.Errorf("launch of %s: %w", f.name, err)
	}
	fr := newFrame()
	defer fr.done(len(params))
	copy(fr.word[:], params)
	args := append(fr.args[:0], f.handle, gridX, gridY, gridZ, blockX, blockY, blockZ, uintptr(shared), s.handle, fr.slots(len(params)), 0)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("stream: %w", ErrClosed)
	}
	if err := d.v.call(fnLaunchKernel, args...); err != nil {
		return fmt.Errorf("launch of %s, grid %v, block %v: %w", f.name, grid, block, err)
	}
	s.issued++
	return nil
}

// Attributes of a function, by the driver's numbers, and how much shared memory any kernel may have.
const (
	attributeRegisters  = 4 // CU_FUNC_ATTRIBUTE_NUM_REGS
	attributeMaxDynamic = 8 // CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
	sharedAllowed       = 48 << 10
)

// allow lets the kernel have so much dynamic shared memory, which has to be said where it is much.
func (f *Func) allow(shared int) error {
	if shared <= sharedAllowed {
		return nil
	}
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if shared <= f.shared {
		return nil
	}
	if err := f.m.d.v.call(fnFuncSetAttribute, f.handle, attributeMaxDynamic, uintptr(shared)); err != nil {
		return fmt.Errorf("%d bytes of shared memory, where the device has %d: %w", shared, f.m.d.info.Shared, err)
	}
	f.shared = shared
	return nil
}

// Registers is how many a thread of the kernel takes.
func (f *Func) Registers() (int, error) {
	var word uint64
	err := f.m.d.do(func() (err error) {
		word, err = f.m.d.v.number(fnFuncGetAttribute, attributeRegisters, f.handle)
		return err
	})
	return int(int32(word)), err
}

// Blocks is how many blocks of so many threads, with so many bytes of dynamic shared memory, the whole device runs at a time: a grid
// of as many fills it.
func (f *Func) Blocks(threads, shared int) (int, error) {
	var word uint64
	err := f.m.d.do(func() (err error) {
		if err := f.allow(shared); err != nil {
			return err
		}
		word, err = f.m.d.v.number(fnOccupancy, f.handle, uintptr(threads), uintptr(shared))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("occupancy of %s with %d threads and %d bytes of shared memory: %w", f.name, threads, shared, err)
	}
	return int(int32(word)) * f.m.d.info.Multiprocessors, nil
}
