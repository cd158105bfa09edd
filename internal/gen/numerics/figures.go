package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/darray-go/darray/internal/gen/vmath"
	"github.com/darray-go/darray/internal/ref/judge"
)

const (
	figuresFile = "docs/numerics.json"
	pageFile    = "docs/numerics.md"

	// wantedInputs is how many inputs the page asks for a function and type.
	wantedInputs = 10_000_000
	// The most that a function may promise, in units in the last place.
	most, most32 = 1, 2
)

// figures are what was measured: by function, as the op table names it, and by type.
type figures map[string]map[string]*entry

// entry is one function for one type.
type entry struct {
	Description string              // of which it was measured: a digest
	Errors      *judge.Figures      `json:",omitempty"`
	Order       *judge.Order        `json:",omitempty"` // nil where it neither rises nor falls
	Every       *judge.EveryFigures `json:",omitempty"` // float32 functions of one operand
	Processor   string              `json:",omitempty"`
	Times       map[string]spread   `json:",omitempty"` // by instruction set
}

// spread is the least, the middle and the greatest of some measurements: nanoseconds an element.
type spread struct{ Min, Median, Max float64 }

func load(file string) (figures, error) {
	m := figures{}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return m, nil
}

func (m figures) save(file string) error {
	data, err := json.MarshalIndent(m, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(data, '\n'), 0o644)
}

// entry is that of a function and type; it is new where the description has changed since.
func (m figures) entry(name string, f vmath.Function, d string) *entry {
	if m[name] == nil {
		m[name] = map[string]*entry{}
	}
	now := digest(f, d == "float32")
	if e := m[name][d]; e != nil && e.Description == now {
		return e
	}
	e := &entry{Description: now}
	m[name][d] = e
	return e
}

// digest tells descriptions apart: by the code that they give, and their tables.
func digest(f vmath.Function, float32s bool) string {
	h := sha256.New()
	p := f.Program(float32s)
	fmt.Fprintln(h, p.GoText([]string{"x", "y"}[:f.Arity], "", "return %s"))
	for _, t := range p.Tables {
		fmt.Fprintln(h, t.Name, t.Words)
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:8])
}

// described is a function that has both a description and a spec.
type described struct {
	vmath.Function
	spec *judge.Spec
}

// all are the functions in the order of the op table. It fails where one has no spec.
func all() ([]described, error) {
	byName := map[string]vmath.Function{}
	for _, f := range vmath.Functions() {
		byName[f.Name] = f
	}
	var out []described
	for _, s := range judge.All() {
		if f, ok := byName[s.Func]; ok {
			out = append(out, described{f, s})
			delete(byName, s.Func)
		}
	}
	for name := range byName {
		return nil, fmt.Errorf("nobody judges %s: it is not in internal/ref/judge", name)
	}
	return out, nil
}
