package cpu

import (
	"context"
	"fmt"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/blas"
)

// Multiply computes a part of a matrix product, as array.Matmul says. After an error the result is unspecified. It waits for
// its goroutines, which look at ctx every few milliseconds. It does not panic on a malformed product: that is an error and
// nothing runs.
func (d *Device) Multiply(ctx context.Context, p *array.Product) error {
	if err := p.Check(); err != nil {
		return fmt.Errorf("cpu: %w", err)
	}
	multiply := multiplier(d, p.Result.DType())
	for _, part := range panels(p) {
		if err := multiply(ctx, p, part); err != nil {
			return err
		}
		if p.Progress != nil {
			p.Progress(part.rows * part.columns)
		}
	}
	spreadNulls(p)
	return ctx.Err()
}

// multiplier is the way to multiply elements of type t.
func multiplier(d *Device, t array.DType) func(context.Context, *array.Product, panel) error {
	switch t {
	case array.Float64:
		return func(ctx context.Context, p *array.Product, r panel) error {
			x, y, out := elements[float64](p.X)[r.row*p.Inner:], elements[float64](p.Y)[r.column:], elements[float64](p.Result)[r.at(p):]
			switch {
			case p.Columns == 1:
				return d.timesColumn(ctx, x[:r.rows*p.Inner], y, out[:r.rows])
			case r.rows == 1:
				return d.timesRow(ctx, x[:p.Inner], y, p.Columns, out[:r.columns])
			}
			return multiplyFloats(d.float64s)(ctx, p, r)
		}
	case array.Float32:
		return multiplyFloats(d.float32s)
	case array.Int8, array.Uint8: // wrapped products have the same bits, with or without a sign
		return multiplyIntegers[uint8](d)
	case array.Int16, array.Uint16:
		return multiplyIntegers[uint16](d)
	case array.Int32, array.Uint32:
		return multiplyIntegers[uint32](d)
	case array.Int64, array.Uint64:
		return multiplyIntegers[uint64](d)
	}
	return multiplyBools
}

// panel is a rectangle of a part: row counts from the first row that the part lies in, column from the result's.
type panel struct{ row, rows, column, columns int }

// at is where the panel begins in the part's result.
func (r panel) at(p *array.Product) int { return r.row*p.Columns + r.column - p.Lo%p.Columns }

// panels cuts a part, which need not begin or end a row, into rectangles: the rest of its first row, whole rows, the start of
// its last row.
func panels(p *array.Product) []panel {
	n, row, left := p.Columns, 0, p.Hi-p.Lo
	var list []panel
	if head := p.Lo % n; head > 0 {
		list = append(list, panel{0, 1, head, min(n-head, left)})
		row, left = 1, left-list[0].columns
	}
	if whole := left / n; whole > 0 {
		list = append(list, panel{row, whole, 0, n})
		row, left = row+whole, left-whole*n
	}
	if left > 0 {
		list = append(list, panel{row, 1, 0, left})
	}
	return list
}

// multiplyFloats is one call of the matrix kernels a panel.
func multiplyFloats[T blas.Float](m *blas.Multiplier[T]) func(context.Context, *array.Product, panel) error {
	return func(ctx context.Context, p *array.Product, r panel) error {
		x := blas.Matrix[T]{Rows: r.rows, Cols: p.Inner, Stride: p.Inner, Data: elements[T](p.X)[r.row*p.Inner:]}
		y := blas.Matrix[T]{Rows: p.Inner, Cols: r.columns, Stride: p.Columns, Data: elements[T](p.Y)[r.column:]}
		out := blas.Matrix[T]{Rows: r.rows, Cols: r.columns, Stride: p.Columns, Data: elements[T](p.Result)[r.at(p):]}
		return m.Multiply(ctx, 1, x, y, 0, out)
	}
}

// elements is the values of a block that is not bool.
func elements[T array.Number](b *array.Block) []T {
	values, _, offset := b.Raw()
	size := b.DType().Size()
	return array.View[T](values[offset*size : (offset+b.Len())*size])
}

// The tile of an integer product: so many columns of the right operand by so many of its rows are gone over for each group of
// rows of the left one, and stay in a second-level cache: 256 KiB at most.
const (
	tileRows, tileColumns, tileInner = 16, 256, 128
)

// wrapping is an integer as its bits.
type wrapping interface {
	uint8 | uint16 | uint32 | uint64
}

// multiplyIntegers deals a panel's tiles out over the device's goroutines.
func multiplyIntegers[T wrapping](d *Device) func(context.Context, *array.Product, panel) error {
	return func(ctx context.Context, p *array.Product, r panel) error {
		down, across := (r.rows+tileRows-1)/tileRows, (r.columns+tileColumns-1)/tileColumns
		x, y, out := elements[T](p.X), elements[T](p.Y), elements[T](p.Result)
		return d.each(ctx, down*across, r.rows*r.columns*min(p.Inner, morsel), tasks(func(task int) {
			row, column := task%down*tileRows, task/down*tileColumns
			rows, columns := min(tileRows, r.rows-row), min(tileColumns, r.columns-column)
			for k := 0; k < p.Inner; k += tileInner {
				inner := min(tileInner, p.Inner-k)
				for i := 0; i < rows && ctx.Err() == nil; i++ { // which costs nothing beside a row
					to := out[r.at(p)+(row+i)*p.Columns+column:][:columns]
					if k == 0 {
						clear(to)
					}
					addRow(to, x[(r.row+row+i)*p.Inner+k:][:inner], y[k*p.Columns+r.column+column:], p.Columns)
				}
			}
		}))
	}
}

// addRow adds to a row of the result the products of a row of x with the columns of y below each other at a stride.
func addRow[T wrapping](to, x, y []T, stride int) {
	n := len(to)
	if n == 1 {
		sum := to[0]
		for k, a := range x {
			sum += a * y[k*stride]
		}
		to[0] = sum
		return
	}
	k := 0
	for ; k+4 <= len(x); k += 4 { // four rows of y to each pass over the result
		a, b, c, d := x[k], x[k+1], x[k+2], x[k+3]
		y0, y1, y2, y3 := y[k*stride:][:n], y[(k+1)*stride:][:n], y[(k+2)*stride:][:n], y[(k+3)*stride:][:n]
		for j := range to {
			to[j] += a*y0[j] + b*y1[j] + c*y2[j] + d*y3[j]
		}
	}
	for ; k < len(x); k++ {
		a, row := x[k], y[k*stride:][:n]
		for j := range to {
			to[j] += a * row[j]
		}
	}
}

// The strip of a product of bools, of the right operand: so many words of columns, by rows until it has so many words in all,
// 256 KiB, which stay in a second-level cache.
const stripColumns, stripWords = 64, 32 << 10

// multiplyBools is true where a row of x and a column of y are both true somewhere: the rows of y that a row of x picks are
// joined word by word, strip by strip.
func multiplyBools(ctx context.Context, p *array.Product, r panel) error {
	most := min((r.columns+63)/64, stripColumns)
	inner := min(stripWords/most, p.Inner)
	right, joined := array.AllocBytes(8*most*inner), array.AllocBytes(8*most)
	for column := 0; column < r.columns; column += 64 * most {
		n := min(64*most, r.columns-column)
		for k := 0; k < p.Inner; k += inner {
			if err := ctx.Err(); err != nil {
				return err
			}
			joinStrip(ctx, p, panel{r.row, r.rows, r.column + column, n}, k, min(inner, p.Inner-k), right, joined)
		}
	}
	return ctx.Err()
}

// joinStrip joins to a panel of a product of bools what n rows of y from row k on add; right is memory for them, each at a
// whole word, joined for a row of the result.
func joinStrip(ctx context.Context, p *array.Product, r panel, k, n int, right, joined []byte) {
	x, _, xAt := p.X.Raw()
	y, _, yAt := p.Y.Raw()
	out, _, outAt := p.Result.Raw()
	words := (r.columns + 63) / 64
	for i := range n {
		array.CopyBits(right[8*words*i:], 0, y, yAt+(k+i)*p.Columns+r.column, r.columns)
	}
	rows, sum := array.View[uint64](right), array.View[uint64](joined)[:words]
	for i := 0; i < r.rows && ctx.Err() == nil; i++ {
		to := outAt + r.at(p) + i*p.Columns
		if clear(sum); k > 0 {
			array.CopyBits(joined, 0, out, to, r.columns)
		}
		from := xAt + (r.row+i)*p.Inner + k
		for row := range n {
			if at := from + row; x[at>>3]>>(at&7)&1 != 0 {
				for w, bits := range rows[row*words:][:words] {
					sum[w] |= bits
				}
			}
		}
		array.CopyBits(out, to, joined, 0, r.columns)
	}
}

// spreadNulls writes the validity of a product: an element is null where its row of x or its column of y has a null.
func spreadNulls(p *array.Product) {
	_, validity, at := p.Result.Raw()
	if validity == nil {
		return
	}
	_, left, leftAt := p.X.Raw()
	_, right, rightAt := p.Y.Raw()
	none := array.AllocBytes((p.Columns + 7) / 8)
	columns := array.AllocBytes(len(none))
	array.SetBits(columns, 0, p.Columns)
	if right != nil {
		row := array.AllocBytes(len(none))
		for k := range p.Inner {
			array.CopyBits(row, 0, right, rightAt+k*p.Columns, p.Columns)
			for i := range columns {
				columns[i] &= row[i]
			}
		}
	}
	for _, r := range panels(p) {
		for i := range r.rows {
			valid := columns
			if left != nil && array.CountBits(left, leftAt+(r.row+i)*p.Inner, p.Inner) < p.Inner {
				valid = none
			}
			array.CopyBits(validity, at+r.at(p)+i*p.Columns, valid, r.column, r.columns)
		}
	}
}
