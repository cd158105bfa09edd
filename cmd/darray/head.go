package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/spf13/cobra"

	"github.com/darray-go/darray"
)

func headCommand() *cobra.Command {
	var f fileFlags
	n := 0
	cmd := &cobra.Command{
		Use:   "head FILE...",
		Short: "Print the first rows of files, all columns",
		Long: "Print the first rows of files as a table, columns of every type: also of those that arrays do not compute with. Several files, a\n" +
			"directory or a pattern are one table. Only what is printed is read, where the format allows it.",
		Example: "  darray head flights.parquet\n" +
			"  darray head -r 3 --columns time,delay --where 'delay > 100' flights.arrow\n" +
			"  darray head --schema zip:string people.csv",
		Args: needs("a file"),
		RunE: func(cmd *cobra.Command, paths []string) error {
			if n < 1 {
				return &usageError{fmt.Errorf("--rows %d: at least 1", n)}
			}
			frame, _, err := f.open(cmd.Context(), paths)
			if err != nil {
				return err
			}
			return here(func(ctx context.Context) error {
				r, err := frame.Head(n).CollectContext(ctx)
				if err != nil {
					return err
				}
				return printRows(os.Stdout, r)
			})
		},
	}
	cmd.Flags().IntVarP(&n, "rows", "r", 10, "how many `ROWS`")
	f.addOpen(cmd)
	f.addRows(cmd)
	f.addColumns(cmd)
	return cmd
}

// here runs body in this process until it is interrupted.
func here(body func(context.Context) error) error {
	cfg, err := darray.ConfigFromEnv()
	if err != nil {
		return err
	}
	return cfg.Main(func(ctx context.Context, _ *darray.Cluster) error { return body(ctx) })
}

// cellWidth is the characters of a cell.
const cellWidth = 40

// printRows prints names, types and rows.
func printRows(w io.Writer, r arrow.RecordBatch) error {
	out := bufio.NewWriter(w)
	lines := make([]strings.Builder, 2+r.NumRows())
	for c, column := range r.Columns() {
		field := r.Schema().Field(c)
		cells := []string{shorten(field.Name), shortenTo(field.Type.String(), cellWidth)}
		for i := range column.Len() {
			cell := "null"
			if column.IsValid(i) {
				cell = shown(column, i)
			}
			cells = append(cells, shortenTo(cell, cellWidth))
		}
		width := 0
		for _, cell := range cells {
			width = max(width, utf8.RuneCountInString(cell))
		}
		for i, cell := range cells {
			pad := strings.Repeat(" ", width-utf8.RuneCountInString(cell))
			if isText(field.Type) {
				fmt.Fprint(&lines[i], cell, pad, "  ")
			} else {
				fmt.Fprint(&lines[i], pad, cell, "  ")
			}
		}
	}
	for i := range lines {
		fmt.Fprintln(out, strings.TrimRight(lines[i].String(), " "))
	}
	return out.Flush()
}

// shown is a value as text. The library panics where JSON has no such number, as float16's NaN in a structure in a list: then it is Go's text.
func shown(a arrow.Array, i int) (s string) {
	defer func() {
		if recover() != nil {
			s = fmt.Sprint(arrowarray.ValueAsAny(a, i))
		}
	}()
	return a.ValueStr(i)
}

// isText reports whether a column reads better from the left.
func isText(t arrow.DataType) bool {
	switch t.ID() {
	case arrow.STRING, arrow.LARGE_STRING, arrow.STRING_VIEW, arrow.DICTIONARY, arrow.LIST, arrow.STRUCT, arrow.MAP:
		return true
	}
	return false
}
