package ref

import (
	"math"
	"math/big"

	"github.com/darray-go/darray/array"
)

// matmul is the matrix product: element (i, j) joins row i of x with column j of y, and is null where one of them has a null.
func matmul(n *array.Node, x, y []any) []any {
	xs, ys := n.Args()[0].Shape(), n.Args()[1].Shape()
	inner, columns := ys[0], 1
	if len(ys) == 2 {
		columns = ys[1]
	}
	rows := 1
	if len(xs) == 2 {
		rows = xs[0]
	}
	out := make([]any, 0, rows*columns)
	for i := range rows {
		for j := range columns {
			column := make([]any, inner)
			for k := range column {
				column[k] = y[k*columns+j]
			}
			out = append(out, inProduct(n.DType(), x[i*inner:(i+1)*inner], column))
		}
	}
	return out
}

// inProduct is one element of a product.
func inProduct(d array.DType, row, column []any) any {
	for k := range row {
		if row[k] == nil || column[k] == nil {
			return nil
		}
	}
	switch d {
	case array.Bool:
		for k := range row {
			if row[k].(bool) && column[k].(bool) {
				return true
			}
		}
		return false
	case array.Float32, array.Float64:
		return floatProduct(d, row, column)
	}
	sum := new(big.Int)
	for k := range row {
		a, _ := integer(row[k])
		b, _ := integer(column[k])
		sum.Add(sum, new(big.Int).Mul(a, b))
	}
	return wrapped(sum, d)
}

// floatProduct adds up in blocks of array.MatmulBlock, each from 0 on and in order, by fused multiply-adds; then the blocks'
// sums in order. Every step rounds to d.
func floatProduct(d array.DType, row, column []any) any {
	sum := 0.0
	for lo := 0; lo < len(row); lo += array.MatmulBlock {
		block := 0.0
		for k := lo; k < min(lo+array.MatmulBlock, len(row)); k++ {
			block = fused(d, float(row[k]), float(column[k]), block)
		}
		sum = float(rounded(sum+block, d))
	}
	return rounded(sum, d)
}

// fused is a*b + c with one rounding, to d.
func fused(d array.DType, a, b, c float64) float64 {
	if d == array.Float64 {
		return math.FMA(a, b, c)
	}
	product := a * b // exact: 24 bits times 24
	inexact := product + c
	if product == 0 || c == 0 || inexact == 0 || math.IsNaN(inexact) || math.IsInf(inexact, 0) {
		return float64(float32(inexact)) // no second rounding
	}
	const exact = 1024 // bits: from the least subnormal's square to the largest sum
	sum := new(big.Float).SetPrec(exact).SetFloat64(product)
	f, _ := sum.Add(sum, big.NewFloat(c)).Float32()
	return float64(f)
}
