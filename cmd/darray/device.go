package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/darray-go/darray"
)

// deviceWords are the values of --device.
var deviceWords = []string{"auto", "cpu", "cuda", "sim"}

// deviceFlag is --device: empty where DARRAY_DEVICE, or its default, is to decide.
type deviceFlag struct{ word string }

func (f *deviceFlag) add(cmd *cobra.Command, usage string) {
	cmd.Flags().StringVar(&f.word, "device", "", usage)
}

// deviceUsage explains --device of what computes.
const deviceUsage = "what computes: `auto` (step by step what takes less time), cpu, cuda (an error without a GPU) or sim (a simulated GPU, slow); default $DARRAY_DEVICE, or auto"

func (f *deviceFlag) check() error {
	if f.word != "" && !slices.Contains(deviceWords, f.word) {
		return &usageError{fmt.Errorf("--device %q: there are %s", f.word, strings.Join(deviceWords, ", "))}
	}
	return nil
}

// apply has the flag win over the variable.
func (f *deviceFlag) apply(cfg *darray.Config) {
	if f.word != "" {
		cfg.Device = f.word
	}
}
