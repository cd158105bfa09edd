package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/internal/lang"
)

type evalFlags struct {
	jobFlags
	files   fileFlags
	in      []string
	out     string
	format  string
	explain bool
	stats   bool
	quiet   bool
}

// wrapped is names in lines of at most so many characters.
func wrapped(names []string, width int) string {
	var out strings.Builder
	line := 0
	for i, name := range names {
		if i < len(names)-1 {
			name += ","
		} else {
			name += "."
		}
		switch {
		case line == 0:
		case line+1+len(name) > width:
			out.WriteString("\n")
			line = 0
		default:
			out.WriteString(" ")
			line++
		}
		out.WriteString(name)
		line += len(name)
	}
	return out.String()
}

func evalCommand() *cobra.Command {
	var f evalFlags
	cmd := &cobra.Command{
		Use:   "eval 'EXPR[; EXPR]...' [FILE...]",
		Short: "Evaluate expressions over the columns of files",
		Long: `Evaluate expressions over the columns of files; several files are one table, their rows in order.

FILE is a path, a pattern, a directory of files (folders called key=value make columns) or a URL (s3://, gs://, https://).

Expressions have Go's syntax and NumPy's names and types: + - * / // % ** & | ^ << >> == != < <= > >= && || ! (~x), sum,
prod, min, max, mean, variance, std, norm, argmin, argmax, count, count_nonzero, any, all, cumsum, cumprod, dot, vdot,
matmul, where(condition, x, y), clip(x, lo, hi), is_null, fill_null, cast(x, float32), arange, zeros,
ones, full, random(seed, n), random_normal(seed, n), random_integers(seed, lo, hi, n), reshape, col("any name"), and one operand after the other the functions
` + wrapped(lang.Elementwise(), 118) + `
NumPy's other names are understood too: absolute, power, mod, arcsin. As in Python x // y rounds down, x % y has the sign
of y, and -x**2 is -(x**2); the bits' operators bind as in Go. An integer divided by zero is an error.
Reductions take axes after the operand, as in sum(x, 0, 2), and keepdims(sum(x, 1)) leaves them in with extent 1.
"name = expr" makes a column for the expressions after it. The results are the expressions without a name or, where
there are none, the columns made.

A single array prints as NumPy prints it, a single scalar as its digits, several arrays as a table. --format json writes
one object a result, csv one line a row; both are complete. The summary on stderr is silenced by -q.`,
		Example: `  darray eval 'sum(distance + delay)' flights.arrow
  darray eval 'late = delay > 15; mean(where(late, delay, 0)); count(delay)' january.arrow february.arrow
  darray eval -n 4 --link shm 'sqrt(distance)' flights.arrow
  darray eval --where 'delay > 15' 'mean(distance); count(distance)' 'flights/*.parquet'
  darray eval --device cuda --stats 'sum(exp(-delay * delay))' flights.arrow
  darray eval --out speed.arrow 'speed = distance / time' flights.arrow
  darray eval --in a=left.arrow --in b=right.arrow 'max(abs(a.x - b.x))'
  darray eval --format csv 'distance; delay' flights.arrow | head
  darray eval 'sum(arange(1e6))'`,
		Args: needs("an expression"),
		RunE: func(_ *cobra.Command, args []string) error { return f.main(args[0], args[1:]) },
	}
	f.add(cmd)
	f.files.addOpen(cmd)
	f.files.addRows(cmd)
	cmd.Flags().StringArrayVar(&f.in, "in", nil, "another table, `NAME=FILE`: its columns are NAME.column; repeat for more files")
	cmd.Flags().StringVar(&f.out, "out", "", "write the arrays to this `FILE` as well, of the format that its name ends in")
	cmd.Flags().StringVar(&f.format, "format", "table", "what goes to stdout: `table`, json or csv")
	cmd.Flags().BoolVar(&f.explain, "explain", false, "print the plan on stderr first")
	cmd.Flags().BoolVar(&f.stats, "stats", false, "print on stderr how long each step took, and on what")
	cmd.Flags().BoolVarP(&f.quiet, "quiet", "q", false, "no summary and no progress bar")
	return cmd
}

func (f *evalFlags) main(script string, files []string) error {
	print, ok := printers[f.format]
	if !ok {
		return &usageError{fmt.Errorf("--format %q: there are table, json and csv", f.format)}
	}
	if err := f.check(); err != nil {
		return err
	}
	cfg, err := darray.ConfigFromEnv()
	if err != nil {
		return err
	}
	if cfg.Size == 0 { // before any rank is started
		if _, _, err := f.arrays(script, files); err != nil {
			return err
		}
	}
	bar := newProgress(f.quiet)
	defer bar.close()
	if bar.shown() {
		cfg.Progress = bar.set
	}
	return f.run(cfg, func(ctx context.Context, c *darray.Cluster) error {
		results, rows, err := f.arrays(script, files)
		if err != nil {
			return err
		}
		values, stats, err := f.collect(ctx, c, results)
		bar.close()
		if err != nil {
			return err
		}
		if err := f.write(ctx, values); err != nil {
			return err
		}
		if err := print(until{ctx, os.Stdout}, values); err != nil {
			return err
		}
		if !f.quiet {
			fmt.Fprintln(os.Stderr, summary(stats, rows))
		}
		if f.stats {
			printSteps(os.Stderr, stats)
		}
		return nil
	})
}

// named is a result that has been collected.
type named struct {
	name  string
	block *darray.Block
}

func (f *evalFlags) collect(ctx context.Context, c *darray.Cluster, results []darray.Result) ([]named, darray.Stats, error) {
	arrays := make([]darray.Array, len(results))
	for i, r := range results {
		arrays[i] = r.Array
	}
	if f.explain {
		plan, err := c.Explain(ctx, arrays...)
		if err != nil {
			return nil, darray.Stats{}, err
		}
		fmt.Fprint(os.Stderr, plan)
	}
	blocks, stats, err := c.CollectStats(ctx, arrays...)
	if err != nil {
		return nil, stats, err
	}
	values := make([]named, len(results))
	for i, r := range results {
		values[i] = named{r.Name, blocks[i]}
	}
	return values, stats, nil
}

// until is a writer that fails once ctx has ended.
type until struct {
	ctx context.Context
	to  io.Writer
}

func (u until) Write(b []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.to.Write(b)
}

// write is --out: all 1-D results as the columns of a file.
func (f *evalFlags) write(ctx context.Context, values []named) error {
	if f.out == "" {
		return nil
	}
	var names []string
	var blocks []*darray.Block
	for _, v := range values {
		if len(v.block.Shape()) == 1 {
			names, blocks = append(names, v.name), append(blocks, v.block)
		}
	}
	return darray.WriteBlocks(ctx, f.out, names, blocks)
}

// arrays opens the files and makes the arrays of the script, and checks that they can go where they are to go. rows is
// the longest table's.
func (f *evalFlags) arrays(script string, files []string) (results []darray.Result, rows int, err error) {
	if results, rows, err = scriptArrays(script, files, f.in, &f.files); err != nil {
		return nil, 0, err
	}
	if f.format == "csv" {
		for _, r := range results {
			if shape := r.Array.Shape(); len(shape) > 1 || !shape.Equal(results[0].Array.Shape()) {
				return nil, 0, errors.New("csv has rows, so all results must be scalars or arrays of one axis and one length; use --format json")
			}
		}
	}
	if f.out != "" {
		return results, rows, checkColumns(results)
	}
	return results, rows, nil
}

// checkColumns says what keeps results from being the columns of a file. Scalars are only printed.
func checkColumns(results []darray.Result) error {
	var first *darray.Result
	for i, r := range results {
		switch shape := r.Array.Shape(); {
		case len(shape) == 0:
		case len(shape) > 1:
			return fmt.Errorf("--out writes arrays of one axis, and %s has shape %v; reshape it", r.Name, shape)
		case first == nil:
			first = &results[i]
		case !shape.Equal(first.Array.Shape()):
			return fmt.Errorf("--out writes columns of one length, and %s has %d rows, %s has %d",
				first.Name, first.Array.Len(), r.Name, r.Array.Len())
		}
	}
	if first == nil {
		return errors.New("--out writes arrays of one axis, and no result is one")
	}
	return nil
}

func scriptArrays(script string, files, in []string, flags *fileFlags) (results []darray.Result, rows int, err error) {
	frames := make(map[string]*darray.Frame)
	paths := map[string][]string{}
	if len(files) > 0 {
		paths[""] = files
	}
	for _, nameAndFile := range in {
		name, file, ok := strings.Cut(nameAndFile, "=")
		if !ok || name == "" || file == "" {
			return nil, 0, &usageError{fmt.Errorf("--in %q: write NAME=FILE", nameAndFile)}
		}
		paths[name] = append(paths[name], file)
	}
	o, err := flags.options()
	if err != nil {
		return nil, 0, err
	}
	for name, p := range paths {
		if frames[name], err = darray.OpenWith(context.Background(), o, p...); err != nil {
			return nil, 0, err
		}
		rows = max(rows, frames[name].NumRows())
	}
	if flags.where != "" {
		if frames[""] == nil {
			return nil, 0, &usageError{errors.New("--where chooses rows of files, and there is none")}
		}
		mask, err := flags.mask(frames)
		if err != nil {
			return nil, 0, err
		}
		frames[""] = frames[""].Filter(mask)
	}
	results, err = darray.Eval(script, frames)
	return results, rows, err
}
