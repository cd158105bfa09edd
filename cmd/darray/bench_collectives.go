package main

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/darray-go/darray/bench"
)

func collectivesCommand() *cobra.Command {
	var o bench.CollectivesOptions
	var out string
	var sim simulation
	cmd := &cobra.Command{
		Use:   "collectives",
		Short: "messages, collectives and the tutorial, beside C and mpi4py on Open MPI",
		Long: `Measure messages between two ranks, collectives, and the tutorial's scatter + add + gather over each link, beside the
same program in C and in Python with mpi4py, both on Open MPI. Rivals that are not installed are left out, loudly.

  pingpong   half of a round trip between two ranks, 8 B to 64 MiB
  bw         64 messages in flight from rank 0 to rank 1, and the CPU seconds that a GB takes
  bcast, allreduce (sum of float64), allgather, alltoall   8 B, 64 KiB and 16 MiB a rank;   barrier
  add        scatter a, scatter b, add, gather, of 1e3 to 5e7 float64 on rank 0
  launch     scatteradd on 4 ranks, from the start of its launcher to the launcher's end
  bare       a block over QUIC beside a bare quic-go loop, and over the TCP lane beside a bare crypto/tls loop

For each case the contenders take turns: darray, C, mpi4py, darray, C, mpi4py, ... A batch of calls is timed as a whole,
and the slowest rank counts. The last columns hold the median's ratio to the C program's, over shared memory and over
TCP: 2 is twice its time. With more ranks than cores Open MPI's ranks yield to each other instead of spinning.

--simulate measures nothing: it follows the schedules of every algorithm, the ones that run, through virtual time over the
first of --links, and prints their times over message sizes and over up to 4,096 ranks. --plot draws them.`,
		Example: "  darray bench collectives --quick\n" +
			"  darray bench collectives --cases pingpong,allreduce --links shm,quic --ranks 2\n" +
			"  darray bench collectives --json bench/results/collectives.json\n" +
			"  darray bench collectives --simulate --cases bcast,allreduce --links quic --plot curves.svg",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if sim.on {
				return sim.run(cmd, o)
			}
			if sim.plot != "" {
				return &usageError{errors.New("--plot draws what --simulate predicts; add --simulate")}
			}
			if err := o.Check(); err != nil {
				return &usageError{err}
			}
			o.Log, o.Env = os.Stderr, os.Environ()
			report, err := bench.Collectives(cmd.Context(), o)
			if report == nil {
				return err
			}
			if out != "" {
				if err := report.WriteJSON(filepath.Clean(out)); err != nil {
					return err
				}
			}
			return errors.Join(report.WriteText(os.Stdout), err)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&o.Quick, "quick", false, "small sizes and short batches, as for CI")
	flags.IntSliceVar(&o.Ranks, "ranks", []int{2, 4}, "numbers of ranks")
	flags.StringSliceVar(&o.Links, "links", []string{"mem", "shm", "quic", "tcp"}, "links of darray to measure")
	flags.StringSliceVar(&o.Rivals, "rivals", nil, "c, c-tcp, mpi4py, or none (default all that are installed)")
	flags.IntVar(&o.Largest, "largest", 0, "bytes of the largest message that is measured (default no limit)")
	flags.StringSliceVar(&o.Cases, "cases", nil, "cases to measure (default all)")
	flags.IntVar(&o.Launches, "launches", 3, "turns of every contender")
	flags.IntVar(&o.Repeat, "repeat", 0, "counted batches in each launch (default 5, quick 3)")
	flags.DurationVar(&o.Batch, "batch", 0, "what a batch of calls takes at least (default 20ms, quick 2ms)")
	flags.IntVar(&o.Block, "block", 0, "bytes of the block beside a bare loop (default 64 MiB, quick 8 MiB)")
	flags.StringVar(&o.Source, "source", ".", "the module's folder, where scatteradd is built")
	flags.BoolVar(&sim.on, "simulate", false, "predict the time of every algorithm instead of measuring; takes a minute or two")
	flags.StringVar(&sim.plot, "plot", "", "draw the predictions into this .svg or .png `file`")
	flags.StringVar(&out, "json", "", "write the report to this file as well")
	return cmd
}
