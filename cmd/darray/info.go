package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/array"
)

func infoCommand() *cobra.Command {
	var files fileFlags
	cmd := &cobra.Command{
		Use:     "info FILE...",
		Short:   "Say what files hold: rows, batches, bytes, compression, columns",
		Example: "  darray info flights.arrow",
		Args:    needs("a file"),
		RunE: func(cmd *cobra.Command, paths []string) error {
			o, err := files.options()
			if err != nil {
				return err
			}
			for _, path := range paths {
				f, err := darray.InfoWith(cmd.Context(), o, path)
				if err != nil {
					return err
				}
				if err := printInfo(os.Stdout, path, f); err != nil {
					return err
				}
			}
			return nil
		},
	}
	files.addOpen(cmd)
	return cmd
}

func printInfo(w io.Writer, path string, f darray.FileInfo) error {
	compression := f.Compression
	if compression == "" {
		compression = "none"
	}
	batches := fmt.Sprint(len(f.Batches))
	if len(f.Batches) > 0 {
		batches = fmt.Sprintf("%s of %d to %d rows", batches, slices.Min(f.Batches), slices.Max(f.Batches))
	}
	out := bufio.NewWriter(w)
	fmt.Fprintln(out, path)
	fmt.Fprintf(out, "  format       %s\n", f.Format)
	if f.Files > 1 {
		fmt.Fprintf(out, "  files        %d\n", f.Files)
	}
	fmt.Fprintf(out, "  rows         %d\n", f.Rows)
	fmt.Fprintf(out, "  batches      %s\n", batches)
	fmt.Fprintf(out, "  bytes        %d (%s)\n", f.Bytes, size(int64(f.Bytes)))
	fmt.Fprintf(out, "  compression  %s\n", compression)
	fmt.Fprintf(out, "  columns      %d\n", f.Schema.NumFields())
	for _, field := range f.Schema.Fields() {
		name, note := field.Name, ""
		if quoted := strconv.Quote(name); name == "" || quoted != `"`+name+`"` {
			name = quoted
		}
		switch {
		case !f.Computes(field):
			note = "  (arrays do not compute with it)"
			if array.Storage(field.Type).Valid() {
				note = "  (cast it to int64 to compute with it)"
			}
		case len(f.Schema.FieldIndices(field.Name)) > 1:
			note = "  (the name repeats, so it cannot be told which is meant)"
		}
		fmt.Fprintf(out, "    %s: %s%s\n", name, field.Type, note)
	}
	return out.Flush()
}
