// Command darray evaluates expressions over the columns of files, starts programs on several ranks, and says what it
// would do before it does it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/cuda"
	"github.com/darray-go/darray/format/blob"
	"github.com/darray-go/darray/format/parquet"
	"github.com/darray-go/darray/internal/launch"
)

// What the command exits with beside 0; a failed rank's own status goes through.
const (
	exitError       = 1
	exitUsage       = 2
	exitInterrupted = 130
)

func main() {
	darray.Use("cuda", cuda.Open)
	darray.UseFormat(parquet.Format)
	darray.UseStore(blob.Store)
	os.Exit(execute(os.Args[1:]))
}

// execute runs one command line and gives its exit status.
func execute(args []string) int {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // a reader that went away is an error of the write, not our end
	started := false
	root := rootCommand()
	root.PersistentPreRun = func(*cobra.Command, []string) { started = true }
	root.SetArgs(args)
	err := root.Execute()
	if err != nil && !started { // the command line itself was wrong
		err = &usageError{err}
	}
	return report(err)
}

// report says what went wrong, on stderr, and gives the exit status.
func report(err error) int {
	var usage *usageError
	var exit *launch.ExitError
	var sig *launch.SignalError
	var said *saidError
	switch {
	case err == nil, errors.Is(err, syscall.EPIPE):
		return 0
	case errors.As(err, &said):
		return said.code
	case errors.As(err, &sig), errors.Is(err, context.Canceled):
		complain("interrupted")
		return exitInterrupted
	}
	complain(err.Error())
	switch {
	case errors.As(err, &usage):
		fmt.Fprintln(os.Stderr, "`darray help` lists the commands, `darray COMMAND -h` explains one.")
		return exitUsage
	case errors.As(err, &exit):
		return exit.Code
	}
	return exitError
}

func complain(text string) { fmt.Fprintln(os.Stderr, "darray:", text) }

// usageError is a command line that makes no sense.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// saidError is an error that the user has read already.
type saidError struct{ code int }

func (e *saidError) Error() string { return fmt.Sprintf("exit status %d", e.code) }

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "darray",
		Short: "Distributed arrays: evaluate, explain, run",
		Long: "darray computes with arrays that are spread over the ranks of a job: goroutines of one process, processes of\n" +
			"one host, or of many, on their processors and GPUs. The results have the same bits whatever the number of ranks, and\n" +
			"whatever computes them.",
		Example: "  darray eval 'sum(distance + delay)' flights.arrow\n" +
			"  darray explain -n 4 'where(delay > 15, distance, 0)' flights.arrow\n" +
			"  darray run -n 4 ./prog\n" +
			"  darray run --hosts node1:2,node2:2 ./prog\n" +
			"  darray devices",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(evalCommand(), explainCommand(), runCommand(), topCommand(), execCommand(), agentCommand(), infoCommand(), headCommand(), convertCommand(), devicesCommand(), versionCommand(), benchCommand())
	return root
}

// ranksFlag adds -n.
func ranksFlag(cmd *cobra.Command, n *int) {
	cmd.Flags().IntVarP(n, "ranks", "n", runtime.GOMAXPROCS(0), "number of ranks")
}

// needs is what cobra.MinimumNArgs(1) checks, in words that help.
func needs(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return fmt.Errorf("%s needs %s, as in\n%s", cmd.Name(), what, strings.SplitN(cmd.Example, "\n", 2)[0])
		}
		return nil
	}
}

func checkRanks(n int) error {
	if err := launch.CheckRanks(n); err != nil {
		return &usageError{fmt.Errorf("-n: %w", err)}
	}
	return nil
}
