package main

import (
	"context"
	"os"

	"github.com/spf13/cobra"

	"github.com/darray-go/darray/internal/launch"
)

func runCommand() *cobra.Command {
	var ranks int
	var prefix bool
	cmd := &cobra.Command{
		Use:   "run [-n RANKS] PROG [ARGS...]",
		Short: "Start a program on several ranks of this host",
		Long: `Start PROG once a rank. The program calls darray.Main or darray.SPMD, which finds the other ranks; all that passes
between them is encrypted and authenticated with a secret made for this job. Rank 0 has this terminal's input.

Where a rank fails, the others are ended within a second, and darray exits with its status (128 + number for a signal),
naming the rank and the last lines that it wrote to stderr. Ctrl-C reaches every rank; a second one kills them.
GOMAXPROCS of each rank is its share of the cores unless it is set.`,
		Example: "  darray run -n 4 ./prog --steps 100\n" +
			"  darray run -n 8 --prefix ./prog",
		Args: needs("a program"),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := checkRanks(ranks); err != nil {
				return err
			}
			signals, stop := jobSignals()
			defer stop()
			return launch.Run(context.Background(), launch.Config{
				Ranks: ranks, Argv: args, Prefix: prefix,
				Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Signals: signals,
			})
		},
	}
	ranksFlag(cmd, &ranks)
	cmd.Flags().BoolVar(&prefix, "prefix", false, `put "[rank] " before each line of output`)
	cmd.Flags().SetInterspersed(false) // flags after PROG are PROG's
	return cmd
}
