package fake

import (
	"fmt"
	"strings"
	"unsafe"
)

// program is one of NVRTC's.
type program struct {
	name, source, log, code string
}

// Codes of NVRTC.
const (
	nvrtcInvalidInput   result = 3
	nvrtcInvalidProgram result = 4
	nvrtcInvalidOption  result = 5
	nvrtcCompilation    result = 6
)

var nvrtcTexts = map[result][]byte{
	success:             []byte("NVRTC_SUCCESS\x00"),
	nvrtcInvalidInput:   []byte("NVRTC_ERROR_INVALID_INPUT\x00"),
	nvrtcInvalidProgram: []byte("NVRTC_ERROR_INVALID_PROGRAM\x00"),
	nvrtcInvalidOption:  []byte("NVRTC_ERROR_INVALID_OPTION\x00"),
	nvrtcCompilation:    []byte("NVRTC_ERROR_COMPILATION\x00"),
}

// textOf is the address of a code's text, which is a constant.
func textOf(texts map[result][]byte, code result) uintptr {
	t, ok := texts[code]
	if !ok {
		t = unknownText
	}
	return uintptr(unsafe.Pointer(&t[0]))
}

var unknownText = []byte("unknown error\x00")

// nvrtc are the functions of the compiler, which knows the sources of Options.Sources.
func (s *slot) nvrtc() map[string]any {
	// with runs f on a program.
	with := func(name string, h uintptr, f func(m *Machine, p *program) result) uintptr {
		return s.call(name, func(m *Machine) result {
			p := m.programs[h]
			if p == nil {
				return nvrtcInvalidProgram
			}
			return f(m, p)
		})
	}
	size := func(name string, text func(p *program) string) func(h uintptr, out *uint64) uintptr {
		return func(h uintptr, out *uint64) uintptr {
			return with(name, h, func(_ *Machine, p *program) result { return set(out, uint64(len(text(p))+1)) })
		}
	}
	get := func(name string, text func(p *program) string) func(h uintptr, to unsafe.Pointer) uintptr {
		return func(h uintptr, to unsafe.Pointer) uintptr {
			return with(name, h, func(_ *Machine, p *program) result {
				b := unsafe.Slice((*byte)(to), len(text(p))+1)
				b[copy(b, text(p))] = 0
				return success
			})
		}
	}
	log := func(p *program) string { return p.log }
	code := func(p *program) string { return p.code }
	return map[string]any{
		"nvrtcGetErrorString": func(code int32) uintptr { return textOf(nvrtcTexts, result(code)) },
		"nvrtcCreateProgram": func(out *uintptr, source, name *byte, headers int32, texts, names uintptr) uintptr {
			return s.call("nvrtcCreateProgram", func(m *Machine) result {
				if headers != 0 || source == nil {
					return nvrtcInvalidInput
				}
				h := m.handle()
				m.programs[h] = &program{name: cString(name), source: cString(source)}
				return set(out, h)
			})
		},
		"nvrtcCompileProgram": func(h uintptr, n int32, options unsafe.Pointer) uintptr {
			return with("nvrtcCompileProgram", h, func(m *Machine, p *program) result {
				arch := fmt.Sprintf("--gpu-architecture=sm_%d%d", m.o.Major, m.o.Minor)
				found := false
				for i := range int(n) {
					o := cString(*(**byte)(unsafe.Add(options, i*int(unsafe.Sizeof(options)))))
					if !strings.HasPrefix(o, "-") {
						p.log = fmt.Sprintf("error: unrecognized option %s found", o)
						return nvrtcInvalidOption
					}
					found = found || o == arch
				}
				if !found {
					return nvrtcInvalidOption
				}
				p.code = m.o.Sources[p.source]
				if p.code == "" {
					p.log = fmt.Sprintf("%s(1): error: the simulated compiler knows no PTX for this source", p.name)
					return nvrtcCompilation
				}
				return success
			})
		},
		"nvrtcGetCUBINSize":      size("nvrtcGetCUBINSize", code),
		"nvrtcGetCUBIN":          get("nvrtcGetCUBIN", code),
		"nvrtcGetProgramLogSize": size("nvrtcGetProgramLogSize", log),
		"nvrtcGetProgramLog":     get("nvrtcGetProgramLog", log),
		"nvrtcDestroyProgram": func(h *uintptr) uintptr {
			return with("nvrtcDestroyProgram", *h, func(m *Machine, _ *program) result {
				delete(m.programs, *h)
				*h = 0
				return success
			})
		},
	}
}
