package cuda

import (
	"fmt"
	"strings"

	"github.com/ebitengine/purego"
)

// library is one of NVIDIA's that need not be there, loaded: its functions by name.
type library struct {
	file  string
	table map[string]uintptr
	err   error // why it could not be loaded
}

// kind says where a library is, what is used of it, and how it says what went wrong.
type kind struct {
	name      string
	files     []string // the newest first
	functions []string
	text      string         // the function that gives a code's text, "" for none
	codes     map[int]string // names of codes where there is none
	get       string         // where it comes from
}

// lib loads a library once; what could not be loaded is not tried again.
func (v *Driver) lib(k *kind) (*library, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	l := v.libraries[k.name]
	if l == nil {
		l = v.loadLib(k)
		v.libraries[k.name] = l
	}
	return l, l.err
}

func (v *Driver) loadLib(k *kind) *library {
	l := &library{table: map[string]uintptr{}}
	sym, file, err := v.library(k.files)
	if err != nil {
		l.err = fmt.Errorf("%w: %s, tried %s: %w; %s", ErrLibrary, k.name, strings.Join(k.files, ", "), err, k.get)
		return l
	}
	l.file = file
	for _, name := range k.functions {
		if l.table[name], err = sym(name); err != nil {
			l.err = fmt.Errorf("%w: %s has no %s: %w; a newer one has", ErrLibrary, file, name, err)
			return l
		}
	}
	return l
}

// call calls a function of a library. What pointers among the arguments point to is kept alive by the caller.
func (l *library) call(k *kind, name string, args ...uintptr) error {
	if code := l.code(name, args...); code != 0 {
		return l.failure(k, name, code)
	}
	return nil
}

// code is call for those who know what to do with some codes.
func (l *library) code(name string, args ...uintptr) int {
	code, _, _ := purego.SyscallN(l.table[name], args...)
	return int(int32(code))
}

func (l *library) failure(k *kind, op string, code int) error {
	e := &Error{Op: op, Code: code, Name: k.codes[code]}
	if k.text != "" {
		f := newFrame()
		defer f.done(1)
		r, _, _ := purego.SyscallN(l.table[k.text], uintptr(code))
		f.word[0] = uint64(r)
		e.Text = f.stringIn(0)
	}
	if e.Name == "" {
		e.Name = fmt.Sprintf("%s error", k.name)
	}
	return e
}
