package main

import (
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/darray-go/darray/bench"
)

// benchCommand measures; `bench rank` is what it starts as ranks of a job.
func benchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure darray on this machine",
		Long:  "Measure darray beside its rivals on this machine. Every suite alternates the rivals in one run and prints\nminimum, median and maximum; times on a shared machine are noisy, so quote medians and ratios.",
	}
	cmd.AddCommand(spineCommand(), collectivesCommand(), ioCommand(), rankCommand(), contenderCommand())
	cmd.AddCommand(computeCommands()...)
	return cmd
}

func benchFlags(cmd *cobra.Command, o *bench.Options) {
	cmd.Flags().IntVar(&o.Repeat, "repeat", 5, "counted runs of each case, after one warm-up")
	cmd.Flags().IntVar(&o.Elements, "elements", 1e7, "elements of the big add")
	cmd.Flags().IntVar(&o.Block, "block", 64<<20, "bytes of the block sent between two ranks")
}

func spineCommand() *cobra.Command {
	var o bench.Options
	var out string
	cmd := &cobra.Command{
		Use:   "spine",
		Short: "scatter + add + gather, launch to exit, small Collect, QUIC beside a bare loop",
		Example: "  darray bench spine\n" +
			"  darray bench spine --repeat 15 --json bench/results/spine.json",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Log = os.Stderr
			report, err := bench.Spine(cmd.Context(), o)
			if err != nil {
				return err
			}
			if out != "" {
				if err := report.WriteJSON(filepath.Clean(out)); err != nil {
					return err
				}
			}
			return report.WriteText(os.Stdout)
		},
	}
	benchFlags(cmd, &o)
	cmd.Flags().StringVar(&o.Source, "source", ".", "the module's folder, where scatteradd is built")
	cmd.Flags().StringVar(&out, "json", "", "write the report to this file as well")
	return cmd
}

func rankCommand() *cobra.Command {
	var o bench.Options
	cmd := &cobra.Command{
		Use:    "rank JOB [CASES...]",
		Short:  "one rank of a measured job",
		Hidden: true,
		Args:   cobra.MinimumNArgs(1),
		RunE:   func(_ *cobra.Command, args []string) error { return bench.Rank(args[0], args[1:], o, os.Stdout) },
	}
	benchFlags(cmd, &o)
	cmd.Flags().IntVar(&o.Ranks, "ranks", 1, "ranks in this process, where no launcher started it")
	cmd.Flags().DurationVar(&o.Batch, "batch", 20*time.Millisecond, "what a batch of calls takes at least")
	return cmd
}
