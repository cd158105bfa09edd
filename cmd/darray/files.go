package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/spf13/cobra"

	"github.com/darray-go/darray"
)

// fileFlags say how files are opened, and which rows and columns of them are meant.
type fileFlags struct {
	schema   string
	comma    string
	noHeader bool
	copy     bool
	unmarked bool
	where    string
	columns  []string
}

// addOpen adds the flags that say how files are opened.
func (f *fileFlags) addOpen(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.schema, "schema", "", "types of CSV columns that a sample does not tell, `NAME:TYPE,...`: int8 to int64, uint8 to uint64, float32, float64, bool, string, date32, timestamp[s|ms|us|ns]")
	cmd.Flags().StringVar(&f.comma, "comma", "", "the `CHARACTER` between CSV fields, where it is none of , ; | and tab, or a sample does not tell")
	cmd.Flags().BoolVar(&f.noHeader, "no-header", false, "the first CSV record is data: columns are called column0, column1, ...")
	cmd.Flags().BoolVar(&f.copy, "copy", false, "read files into memory instead of mapping them: for those that others may cut short meanwhile")
	cmd.Flags().BoolVar(&f.unmarked, "unmarked", false, "take Arrow streams without an end marker, which may be cut short")
}

// addRows adds the flag that chooses rows.
func (f *fileFlags) addRows(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.where, "where", "", "only the rows for which this `EXPR` holds: 'delay > 0 && distance < 500'")
}

// addColumns adds the flag that chooses columns.
func (f *fileFlags) addColumns(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&f.columns, "columns", nil, "only these columns, in this order: `A,B,...`")
}

// types are those that --schema and CSV know.
var types = map[string]arrow.DataType{
	"bool": arrow.FixedWidthTypes.Boolean, "string": arrow.BinaryTypes.String, "date32": arrow.FixedWidthTypes.Date32,
	"int8": arrow.PrimitiveTypes.Int8, "int16": arrow.PrimitiveTypes.Int16, "int32": arrow.PrimitiveTypes.Int32, "int64": arrow.PrimitiveTypes.Int64,
	"uint8": arrow.PrimitiveTypes.Uint8, "uint16": arrow.PrimitiveTypes.Uint16, "uint32": arrow.PrimitiveTypes.Uint32, "uint64": arrow.PrimitiveTypes.Uint64,
	"float32": arrow.PrimitiveTypes.Float32, "float64": arrow.PrimitiveTypes.Float64,
	"timestamp[s]": arrow.FixedWidthTypes.Timestamp_s, "timestamp[ms]": arrow.FixedWidthTypes.Timestamp_ms,
	"timestamp[us]": arrow.FixedWidthTypes.Timestamp_us, "timestamp[ns]": arrow.FixedWidthTypes.Timestamp_ns,
}

// options is how to open the files.
func (f *fileFlags) options() (darray.OpenOptions, error) {
	o := darray.OpenOptions{Copy: f.copy, Unmarked: f.unmarked}
	o.CSV.NoHeader = f.noHeader
	if comma := []rune(strings.NewReplacer(`\t`, "\t", "tab", "\t").Replace(f.comma)); len(comma) == 1 {
		o.CSV.Comma = comma[0]
	} else if f.comma != "" {
		return o, &usageError{fmt.Errorf("--comma %q: it is one character, or tab", f.comma)}
	}
	if f.schema == "" {
		return o, nil
	}
	for _, one := range strings.Split(f.schema, ",") {
		at := strings.LastIndexByte(one, ':')
		if at < 1 {
			return o, &usageError{fmt.Errorf("--schema %q: write NAME:TYPE", one)}
		}
		t, ok := types[one[at+1:]]
		if !ok {
			return o, &usageError{fmt.Errorf("--schema %q: there is no type %q; there are %s", one, one[at+1:], strings.Join(typeNames(), ", "))}
		}
		o.CSV.Types = append(o.CSV.Types, arrow.Field{Name: one[:at], Type: t, Nullable: true})
	}
	return o, nil
}

func typeNames() []string {
	var names []string
	for name := range types {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// open is the frame of files, of the rows and columns that are wanted. rows is how many the files have.
func (f *fileFlags) open(ctx context.Context, paths []string) (frame *darray.Frame, rows int, err error) {
	o, err := f.options()
	if err != nil {
		return nil, 0, err
	}
	if frame, err = darray.OpenWith(ctx, o, paths...); err != nil {
		return nil, 0, err
	}
	rows = frame.NumRows()
	if f.where != "" {
		mask, err := f.mask(map[string]*darray.Frame{"": frame})
		if err != nil {
			return nil, 0, err
		}
		frame = frame.Filter(mask)
	}
	if len(f.columns) > 0 {
		for _, name := range f.columns {
			if !slices.Contains(frame.Names(), name) {
				return nil, 0, frame.Col(name).Err()
			}
		}
		frame = frame.Select(f.columns...)
	}
	return frame, rows, nil
}

// mask is --where over the columns of frames.
func (f *fileFlags) mask(frames map[string]*darray.Frame) (darray.Array, error) {
	made, err := darray.Eval(f.where, frames)
	if err != nil {
		return darray.Array{}, fmt.Errorf("--where: %w", err)
	}
	if len(made) != 1 {
		return darray.Array{}, &usageError{fmt.Errorf("--where %q: it is one expression, not %d; join them by &&", f.where, len(made))}
	}
	return made[0].Array, nil
}
