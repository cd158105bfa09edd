package fake

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
	"unsafe"

	"github.com/darray-go/darray/cuda/ptx/sim"
)

// module is a loaded one.
type module struct {
	d       *device
	parsed  *sim.Module
	inst    *sim.Instance
	gone    bool
	handles []uintptr // of its kernels
}

// kernel is an entry of a module.
type kernel struct {
	mod  *module
	code *sim.Kernel
}

func (m *Machine) unload(h uintptr, mod *module) {
	mod.gone = true
	if err := mod.inst.Unload(); err != nil {
		m.fault("cuModuleUnload: %v", err)
	}
	delete(m.modules, h)
	for _, k := range mod.handles {
		delete(m.kernels, k)
	}
}

// moduleCalls are the functions about modules and kernels.
func (s *slot) moduleCalls() map[string]any {
	return map[string]any{
		"cuModuleLoadDataEx": func(out *uintptr, text *byte, n uint32, options *int32, values *unsafe.Pointer) uintptr {
			return s.current("cuModuleLoadDataEx", func(m *Machine, d *device) result {
				return m.load(d, out, cString(text), unsafe.Slice(options, n), unsafe.Slice(values, n))
			})
		},
		"cuModuleUnload": func(h uintptr) uintptr {
			return s.current("cuModuleUnload", func(m *Machine, d *device) result {
				mod := m.modules[h]
				if mod == nil || mod.d != d {
					m.fault("cuModuleUnload of %#x, which is no module", h)
					return invalidHandle
				}
				m.unload(h, mod)
				return success
			})
		},
		"cuModuleGetFunction": func(out *uintptr, h uintptr, name *byte) uintptr {
			return s.current("cuModuleGetFunction", func(m *Machine, d *device) result {
				mod := m.modules[h]
				if mod == nil || mod.d != d {
					return invalidHandle
				}
				code, err := mod.parsed.Kernel(cString(name))
				if err != nil {
					return notFound
				}
				f := m.handle()
				m.kernels[f] = &kernel{mod: mod, code: code}
				mod.handles = append(mod.handles, f)
				return set(out, f)
			})
		},
		"cuFuncGetAttribute": func(out *int32, which int32, h uintptr) uintptr {
			return s.current("cuFuncGetAttribute", func(m *Machine, _ *device) result {
				if m.kernels[h] == nil || which != 4 {
					return invalidValue
				}
				return set(out, int32(m.kernels[h].code.Registers()))
			})
		},
		"cuFuncSetAttribute": func(h uintptr, which, value int32) uintptr {
			return s.current("cuFuncSetAttribute", func(m *Machine, _ *device) result {
				k := m.kernels[h]
				if k == nil || which != 8 || value < 0 || value > mostShared {
					return invalidValue
				}
				return success
			})
		},
		"cuFuncGetParamInfo": func(h uintptr, at uint64, offset, size *uint64) uintptr {
			return s.current("cuFuncGetParamInfo", func(m *Machine, _ *device) result {
				k := m.kernels[h]
				if k == nil {
					return invalidHandle
				}
				list := k.code.Params()
				if at >= uint64(len(list)) {
					return invalidValue
				}
				set(offset, uint64(list[at].Offset))
				return set(size, uint64(list[at].Size))
			})
		},
		"cuLaunchKernel": func(h uintptr, gx, gy, gz, bx, by, bz, shared uint32, st uintptr, params unsafe.Pointer, extra uintptr) uintptr {
			return s.queue("cuLaunchKernel", st, func(m *Machine, st *stream) result {
				k := m.kernels[h]
				if k == nil || k.mod.d != st.d {
					m.fault("cuLaunchKernel of %#x, which is no kernel", h)
					return invalidHandle
				}
				return m.launch(st, k, [3]uint32{gx, gy, gz}, [3]uint32{bx, by, bz}, int(shared), params)
			})
		},
		"cuOccupancyMaxActiveBlocksPerMultiprocessor": func(out *int32, h uintptr, threads int32, shared uint64) uintptr {
			return s.current("cuOccupancyMaxActiveBlocksPerMultiprocessor", func(m *Machine, _ *device) result {
				k := m.kernels[h]
				if k == nil || threads < 1 || threads > mostThreads {
					return invalidValue
				}
				return set(out, int32(min(2048/int(threads), 32, allShared/max(int(shared), 1))))
			})
		},
	}
}

// load compiles a text, and writes what is wrong with it where the caller wants its log.
func (m *Machine) load(d *device, out *uintptr, text string, options []int32, values []unsafe.Pointer) result {
	log := logOf(options, values)
	parsed, err := m.parse(text)
	if err != nil {
		log.write(err)
		return invalidPTX
	}
	inst, err := parsed.Load(d.memory)
	if err != nil {
		log.write(err)
		return outOfMemory
	}
	if log.time != nil {
		*log.time = float32(len(text)) * 1e-4 // a tenth of a millisecond for a line or so
	}
	h := m.handle()
	m.modules[h] = &module{d: d, parsed: parsed, inst: inst}
	return set(out, h)
}

// parse keeps what it has parsed: many a test loads the same text often.
func (m *Machine) parse(text string) (*sim.Module, error) {
	if p := m.parsed[text]; p != nil {
		return p, nil
	}
	p, err := sim.Parse(text)
	if err == nil {
		if len(m.parsed) >= mostParsed {
			clear(m.parsed)
		}
		m.parsed[text] = p
	}
	return p, err
}

const mostParsed = 512

// jitLog is where a caller wants to know what a text has.
type jitLog struct {
	time *float32
	text []byte
}

// logOf finds it among the options of cuModuleLoadDataEx.
func logOf(options []int32, values []unsafe.Pointer) (log jitLog) {
	var at unsafe.Pointer
	for i, o := range options {
		switch o {
		case 2:
			log.time = (*float32)(unsafe.Pointer(&values[i]))
		case 5:
			at = values[i]
		case 6:
			log.text = unsafe.Slice((*byte)(at), uintptr(values[i]))
		}
	}
	return log
}

// write writes what is wrong in the words of the driver's compiler.
func (l jitLog) write(err error) {
	if len(l.text) == 0 {
		return
	}
	text := err.Error()
	var syntax *sim.SyntaxError
	if errors.As(err, &syntax) {
		text = fmt.Sprintf("ptxas application ptx input, line %d; error   : %s", syntax.Line, syntax.Reason)
	}
	l.text[copy(l.text[:len(l.text)-1], text)] = 0
}

// launch queues a kernel, whose parameters are read now.
func (m *Machine) launch(st *stream, k *kernel, grid, block [3]uint32, shared int, params unsafe.Pointer) result {
	threads := uint64(block[0]) * uint64(block[1]) * uint64(block[2])
	switch {
	case grid[0] < 1 || grid[1] < 1 || grid[2] < 1 || grid[0] > 1<<31-1 || grid[1] > 65535 || grid[2] > 65535:
		return invalidValue
	case threads < 1 || threads > mostThreads || block[2] > 64:
		return invalidValue
	case shared+k.code.SharedBytes() > mostShared:
		return invalidValue
	}
	l := sim.Launch{Grid: grid, Block: block, Shared: shared, Seed: m.rng.Uint64(), Unwritten: true, Races: m.o.Races, Budget: math.MaxInt64}
	var wrong string
	if l.Params, wrong = parameters(k.code, params); wrong != "" {
		m.fault("cuLaunchKernel of %s: %s", k.code.Name(), wrong)
		return invalidValue
	}
	inst := k.mod.inst
	return m.enqueue(st, &op{name: k.code.Name(), long: true, run: func(ctx context.Context) outcome {
		if k.mod.gone {
			return outcome{wrong: "its module was unloaded while it was queued"}
		}
		stats, err := inst.Launch(ctx, k.code, l)
		if err != nil {
			return outcome{wrong: err.Error()}
		}
		took := m.cost(float64(stats.Instructions), m.o.Rates.Instructions)
		return outcome{took: took + time.Duration(float64(8*(stats.Loads+stats.Stores))/m.o.Rates.Memory*float64(time.Second))}
	}})
}

// parameters reads what the pointers of a launch point to, as wide as the kernel has each. There must be a pointer for each, and a nil
// one behind the last, which the driver does not ask for, but shows where a caller has one too many.
func parameters(k *sim.Kernel, params unsafe.Pointer) (packed []byte, wrong string) {
	list := k.Params()
	if params == nil && len(list) > 0 {
		return nil, "no parameters"
	}
	for i, p := range list {
		at := *(*unsafe.Pointer)(unsafe.Add(params, i*int(unsafe.Sizeof(params))))
		if at == nil {
			return nil, fmt.Sprintf("%d parameters; the kernel has %d", i, len(list))
		}
		packed = append(packed, make([]byte, p.Offset-len(packed))...)
		packed = append(packed, unsafe.Slice((*byte)(at), p.Size)...)
	}
	if len(list) < 64 && params != nil && *(*unsafe.Pointer)(unsafe.Add(params, len(list)*int(unsafe.Sizeof(params)))) != nil {
		return nil, fmt.Sprintf("more than the kernel's %d parameters", len(list))
	}
	return packed, ""
}

// cString copies a zero-ended text.
func cString(p *byte) string {
	n := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(p), n)) != 0 {
		n++
	}
	return string(unsafe.Slice(p, n))
}
