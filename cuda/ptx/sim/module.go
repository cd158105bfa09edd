package sim

import (
	"errors"
	"fmt"
	"strings"
)

// Module is a parsed text, whose kernels are ready to run. It does not change and may be used by several goroutines.
type Module struct {
	version, target int
	lines           []string
	vars            []*variable // of the module, and static ones of functions
	names           map[string]*variable
	funcs           map[string]*function
	order           []*function
	kernels         map[string]*Kernel
}

// Kernel is an entry of a module.
type Kernel struct {
	name    string
	m       *Module
	fn      *function
	code    []inst
	rows    []row
	checked []int // rows whose reads are checked as the kernel runs
	loose   []int // rows that may be stored in local memory before they are written: they hold poison then
	shared  int   // static bytes
	dynamic int   // alignment and presence of dynamic shared memory: 0 for none
	locals  int   // bytes of a thread
	params  int
	caches  int
}

// Param is one parameter of a kernel: Size bytes at Offset of Launch.Params.
type Param struct {
	Name                string
	Size, Align, Offset int
}

// ErrNoKernel is returned by Kernel for a name that no entry of the module has.
var ErrNoKernel = errors.New("ptx: no such kernel")

// Parse reads a module and checks all of it. Its errors are *SyntaxError. It takes memory in proportion to the text.
func Parse(text string) (*Module, error) {
	if len(text) > maxText {
		return nil, &SyntaxError{Line: 1, Reason: fmt.Sprintf("text of %d bytes; %d are the limit", len(text), maxText)}
	}
	text = strings.TrimSuffix(text, "\x00")
	m := &Module{
		lines: strings.Split(text, "\n"), names: map[string]*variable{}, funcs: map[string]*function{}, kernels: map[string]*Kernel{},
	}
	tokens, err := lex(text)
	if err != nil {
		return nil, m.located(err)
	}
	p := &parser{tokens: tokens, m: m}
	if p.module(); p.err != nil {
		return nil, m.located(p.err)
	}
	if err := m.initials(); err != nil {
		return nil, m.located(err)
	}
	total := 0
	for _, fn := range m.order {
		k, err := compile(m, fn)
		if err != nil {
			return nil, m.located(err)
		}
		if total += len(k.code); total > maxStatements {
			return nil, m.located(&SyntaxError{Line: fn.line, Reason: fmt.Sprintf("more than %d instructions with calls expanded", maxStatements)})
		}
		if fn.entry {
			m.kernels[fn.name] = k
		}
	}
	return m, nil
}

// located adds the text of the line to an error.
func (m *Module) located(err error) error {
	if e, ok := err.(*SyntaxError); ok {
		e.Text = m.line(e.Line)
	}
	return err
}

// line returns the text of a line, shortened.
func (m *Module) line(n int) string {
	if n < 1 || n > len(m.lines) {
		return ""
	}
	s := m.lines[n-1]
	if i := strings.Index(s, "//"); i >= 0 {
		s = s[:i]
	}
	if len(s) > 200 {
		s = s[:200]
	}
	return strings.Join(strings.Fields(s), " ")
}

// initials looks up the variables that initial values name.
func (m *Module) initials() error {
	for _, v := range m.vars {
		for _, e := range v.init {
			if e.symbol == "" {
				continue
			}
			to := m.names[e.symbol]
			if to == nil || to.space == shared || to.space == local {
				return &SyntaxError{Line: e.line, Reason: fmt.Sprintf("%s has no address that a variable could hold", e.symbol)}
			}
		}
	}
	return nil
}

// Kernel returns the entry of the given name, or ErrNoKernel.
func (m *Module) Kernel(name string) (*Kernel, error) {
	if k := m.kernels[name]; k != nil {
		return k, nil
	}
	return nil, fmt.Errorf("%w: %q", ErrNoKernel, name)
}

// Kernels returns the names of the module's entries in the order of the text.
func (m *Module) Kernels() []string {
	var names []string
	for _, fn := range m.order {
		if fn.entry {
			names = append(names, fn.name)
		}
	}
	return names
}

// Name returns the name of the entry.
func (k *Kernel) Name() string { return k.name }

// Params returns the parameters in order.
func (k *Kernel) Params() []Param {
	list := make([]Param, len(k.fn.params))
	for i, v := range k.fn.params {
		list[i] = Param{Name: v.name, Size: v.size, Align: v.align, Offset: int(v.offset)}
	}
	return list
}

// Registers returns how many virtual registers the kernel uses, with its calls expanded. A card needs fewer.
func (k *Kernel) Registers() int {
	n := 0
	for _, r := range k.rows {
		if r.kind == registerRow {
			n++
		}
	}
	return n
}

// SharedBytes returns the static shared memory of a block, LocalBytes the local memory of a thread.
func (k *Kernel) SharedBytes() int { return k.shared }

// LocalBytes returns the bytes of local memory that each thread takes.
func (k *Kernel) LocalBytes() int { return max(0, k.locals-localBase) }

// MaxThreads returns .maxntid (or .reqntid, which a launch must keep exactly): the most threads of a block, zeros where not given.
func (k *Kernel) MaxThreads() [3]int { return k.fn.maxntid }
