package darray

import "github.com/darray-go/darray/array"

// Matmul is the matrix product of 1-D and 2-D arrays, as numpy.matmul: shapes (m, k) and (k, n) give (m, n). A 1-D a counts as
// one row and a 1-D b as one column, an axis that the result does not have: two 1-D arrays give a 0-D one. The operands promote
// and the result has their common type; integers wrap, bool is true where both are true for some inner index. An element is
// null where its row of a or its column of b has a null; FillNull(a, 0) leaves nulls out.
//
// Sums of floats have one fixed order (array.MatmulBlock), so that the bits are the same for any number of ranks and threads.
// The ranks share the rows of a and have all of b; 2*m*n*k operations are worth more ranks, one row or one column seldom is.
func Matmul(a, b Array) Array { return Array{array.Matmul(a.n(), b.n(), caller(1))} }
