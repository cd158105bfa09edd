package csv

import (
	"context"

	"github.com/darray-go/darray/format"
)

// Steps is Format with an index of so many bytes a step, so that its entries fall everywhere.
func Steps(step int) format.Format {
	f := Format
	f.Open = func(ctx context.Context, in *format.Input, o format.Options) (*format.File, error) {
		return openSteps(ctx, in, o, step)
	}
	return f
}

var (
	ParseFloat   = parseFloat
	ParseFloat32 = parseFloat32
	AppendFloat  = appendFloat
	ParseDecimal = parseDecimal
)
