// Command gen writes the files that follow from the op table: the root package's functions, the loops of the CPU executor
// and docs/ops.md. Run it by `go generate ./array`.
package main

import (
	"fmt"
	"go/format"
	"os"
	"path/filepath"
)

// generated is a file, from the module's root, and what writes it.
type generated struct {
	name string
	text func() string
}

// files are the generated files.
func files() []generated {
	return append([]generated{
		{"zops.go", rootFunctions},
		{"exec/cpu/kern/zloops.go", kernLoops},
		{"exec/cpu/kern/zfolds.go", kernFolds},
		{"docs/ops.md", opTables},
	}, scalarFiles()...)
}

func main() {
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func write() error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	for _, f := range files() {
		text, err := generate(f.name, f.text)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(root, f.name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// generate gives the text of one file, gofmt'ed where it is Go.
func generate(name string, text func() string) ([]byte, error) {
	if filepath.Ext(name) != ".go" {
		return []byte(text()), nil
	}
	out, err := format.Source([]byte(text()))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return out, nil
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
