// Command simd writes the assembly of exec/cpu/kern and exec/cpu/blas with avo, for AVX2 and AVX-512 from one description of
// each loop, and the tables that find it. Run it by `go generate ./exec/cpu/...`. A new element-wise op is a row in
// elementops.go: its body is written once, for a routine that knows how wide the vectors are.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// file is a generated file: its name, from the module's root, and its text.
type file struct {
	name string
	text []byte
}

func main() {
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, "simd:", err)
		os.Exit(1)
	}
}

func write() error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	all, err := files()
	if err != nil {
		return err
	}
	for _, f := range all {
		if err := os.WriteFile(filepath.Join(root, f.name), f.text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// files are all that the command writes.
func files() ([]file, error) {
	var all []file
	for _, pkg := range []func() ([]file, error){kernFiles, gemmFiles, mathFiles} {
		more, err := pkg()
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	return all, nil
}

// moduleRoot is the nearest folder with a go.mod, from here upward.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("no go.mod above; run it inside the module")
		}
		dir = up
	}
}
