package main

import (
	"os"
	"path/filepath"
	"testing"
)

func measured(t *testing.T) (root string, m figures) {
	t.Helper()
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	if m, err = load(filepath.Join(root, figuresFile)); err != nil {
		t.Fatal(err)
	}
	return root, m
}

// TestFresh holds that the page is what the descriptions and the figures give.
func TestFresh(t *testing.T) {
	root, m := measured(t)
	got, err := os.ReadFile(filepath.Join(root, pageFile))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != page(m) {
		t.Errorf("%s is stale; run: go run ./internal/gen/numerics", pageFile)
	}
}

// TestMeasured holds that every function was measured as it is now, on enough inputs, and keeps its promise.
func TestMeasured(t *testing.T) {
	_, m := measured(t)
	functions, err := all()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range functions {
		name := f.spec.Name
		if f.Method == "" || f.Source == "" {
			t.Errorf("%s does not say how it is computed or where that is published", name)
		}
		for _, d := range types {
			promise, limit := f.ULP, float64(most)
			if d == "float32" {
				promise, limit = f.ULP32, most32
			}
			if promise > limit {
				t.Errorf("%s of %s promises %g ulp; allowed are %g", name, d, promise, limit)
			}
			e := m[name][d]
			switch {
			case e == nil || e.Errors == nil || e.Description != digest(f.Function, d == "float32"):
				t.Errorf("%s of %s is not measured as it is now; run: go run ./internal/gen/numerics -measure -every -only %s", name, d, name)
				continue
			case e.Errors.Inputs < wantedInputs:
				t.Errorf("%s of %s was measured on %d inputs, fewer than %d", name, d, e.Errors.Inputs, int64(wantedInputs))
			}
			if e.Errors.Max > promise || e.Errors.Beyond > 0 || e.Every != nil && (e.Every.Max > promise || e.Every.Beyond > 0) {
				t.Errorf("%s of %s was measured worse than the %g ulp that it promises", name, d, promise)
			}
			if e.Order != nil && e.Order.Turns > 0 || e.Every != nil && e.Every.Turns > 0 {
				t.Errorf("%s of %s was measured with neighbours in the wrong order", name, d)
			}
			if e.Every == nil && d == "float32" && f.Arity == 1 {
				t.Errorf("%s was not tried on all float32; run: go run ./internal/gen/numerics -measure -every -only %s", name, name)
			}
		}
	}
	for name := range m {
		if !known(functions, name) {
			t.Errorf("%s has figures of %s, which is no function", figuresFile, name)
		}
	}
}

func known(functions []described, name string) bool {
	for _, f := range functions {
		if f.spec.Name == name {
			return true
		}
	}
	return false
}
