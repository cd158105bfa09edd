package blas

// packPanels is how many panels are packed together, so that what is read of a row of B is whole cache lines.
const packPanels = 4

// pack lays packPanels panels of x from the first-th on into dst: a panel is width columns of x, row after row, filled up
// with zeros at x's edge. Element (p, j) of x comes to dst[(j/width*x.Rows + p)*width + j%width].
func pack[T Float](dst []T, x Matrix[T], width, first int) {
	if x.Transposed {
		for panel := first; panel < first+packPanels && panel*width < x.Cols; panel++ {
			packColumns(dst[panel*width*x.Rows:][:width*x.Rows], x, width, panel*width)
		}
		return
	}
	lo, hi := first*width, min(x.Cols, (first+packPanels)*width)
	for p := range x.Rows {
		row := x.Data[p*x.Stride:]
		for j := lo; j < hi; j += width {
			out := dst[j*x.Rows+p*width:][:width]
			clear(out[copy(out, row[j:min(hi, j+width)]):])
		}
	}
}

// packColumns lays one panel of a transposed x, whose columns lie one after another: it weaves them, four at a time.
func packColumns[T Float](dst []T, x Matrix[T], width, first int) {
	n := min(width, x.Cols-first)
	column := func(j int) []T { return x.Data[(first+j)*x.Stride:][:x.Rows] }
	j := 0
	for ; j <= n-4; j += 4 {
		s0, s1, s2, s3 := column(j), column(j+1), column(j+2), column(j+3)
		for p, at := 0, j; p < len(s0) && p < len(s1) && p < len(s2) && p < len(s3); p, at = p+1, at+width {
			d := dst[at : at+4 : at+4]
			d[0], d[1], d[2], d[3] = s0[p], s1[p], s2[p], s3[p]
		}
	}
	for ; j < n; j++ {
		for p, v := range column(j) {
			dst[p*width+j] = v
		}
	}
	if n < width {
		for p := range x.Rows {
			clear(dst[p*width+n:][:width-n])
		}
	}
}

// transpose is x seen the other way round.
func (x Matrix[T]) transpose() Matrix[T] {
	x.Rows, x.Cols, x.Transposed = x.Cols, x.Rows, !x.Transposed
	return x
}

// part is the rows x cols elements of x from (i, j) on.
func (x Matrix[T]) part(i, j, rows, cols int) Matrix[T] {
	if x.Transposed {
		x.Data = x.Data[j*x.Stride+i:]
	} else {
		x.Data = x.Data[i*x.Stride+j:]
	}
	x.Rows, x.Cols = rows, cols
	return x
}
