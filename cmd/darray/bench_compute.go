package main

import (
	"cmp"
	"context"
	"fmt"
	"math/bits"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/darray-go/darray/bench/compute"
	files "github.com/darray-go/darray/bench/io"
)

// computeCommands are the suites of what arrays compute.
func computeCommands() []*cobra.Command {
	var cmds []*cobra.Command
	for _, s := range compute.Suites() {
		cmds = append(cmds, computeCommand(s))
	}
	return cmds
}

func computeCommand(s compute.Suite) *cobra.Command {
	o := compute.Options{Suite: s.Name}
	var sizes []string
	var out outputs
	first := s.Sets[0]
	cmd := &cobra.Command{
		Use:   s.Name,
		Short: s.Short,
		Long: s.Long + `

Every contender is a process that lives through the run, by as many threads as there are cores. For each case they take turns:
darray, numpy, ..., darray, numpy, ...; each times its own calls. Results are checked against a reference. Rivals that are not
installed are left out, loudly. of best is our time in that of the fastest rival: below 1 we are faster. STREAM beside a case is
the machine's limit.

` + listSets(s.Sets),
		Example: fmt.Sprintf("  darray bench %s --quick\n", s.Name) +
			fmt.Sprintf("  darray bench %s --cases %s --sizes %.0e --dtypes float64\n", s.Name, first.Cases[0], float64(first.Sizes[len(first.Sizes)/2])) +
			fmt.Sprintf("  darray bench %[1]s --json bench/results/%[1]s.json --plot %[1]s.svg\n", s.Name) +
			fmt.Sprintf("  darray bench %[1]s --from bench/results/%[1]s.json --plot %[1]s.png", s.Name),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if o.Sizes, err = parseSizes("--sizes", sizes); err == nil {
				err = o.Check()
			}
			if err == nil {
				err = out.check()
			}
			if err != nil {
				return &usageError{err}
			}
			o.Log, o.Env = os.Stderr, os.Environ()
			return write(cmd.Context(), out, compute.Read, func(ctx context.Context) (*compute.Result, error) { return compute.Run(ctx, o) })
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&o.Quick, "quick", false, "small sizes and short batches, as for CI")
	flags.StringSliceVar(&o.Cases, "cases", nil, "cases to measure (default all)")
	flags.StringSliceVar(&sizes, "sizes", nil, "sizes, as 1e6, 2^20 or 4096 (default all)")
	flags.StringSliceVar(&o.DTypes, "dtypes", nil, "types of operands (default "+strings.Join(s.DTypes(), ",")+")")
	flags.StringSliceVar(&o.Modes, "modes", nil, "fresh results, or into memory that is there (default "+strings.Join(s.Modes(), ",")+")")
	flags.StringSliceVar(&o.Rivals, "rivals", nil, strings.Join(s.Rivals(), ", ")+", or none (default those of this suite that are installed)")
	if s.Name == "gpu" {
		flags.StringVar(&o.Device, "device", "cuda", "`cuda`, or sim: the simulator, whose times say nothing of a GPU")
		flags.IntVar(&o.Matrix, "matrix", 0, "order of the matrices of the products (default 8192, quick 32)")
	} else {
		flags.StringVar(&o.Device, "device", "cpu", "what darray computes on: `cpu`, auto, cuda or sim")
	}
	flags.StringVar(&o.Python, "python", "", "the rivals' `interpreter` (default python3 on the PATH or in /usr/bin, whichever has their libraries)")
	flags.IntVar(&o.Threads, "threads", 0, "threads of every contender (default all cores)")
	flags.IntVar(&o.Rounds, "rounds", 0, fmt.Sprintf("turns of every contender at every case (default %d, quick 2)", s.Rounds))
	flags.IntVar(&o.Repeat, "repeat", 0, fmt.Sprintf("counted batches in each turn (default %d, quick 2)", s.Repeat))
	flags.DurationVar(&o.Batch, "batch", 0, "what a batch of calls takes at least (default 10ms, quick 1ms)")
	flags.DurationVar(&o.Turn, "turn", 0, "after which a turn begins no further batch (default "+turn(s)+")")
	out.register(cmd)
	return cmd
}

// turn is the default of --turn.
func turn(s compute.Suite) string {
	if s.Name == "gpu" {
		return "100ms"
	}
	return "300ms"
}

// parseSizes reads 1e6 and 2^20 as well as 1000000.
func parseSizes(flag string, texts []string) ([]int, error) {
	var sizes []int
	for _, text := range texts {
		if power, ok := strings.CutPrefix(text, "2^"); ok {
			if p, err := strconv.Atoi(power); err == nil && p >= 0 && p <= 40 {
				sizes = append(sizes, 1<<p)
				continue
			}
		}
		x, err := strconv.ParseFloat(text, 64)
		if n := int(x); err != nil || x < 1 || x > 1<<40 || float64(n) != x {
			return nil, fmt.Errorf("%s %q: a size is a whole number of at least 1, such as 1000, 1e6 or 2^20", flag, text)
		}
		sizes = append(sizes, int(x))
	}
	return sizes, nil
}

// listSets says which cases there are, and at which sizes.
func listSets(sets []compute.Set) string {
	var lines []string
	for _, set := range sets {
		lines = append(lines, cmp.Or(set.Name, "cases")+": "+wrap(strings.Join(set.Cases, ", ")), "sizes: "+numbers(set.Sizes))
	}
	return strings.Join(lines, "\n")
}

// wrap breaks a list into lines as long as those of a help text.
func wrap(list string) string {
	const wide = 116
	text, line := "", 0
	for _, word := range strings.SplitAfter(list, ", ") {
		if line += len(word); line > wide {
			text, line = strings.TrimRight(text, " ")+"\n  ", len(word)
		}
		text += word
	}
	return text
}

func numbers(ns []int) string {
	var texts []string
	for _, n := range ns {
		if n >= 1<<16 && n&(n-1) == 0 {
			texts = append(texts, fmt.Sprintf("2^%d", bits.Len(uint(n))-1))
		} else if n >= 10_000 {
			texts = append(texts, strings.Replace(fmt.Sprintf("%.0e", float64(n)), "e+0", "e", 1))
		} else {
			texts = append(texts, strconv.Itoa(n))
		}
	}
	return strings.Join(texts, ", ")
}

// contenderCommand is what a suite starts beside its rivals.
func contenderCommand() *cobra.Command {
	var o compute.ServeOptions
	var io string
	cmd := &cobra.Command{
		Use:    "contender",
		Short:  "darray, or STREAM, as a contender that answers `darray bench`",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if io != "" {
				return files.Serve(os.Stdin, os.Stdout, io)
			}
			return compute.Serve(os.Stdin, os.Stdout, o)
		},
	}
	cmd.Flags().StringVar(&io, "files", "", "darray, disk or mmap as they read and write files")
	cmd.Flags().BoolVar(&o.Stream, "stream", false, "STREAM instead of darray")
	cmd.Flags().BoolVar(&o.Past, "past", false, "stores past the caches")
	cmd.Flags().IntVar(&o.Threads, "threads", 1, "threads of STREAM")
	cmd.Flags().StringVar(&o.Device, "device", "", "cuda or sim: darray on a GPU")
	cmd.Flags().BoolVar(&o.Copy, "copy", false, "that GPU's copies instead of darray")
	return cmd
}
