// Command simd writes the assembly of exec/cpu/kern, exec/cpu/blas and exec/cpu/vmath with avo, for AVX2 and AVX-512 from one
// description of each loop, and the tables that find it. Run it by `go generate ./exec/cpu/...`: each package names itself, as
// it takes seconds to write them all. A new element-wise op is a row in
// elementops.go: its body is written once, for a routine that knows how wide the vectors are.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// file is a generated file: its name, from the module's root, and its text.
type file struct {
	name string
	text []byte
}

// packages are what the command writes, by the name of the package in exec/cpu.
var packages = map[string]func() ([]file, error){"kern": kernFiles, "blas": gemmFiles, "vmath": mathFiles}

func main() {
	if err := write(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "simd:", err)
		os.Exit(1)
	}
}

// write writes the files of packages.
func write(names []string) error {
	if len(names) == 0 {
		return errors.New("name what to write: kern, blas or vmath; go generate ./exec/cpu/... writes all")
	}
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	for _, name := range names {
		pkg, ok := packages[name]
		if !ok {
			return fmt.Errorf("no package %q; there are kern, blas and vmath", name)
		}
		all, err := pkg()
		if err != nil {
			return err
		}
		for _, f := range all {
			if err := os.WriteFile(filepath.Join(root, f.name), f.text, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
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
