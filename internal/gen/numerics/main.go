// Command numerics writes docs/numerics.md: how each element-wise function is computed, from the descriptions in
// internal/gen/vmath, and what was measured of it, from docs/numerics.json. Run from the module's root:
//
//	go run ./internal/gen/numerics                    write the page again from both
//	go run ./internal/gen/numerics -measure           measure all functions first: minutes, or hours with -every
//	go run ./internal/gen/numerics -measure -only exp,log -every
//
// A function is measured anew after every change of its description; the test of this package says so.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
)

// options are what the flags say.
type options struct {
	only   map[string]bool // by the op table's names; empty: all
	inputs int64
	every  bool
	errors bool // measure errors
	times  bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "numerics:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	measure := flag.Bool("measure", false, "measure errors and times before the page is written")
	only := flag.String("only", "", "names of functions to measure, as in docs/ops.md, with commas between; all if empty")
	inputs := flag.Int64("inputs", wantedInputs, "how many inputs a function and type to measure the errors with")
	every := flag.Bool("every", false, "try all 2^32 float32 too, for functions of one operand: some minutes each")
	noErrors := flag.Bool("times", false, "measure the times alone, the errors stay")
	noTimes := flag.Bool("errors", false, "measure the errors alone, the times stay")
	flag.Parse()
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	m, err := load(filepath.Join(root, figuresFile))
	if err != nil {
		return err
	}
	if *measure {
		o := options{only: map[string]bool{}, inputs: *inputs, every: *every, errors: !*noErrors, times: !*noTimes}
		for name := range strings.SplitSeq(*only, ",") {
			if name != "" {
				o.only[name] = true
			}
		}
		if err := m.measureAll(ctx, o, func() error { return m.save(filepath.Join(root, figuresFile)) }); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(root, pageFile), []byte(page(m)), 0o644)
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
