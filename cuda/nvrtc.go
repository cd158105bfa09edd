package cuda

import (
	"fmt"
	"strings"
)

// nvrtc compiles CUDA C. It comes with a toolkit, not with the driver.
var nvrtc = kind{
	name:  "NVRTC",
	files: []string{"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2", "libnvrtc.so"},
	functions: []string{
		"nvrtcGetErrorString", "nvrtcCreateProgram", "nvrtcCompileProgram", "nvrtcGetCUBINSize", "nvrtcGetCUBIN",
		"nvrtcGetProgramLogSize", "nvrtcGetProgramLog", "nvrtcDestroyProgram",
	},
	text: "nvrtcGetErrorString",
	get:  "install NVIDIA's package of it (cuda-nvrtc) or use an image with CUDA's runtime libraries",
}

// SourceError is what the compiler has to say about a source.
type SourceError struct {
	Name string // of the source
	Log  string // as the compiler wrote it, with lines and columns
	Err  error
}

// Error is the whole log.
func (e *SourceError) Error() string { return fmt.Sprintf("%s: %v\n%s", e.Name, e.Err, e.Log) }

// Unwrap is the *Error of the library.
func (e *SourceError) Unwrap() error { return e.Err }

// Compile compiles a source in CUDA C for the device, with options of NVRTC such as "--use_fast_math", and loads what comes out.
// Kernels are to be extern "C", so that their names are as written. Contraction of a*b+c to one fma is off unless an option says
// otherwise, so that results do not depend on the compiler. ErrLibrary where NVRTC is not installed, *SourceError where the source
// does not compile. It blocks while the compiler runs.
func (d *Device) Compile(name, source string, options ...string) (*Module, error) {
	l, err := d.v.lib(&nvrtc)
	if err != nil {
		return nil, err
	}
	options = append([]string{fmt.Sprintf("--gpu-architecture=sm_%d%d", d.info.Major, d.info.Minor), "--fmad=false"}, options...)
	var code []byte
	err = d.do(func() (err error) {
		code, err = l.compile(name, source, options)
		return err
	})
	if err != nil {
		return nil, err
	}
	return d.Load(string(code))
}

// Kernel compiles a source and finds its one entry: Compile, then Func. The module is to be closed when the kernel is not used any more.
func (d *Device) Kernel(entry, source string, options ...string) (*Func, *Module, error) {
	m, err := d.Compile(entry+".cu", source, options...)
	if err != nil {
		return nil, nil, err
	}
	f, err := m.Func(entry)
	if err != nil {
		_ = m.Close()
		return nil, nil, err
	}
	return f, m, nil
}

// compile compiles a source to a cubin: PTX of a compiler newer than the driver would not load.
func (l *library) compile(name, source string, options []string) (code []byte, err error) {
	for _, s := range append([]string{name, source}, options...) {
		if strings.ContainsRune(s, 0) {
			return nil, fmt.Errorf("%s: source or option with a zero byte", name)
		}
	}
	if len(options) > wordsInFrame/2 {
		return nil, fmt.Errorf("%s: %d options; %d at most", name, len(options), wordsInFrame/2)
	}
	text, title := append([]byte(source), 0), append([]byte(name), 0)
	defer func() { keep(text, title) }()
	const program, size, list = 0, 1, 2
	f := newFrame()
	defer f.done(list + len(options))
	if err := l.call(&nvrtc, "nvrtcCreateProgram", f.at(program), address(text), address(title), 0, 0, 0); err != nil {
		return nil, err
	}
	handle := uintptr(f.word[program])
	defer func() {
		if e := l.call(&nvrtc, "nvrtcDestroyProgram", f.at(program)); e != nil && err == nil {
			code, err = nil, e
		}
	}()
	kept := make([][]byte, len(options))
	for i, o := range options {
		kept[i] = append([]byte(o), 0)
		f.word[list+i] = uint64(address(kept[i]))
	}
	err = l.call(&nvrtc, "nvrtcCompileProgram", handle, uintptr(len(options)), f.at(list))
	keep(kept...)
	if err != nil {
		log, e := l.text("nvrtcGetProgramLogSize", "nvrtcGetProgramLog", handle, f.at(size), &f.word[size])
		if e != nil {
			return nil, e
		}
		return nil, &SourceError{Name: name, Log: zeroEnded(append(log, 0)), Err: err}
	}
	return l.text("nvrtcGetCUBINSize", "nvrtcGetCUBIN", handle, f.at(size), &f.word[size])
}

// text gets what a program has, after its size.
func (l *library) text(sizeName, name string, program, at uintptr, size *uint64) ([]byte, error) {
	*size = 0
	if err := l.call(&nvrtc, sizeName, program, at); err != nil {
		return nil, err
	}
	if *size == 0 || *size > 1<<30 {
		return nil, nil
	}
	b := make([]byte, *size)
	err := l.call(&nvrtc, name, program, address(b))
	keep(b)
	return b, err
}
