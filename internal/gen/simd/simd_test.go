package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestFresh holds that the files in the tree are what the command writes now, and that it left none behind.
func TestFresh(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	var all []file
	for name, pkg := range packages {
		more, err := pkg()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all = append(all, more...)
	}
	written := map[string]bool{}
	for _, f := range all {
		written[f.name] = true
		got, err := os.ReadFile(filepath.Join(root, f.name))
		if err != nil || !bytes.Equal(got, f.text) {
			t.Errorf("%s is not what internal/gen/simd writes (%v); run: go generate ./exec/cpu/...", f.name, err)
		}
	}
	found, err := filepath.Glob(filepath.Join(root, "exec/cpu/*/z*_amd64.*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range found {
		if name, err = filepath.Rel(root, name); err != nil || !written[filepath.ToSlash(name)] {
			t.Errorf("%s is not written any more (%v); remove it", name, err)
		}
	}
}
