package cpu

import (
	"context"
	"math"

	"github.com/darray-go/darray/array"
)

// A product with one column or one row reads each element of its matrix once. The matrix kernels would first copy it into
// panels; the loops here read it where it lies, in the same order of sums (array.MatmulBlock), so that their bits are equal.
// float32 stays with the kernels: in Go its fused multiply-add costs more than the copy.

// timesColumn is x*y for a matrix of len(out) rows and a column y.
func (d *Device) timesColumn(ctx context.Context, x, y, out []float64) error {
	const least = 4 * 4096 // elements of a task
	inner, rows := len(y), len(out)
	step := 4 * max(1, least/4/inner)
	return d.each(ctx, (rows+step-1)/step, len(x), tasks(func(task int) {
		for i := task * step; i < min(rows, (task+1)*step); i += 4 {
			var sums [4]float64
			for k := 0; k < inner && (k%morsel != 0 || ctx.Err() == nil); k += array.MatmulBlock {
				n := min(array.MatmulBlock, inner-k)
				row := func(r int) []float64 { return x[min(i+r, rows-1)*inner+k:][:n] } // past the end the last row again
				s0, s1, s2, s3 := fourDots(row(0), row(1), row(2), row(3), y[k:][:n])
				sums = [4]float64{sums[0] + s0, sums[1] + s1, sums[2] + s2, sums[3] + s3}
			}
			copy(out[i:], sums[:])
		}
	}))
}

// fourDots adds up the products of y with each of four rows, as long as y: four sums under way hide how long an addition takes.
func fourDots(a, b, c, d, y []float64) (s0, s1, s2, s3 float64) {
	a, b, c, d = a[:len(y)], b[:len(y)], c[:len(y)], d[:len(y)]
	for k, v := range y {
		s0, s1, s2, s3 = math.FMA(a[k], v, s0), math.FMA(b[k], v, s1), math.FMA(c[k], v, s2), math.FMA(d[k], v, s3)
	}
	return s0, s1, s2, s3
}

// rowTile is the columns that a task of timesRow adds up: their sums stay in the first-level cache.
const rowTile = 512

// timesRow is x*y for a row x and a matrix whose rows are stride apart, len(out) of its columns.
func (d *Device) timesRow(ctx context.Context, x, y []float64, stride int, out []float64) error {
	return d.each(ctx, (len(out)+rowTile-1)/rowTile, len(x)*len(out), tasks(func(task int) {
		to := out[task*rowTile:]
		to = to[:min(rowTile, len(to))]
		clear(to)
		var sums [rowTile]float64
		for k := 0; k < len(x) && ctx.Err() == nil; k += array.MatmulBlock {
			block := x[k:min(len(x), k+array.MatmulBlock)]
			clear(sums[:len(to)])
			addProducts(sums[:len(to)], block, y[k*stride+task*rowTile:], stride)
			for j := range to {
				to[j] += sums[j]
			}
		}
	}))
}

// addProducts adds to each sum the products of x with a column of y, in order.
func addProducts(sums, x, y []float64, stride int) {
	n, k := len(sums), 0
	for ; k+4 <= len(x); k += 4 { // four rows of y to each pass over the sums
		a, b, c, d := x[k], x[k+1], x[k+2], x[k+3]
		y0, y1, y2, y3 := y[k*stride:][:n], y[(k+1)*stride:][:n], y[(k+2)*stride:][:n], y[(k+3)*stride:][:n]
		for j, s := range sums {
			sums[j] = math.FMA(d, y3[j], math.FMA(c, y2[j], math.FMA(b, y1[j], math.FMA(a, y0[j], s))))
		}
	}
	for ; k < len(x); k++ {
		a, row := x[k], y[k*stride:][:n]
		for j, s := range sums {
			sums[j] = math.FMA(a, row[j], s)
		}
	}
}
