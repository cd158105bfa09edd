package array

import "fmt"

// MatmulBlock is how many products an element of a matrix product adds up before it starts anew. It is part of what a
// product of floats means: the element's inner axis is cut into blocks of this length; each block starts from 0 and adds its
// products in order, each by one fused multiply-add in the element type; the element starts from 0 too, and the blocks' sums are
// added to it in order. So every machine, thread and rank gives the same bits. (A block of both operands stays in
// the caches while it is used: Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008.)
const MatmulBlock = 256

// Extents are those of a matrix product: Rows x Inner times Inner x Columns.
type Extents struct{ Rows, Inner, Columns int }

// Matmul is the matrix product of 1-D and 2-D arrays as numpy.matmul: (m, k) with (k, n) gives (m, n). A 1-D x counts as one
// row and a 1-D y as one column, and that axis is left out of the result. The operands promote and the result has their
// common type: integers wrap, bool is true where both are true for some inner index, floats add up as MatmulBlock says.
// An element is null where its row of x or its column of y has a null.
func Matmul(x, y *Node, pc uintptr) *Node {
	for _, a := range []*Node{x, y} {
		if failed := a.failed(pc); failed != nil {
			return failed
		}
	}
	_, shape, err := MatmulShape(x.shape, y.shape)
	if err != nil {
		return Failed(pc, fmt.Errorf("matmul: %w", err))
	}
	d := Promote(x.dtype, y.dtype)
	return &Node{kind: KindMatmul, dtype: d, shape: shape, args: []*Node{CastTo(x, d, pc), CastTo(y, d, pc)}, pc: pc}
}

// MatmulShape gives the extents and the shape of the product of arrays of shapes x and y. ErrShape where there is none.
func MatmulShape(x, y Shape) (Extents, Shape, error) {
	fail := func(why string) (Extents, Shape, error) {
		return Extents{}, nil, fmt.Errorf("%w: shapes %v and %v: %s", ErrShape, x, y, why)
	}
	switch {
	case len(x) == 0 || len(y) == 0:
		return fail("a 0-D operand has no axis to sum over; use Multiply to scale")
	case len(x) > 2 || len(y) > 2:
		return fail("only 1-D and 2-D arrays are multiplied; Reshape to 2-D, leading axes of the left operand becoming rows")
	}
	e, shape := Extents{Rows: 1, Inner: x[len(x)-1], Columns: 1}, Shape{}
	if len(x) == 2 {
		e.Rows = x[0]
		shape = append(shape, e.Rows)
	}
	if len(y) == 2 {
		e.Columns = y[1]
		shape = append(shape, e.Columns)
	}
	if e.Inner != y[0] {
		hint := "the last axis of the left operand must be as long as the first of the right one"
		if len(y) == 2 && y[1] == e.Inner {
			hint += "; transpose the right one"
		} else if len(x) == 2 && x[0] == y[0] {
			hint += "; transpose the left one"
		}
		return fail(hint)
	}
	return e, shape, shape.Check()
}

// Product is one rank's part of a matrix product: what exec hands to a device. All blocks have the result's element type.
type Product struct {
	Extents // of the whole product; none is 0
	// Lo and Hi are the part, as flat row-major indices of the result; they need not begin or end a row.
	Lo, Hi int
	// X holds the rows of the left operand that the part lies in, [Lo/Columns, ceil(Hi/Columns)); Y all of the right one.
	X, Y *Block
	// Result is Hi-Lo elements to fill, with validity where X or Y has any.
	Result *Block
	// Stay, Again (of X and of Y), Twin and Note are as in Launch: without a Result there is Stay, and the device puts a far block there.
	Stay  bool
	Twin  *Block
	Again [2]bool
	Note  func(text string)
	// Progress, where set, is told as n more elements of the part are done. Several goroutines may call it at once.
	Progress func(n int)
}

// RowsOf is the rows that flat elements [lo, hi) of a result with e.Columns columns lie in, none for no elements.
func (e Extents) RowsOf(lo, hi int) (first, end int) {
	if lo >= hi {
		return 0, 0
	}
	return lo / e.Columns, (hi-1)/e.Columns + 1
}

// Check reports what is wrong with a product, before a device touches its blocks.
func (p *Product) Check() error {
	e := p.Extents
	if e.Rows < 1 || e.Inner < 1 || e.Columns < 1 {
		return fmt.Errorf("%w: a product of extents %d, %d and %d", ErrShape, e.Rows, e.Inner, e.Columns)
	}
	for _, s := range []Shape{{e.Rows, e.Inner}, {e.Inner, e.Columns}, {e.Rows, e.Columns}} {
		if err := s.Check(); err != nil {
			return err
		}
	}
	if p.Lo < 0 || p.Hi < p.Lo || p.Hi > e.Rows*e.Columns {
		return fmt.Errorf("%w: elements [%d,%d) of a product of %d", ErrShape, p.Lo, p.Hi, e.Rows*e.Columns)
	}
	if p.X == nil || p.Y == nil || p.Result == nil && !p.Stay {
		return fmt.Errorf("%w: a product without its operands and its result", ErrShape)
	}
	first, end := e.RowsOf(p.Lo, p.Hi)
	for _, b := range []struct {
		name  string
		block *Block
		n     int
	}{{"left operand", p.X, (end - first) * e.Inner}, {"right operand", p.Y, e.Inner * e.Columns}, {"result", p.Result, p.Hi - p.Lo}} {
		switch {
		case b.block == nil:
		case b.block.n != b.n:
			return fmt.Errorf("%w: the %s of the product has %d elements, not %d", ErrShape, b.name, b.block.n, b.n)
		case b.block.dtype != p.X.dtype || !b.block.dtype.Valid():
			return fmt.Errorf("%w: the %s of a product of %s is %s", ErrDType, b.name, p.X.dtype, b.block.dtype)
		}
	}
	if p.Result != nil && p.Result.validity == nil && (p.X.HasNulls() || p.Y.HasNulls()) {
		return fmt.Errorf("%w: the product's operands may be null, its result has no validity", ErrNull)
	}
	return nil
}
