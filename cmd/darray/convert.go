package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/darray-go/darray"
)

func convertCommand() *cobra.Command {
	var f fileFlags
	var job jobFlags
	var o darray.WriteOptions
	quiet := false
	cmd := &cobra.Command{
		Use:   "convert IN... OUT",
		Short: "Write files as one file of another format, or as a directory of parts",
		Long: "Read files, a directory or a pattern as one table and write its rows, in order, as one file of the format that the name's end says:\n" +
			".arrow, .parquet, .csv, .npy or .npz. The file appears when all of it is on disk; a failure leaves an older one as it was.\n\n" +
			"A name that ends in / is a directory of one file a rank, which the ranks write at the same time, of the format of --to (arrow where\n" +
			"it is not said). It is read as one table by its name.",
		Example: "  darray convert flights.csv flights.arrow\n" +
			"  darray convert --compression zstd --where 'delay > 0' --columns delay,distance 'flights/*.parquet' late.parquet\n" +
			"  darray convert -n 4 --to parquet flights.csv flights/",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return fmt.Errorf("convert needs files to read and one to write, as in\n%s", "  darray convert flights.csv flights.arrow")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			in, out := args[:len(args)-1], args[len(args)-1]
			if err := job.check(); err != nil {
				return err
			}
			cfg, err := darray.ConfigFromEnv()
			if err != nil {
				return err
			}
			bar := newProgress(quiet)
			defer bar.close()
			if bar.shown() {
				o.Progress = bar.set
			}
			start := time.Now()
			return job.run(cfg, func(ctx context.Context, c *darray.Cluster) error {
				frame, rows, err := f.open(ctx, in)
				if err != nil {
					return err
				}
				write := c.WriteFrame
				if strings.HasSuffix(out, "/") {
					write = c.WriteParts
				}
				if err := write(ctx, frame, out, o); err != nil {
					return err
				}
				bar.close()
				bytes, err := stored(out)
				if err != nil || quiet {
					return err
				}
				fmt.Fprintf(os.Stderr, "%d %s read, %s written, %v\n", rows, plural(rows, "row", "rows"), size(bytes), time.Since(start).Round(time.Millisecond))
				return nil
			})
		},
	}
	job.add(cmd)
	f.addOpen(cmd)
	f.addRows(cmd)
	f.addColumns(cmd)
	cmd.Flags().StringVar(&o.Compression, "compression", "", "`CODEC`: lz4, zstd (Arrow, Parquet), snappy, gzip, brotli (Parquet), gzip (CSV), none; the format's usual one where it is not said")
	cmd.Flags().StringVar(&o.Format, "to", "", "the `FORMAT` by its name, where the file's name does not end in it: arrow, parquet, csv, npy, npz")
	cmd.Flags().IntVar(&o.BatchRows, "batch-rows", 0, "`ROWS` of a record batch or row group; 0 is about 64 MiB of them")
	cmd.Flags().BoolVar(&o.Plain, "plain", false, "no dictionary encoding in Parquet, but of columns that are dictionaries")
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "no summary and no progress bar")
	return cmd
}

// stored is the bytes of a file, or of those in a directory.
func stored(path string) (bytes int64, err error) {
	err = filepath.WalkDir(path, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			bytes += info.Size()
		}
		return err
	})
	return bytes, err
}
