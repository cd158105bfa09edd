package cuda

import (
	"container/list"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Module is kernels that the driver has compiled for the device. Close it.
type Module struct {
	d      *Device
	text   string
	handle uintptr
	jit    time.Duration
	log    string
	users  int           // Loads without a Close
	at     *list.Element // among the modules without users
	mu     sync.Mutex
	funcs  map[string]*Func
	guards []mark // work of when the last user closed it
}

// modules is what is loaded, by text: a module without users stays for the next who loads the same text.
type modules struct {
	d      *Device
	mu     sync.Mutex
	byText map[string]*Module
	unused list.List // of *Module, the longest unused first
	stats  ModuleStats
}

// ModuleStats says what compiling has cost so far.
type ModuleStats struct {
	Loaded   int           // modules that the driver has now
	Compiled int           // calls of the driver's compiler
	Reused   int           // Loads that needed none
	Time     time.Duration // in the driver's compiler, or its cache on disk
}

func (ms *modules) init(d *Device) {
	ms.d = d
	ms.byText = map[string]*Module{}
}

// ModuleStats returns the figures of now.
func (d *Device) ModuleStats() ModuleStats {
	d.modules.mu.Lock()
	defer d.modules.mu.Unlock()
	s := d.modules.stats
	s.Loaded = len(d.modules.byText)
	return s
}

// Load compiles a module: PTX text, or a cubin as NVRTC gives it. A text that was loaded before costs nothing. ErrText, with the
// compiler's log and the line that it names, where the driver does not take it. It blocks while the driver compiles.
func (d *Device) Load(text string) (*Module, error) {
	ms := &d.modules
	ms.mu.Lock() // also while the driver compiles: it takes one at a time itself
	defer ms.mu.Unlock()
	if m := ms.byText[text]; m != nil {
		if m.at != nil {
			ms.unused.Remove(m.at)
			m.at = nil
		}
		m.users++
		ms.stats.Reused++
		return m, nil
	}
	m := &Module{d: d, text: text, users: 1, funcs: map[string]*Func{}}
	if err := d.do(m.load); err != nil {
		return nil, err
	}
	ms.byText[text] = m
	ms.stats.Compiled++
	ms.stats.Time += m.jit
	return m, nil
}

// Options of the driver's compiler.
const (
	jitWallTime     = 2 // out: milliseconds, float
	jitInfoLog      = 3
	jitInfoLogSize  = 4
	jitErrorLog     = 5
	jitErrorLogSize = 6
	logSize         = 16 << 10
)

// load calls the driver's compiler.
func (m *Module) load() error {
	text := append([]byte(m.text), 0)
	info, fails := make([]byte, logSize), make([]byte, logSize)
	f := newFrame()
	const handle, options, values, count = 0, 1, 8, 5
	defer f.done(values + count)
	// The options are ints, two in a word, and their values as wide as pointers: sizes stand in place of one.
	for i, o := range [count]uint64{jitWallTime, jitInfoLog, jitInfoLogSize, jitErrorLog, jitErrorLogSize} {
		f.word[options+i/2] |= o << (i % 2 * 32)
	}
	f.word[values+1], f.word[values+2] = uint64(address(info)), logSize
	f.word[values+3], f.word[values+4] = uint64(address(fails)), logSize
	began := time.Now()
	err := m.d.v.call(fnModuleLoadDataEx, f.at(handle), address(text), count, f.at(options), f.at(values))
	m.jit = time.Since(began)
	if ms := math.Float32frombits(uint32(f.word[values])); ms > 0 && err == nil {
		m.jit = time.Duration(float64(ms) * float64(time.Millisecond))
	}
	m.log = strings.TrimSpace(zeroEnded(info))
	keep(text, info, fails)
	if err != nil {
		return textError(err, m.text, strings.TrimSpace(zeroEnded(fails)))
	}
	m.handle = uintptr(f.word[handle])
	return nil
}

// textError adds the compiler's log to an error, and the first line of the text that it names.
func textError(err error, text, log string) error {
	if log == "" {
		return err
	}
	if match := lineInLog.FindStringSubmatch(log); match != nil {
		n, _ := strconv.Atoi(match[1])
		if lines := strings.Split(text, "\n"); n >= 1 && n <= len(lines) {
			return fmt.Errorf("%w\n%s\nline %d: %s", err, log, n, strings.TrimSpace(lines[n-1]))
		}
	}
	return fmt.Errorf("%w\n%s", err, log)
}

var lineInLog = regexp.MustCompile(`\bline (\d+)`)

// Time is what the driver took to compile the module, or to find it in its cache on disk.
func (m *Module) Time() time.Duration { return m.jit }

// Log is what the driver's compiler had to say.
func (m *Module) Log() string { return m.log }

// Close gives the module back. Launches that are queued go on; its Funcs must not be used any more. It is to be called once for each
// Load.
func (m *Module) Close() error {
	ms := &m.d.modules
	ms.mu.Lock()
	defer ms.mu.Unlock()
	if m.users == 0 || ms.byText[m.text] != m {
		return nil // closed already, or with the device
	}
	if m.users--; m.users > 0 {
		return nil
	}
	if err := m.d.enter(); err != nil {
		return gone(err)
	}
	defer m.d.leave()
	guards, err := m.d.marks()
	m.guards = guards
	m.at = ms.unused.PushBack(m)
	return errors.Join(err, ms.shrink())
}

// shrink unloads modules without users that are too many, the longest unused first, unless work may still run them.
func (ms *modules) shrink() error {
	var errs []error
	for e := ms.unused.Front(); e != nil && ms.unused.Len() > max(ms.d.options.Modules, 0); {
		m, next := e.Value.(*Module), e.Next()
		b := block{guards: m.guards}
		idle, err := b.idle()
		errs = append(errs, err)
		if idle {
			ms.unused.Remove(e)
			delete(ms.byText, m.text)
			errs = append(errs, ms.d.v.call(fnModuleUnload, m.handle))
		}
		e = next
	}
	return errors.Join(errs...)
}

// close unloads everything. Work is over.
func (ms *modules) close() error {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	var errs []error
	used := 0
	for _, m := range ms.byText {
		if m.users > 0 {
			used++
		}
		errs = append(errs, ms.d.v.call(fnModuleUnload, m.handle))
	}
	clear(ms.byText)
	if used > 0 {
		errs = append(errs, fmt.Errorf("%d modules were not closed", used))
	}
	return errors.Join(errs...)
}
