package main

import (
	"context"
	"os"
	"strings"

	"github.com/spf13/cobra"

	files "github.com/darray-go/darray/bench/io"
)

func ioCommand() *cobra.Command {
	var o files.Options
	var size string
	var out outputs
	cmd := &cobra.Command{
		Use:   "io",
		Short: "files by format and compression, read and written, beside DuckDB and Polars",
		Long: `Measure reading and writing of files, beside DuckDB and Polars through node and beside the machine's limits: STREAM's sum over as
many bytes in memory for reading, write(2) and fsync(2) of as many bytes for writing. mmap is no limit: a bare sum over a new mapping
of as many bytes of an uncompressed file, which says what page faults leave of the limit.

  read    open a file and add up one column of it, or four: Arrow IPC (uncompressed ones are mapped), Parquet, CSV, .npy
  write   four columns from memory into a new file, until it is on the disk

The values are measurements with two decimals, four columns of float64. darray makes each file, and it is removed after its cases, in
a folder of --dir that goes with the run; there must be room for some six times --bytes. Files lie in the page cache when they are
read. How fast the disk takes what is written decides many of the writing cases: --dir /dev/shm, with memory enough, leaves it out.

Every contender is a process of its own for each case, by as many threads as there are cores, and they take turns: darray, duckdb,
polars, darray, duckdb, polars, ... Each times its own calls. Sums must agree with those of the values to 1e-9, and what anyone
writes is read back by darray. Rivals that are not installed are left out, loudly; to have them:

  npm install --prefix ~/rivals @duckdb/node-api@1.5.6-r.1 nodejs-polars@0.26.1
  darray bench io --node ~/rivals

All of it takes some twenty minutes on two cores.

cases: ` + wrap(strings.Join(files.CaseNames(), ", ")) + `
Words of their names mean all that have them: --cases read-arrow,csv.`,
		Example: "  darray bench io --bytes 1e7 --cases read\n" +
			"  darray bench io --cases parquet --node ~/rivals\n" +
			"  darray bench io --cases write --dir /dev/shm --bytes 2^28\n" +
			"  darray bench io --json bench/results/io.json --plot io.svg\n" +
			"  darray bench io --from bench/results/io.json",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			sizes, err := parseSizes("--bytes", []string{size})
			if err == nil {
				o.Bytes = sizes[0]
				err = o.Check()
			}
			if err == nil {
				err = out.check()
			}
			if err != nil {
				return &usageError{err}
			}
			o.Log, o.Env = os.Stderr, os.Environ()
			return write(cmd.Context(), out, files.Read, func(ctx context.Context) (*files.Result, error) { return files.Run(ctx, o) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&size, "bytes", "1e9", "bytes of values, as 1e9, 2^30 or 8000000")
	flags.StringSliceVar(&o.Cases, "cases", nil, "cases to measure, or words of their names (default all)")
	flags.StringSliceVar(&o.Rivals, "rivals", nil, strings.Join(files.Rivals(), ", ")+", or none (default those that are installed)")
	flags.StringVar(&o.Node, "node", "", "the `folder` whose node_modules has the rivals (default this folder, and NODE_PATH)")
	flags.StringVar(&o.Dir, "dir", "", "where the files are made (default the system's `folder` for temporary files)")
	flags.IntVar(&o.Threads, "threads", 0, "threads of every contender (default all cores)")
	flags.IntVar(&o.Rounds, "rounds", 0, "turns of every contender at every case (default 3)")
	flags.IntVar(&o.Repeat, "repeat", 0, "counted calls in each turn (default 3)")
	flags.DurationVar(&o.Turn, "turn", 0, "after which a turn begins no further call (default 300ms)")
	out.register(cmd)
	return cmd
}
