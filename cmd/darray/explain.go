package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/darray-go/darray"
)

func explainCommand() *cobra.Command {
	var f jobFlags
	var in []string
	var files fileFlags
	cmd := &cobra.Command{
		Use:   "explain 'EXPR[; EXPR]...' [FILE...]",
		Short: "Print the plan of expressions without running it",
		Long: "Print what `darray eval` would do with the same arguments, without doing it: what moves between which ranks and how\n" +
			"many bytes, what is computed where and why there, and the most memory that a rank needs.",
		Example: "  darray explain -n 4 'sum(distance + delay)' flights.arrow\n" +
			"  darray explain -n 4 --link quic 'distance / time' flights.arrow\n" +
			"  darray explain --device sim 'sum(exp(distance))' flights.arrow",
		Args: needs("an expression"),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			cfg, err := darray.ConfigFromEnv()
			if err != nil {
				return err
			}
			if cfg.Size == 0 {
				if _, _, err := scriptArrays(args[0], args[1:], in, &files); err != nil {
					return err
				}
			}
			return f.run(cfg, func(ctx context.Context, c *darray.Cluster) error {
				results, _, err := scriptArrays(args[0], args[1:], in, &files)
				if err != nil {
					return err
				}
				arrays := make([]darray.Array, len(results))
				for i, r := range results {
					arrays[i] = r.Array
				}
				plan, err := c.Explain(ctx, arrays...)
				if err != nil {
					return err
				}
				_, err = fmt.Print(plan)
				return err
			})
		},
	}
	f.add(cmd)
	files.addOpen(cmd)
	files.addRows(cmd)
	cmd.Flags().StringArrayVar(&in, "in", nil, "another table, `NAME=FILE`: its columns are NAME.column; repeat for more files")
	return cmd
}
