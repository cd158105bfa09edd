// Package ref defines what every operation means: a slow evaluator that computes a graph one element at a time in the
// plainest Go there is. Every faster way to run a graph is tested against it, bit for bit.
//
// It shares no arithmetic with package array: integers are big.Int, wrapped to their width at the end; what it does with
// floats is one IEEE 754 operation an element; broadcasting, casts and the reduction tree are written a second time.
package ref

import (
	"errors"
	"fmt"
	"math"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/internal/ref/real"
)

// Load reads the column that a file node names.
type Load func(*array.Source) (*array.Block, error)

// Library computes one element of an op whose text is array.Library, in float type d; of an op of one operand y is x.
type Library func(op array.Op, d array.DType, x, y float64) float64

// Nearest is the Library by which Eval defines those ops: the float nearest to the exact value. What is within an ulp or two
// of it, as exec/cpu/vmath is, has other bits now and then; tests that compare bits give EvalWith the functions themselves.
func Nearest(op array.Op, d array.DType, x, y float64) float64 {
	f := real.Find(op.String())
	switch {
	case f == nil:
		return math.NaN()
	case d == array.Float32:
		return float64(f.Round32(float32(x), float32(y)))
	}
	return f.Round64(x, y)
}

// Eval computes n. A graph over file columns needs EvalFiles.
func Eval(n *array.Node) (*array.Block, error) {
	return EvalFiles(n, noFiles)
}

func noFiles(s *array.Source) (*array.Block, error) {
	return nil, fmt.Errorf("ref: column %s lies in a file; use EvalFiles", s.Name)
}

// EvalFiles computes n, reading file columns with load.
func EvalFiles(n *array.Node, load Load) (*array.Block, error) {
	return (&evaluator{load: load, library: Nearest, done: make(map[*array.Node][]any)}).block(n)
}

// EvalWith computes n, which has no file columns, with other functions in the place of Nearest.
func EvalWith(n *array.Node, library Library) (*array.Block, error) {
	return (&evaluator{load: noFiles, library: library, done: make(map[*array.Node][]any)}).block(n)
}

func (e *evaluator) block(n *array.Node) (*array.Block, error) {
	xs, err := e.eval(n)
	if err != nil {
		return nil, err
	}
	return pack(n.DType(), n.Shape(), xs), nil
}

// evaluator remembers the elements of every node: Go values of the node's element type in row-major order, nil for null.
type evaluator struct {
	load    Load
	library Library
	done    map[*array.Node][]any
}

func (e *evaluator) eval(n *array.Node) ([]any, error) {
	if n.Err() != nil {
		return nil, n.Err()
	}
	if xs, ok := e.done[n]; ok {
		return xs, nil
	}
	if kind := n.Kind(); count(n.Shape()) == 0 && (kind == array.KindOp || kind == array.KindMatmul) {
		return nil, nil // nothing reads the operands, which then may have elements without a result
	}
	args := make([][]any, len(n.Args()))
	for i, a := range n.Args() {
		xs, err := e.eval(a)
		if err != nil {
			return nil, err
		}
		args[i] = xs
	}
	xs, err := e.compute(n, args)
	if err != nil {
		return nil, err
	}
	e.done[n] = xs
	return xs, nil
}

func (e *evaluator) compute(n *array.Node, args [][]any) ([]any, error) {
	switch n.Kind() {
	case array.KindFull:
		xs := make([]any, count(n.Shape()))
		for i := range xs {
			xs[i] = n.Scalar().Value()
		}
		return xs, nil
	case array.KindArange:
		xs := make([]any, count(n.Shape()))
		for i := range xs {
			xs[i] = arangeAt(n.DType(), n.Scalar().Value(), n.Step().Value(), i)
		}
		return xs, nil
	case array.KindData:
		if n.Block() == nil {
			return nil, errors.New("ref: the data node holds no block")
		}
		return unpack(n.Block()), nil
	case array.KindFile:
		b, err := e.load(n.Source())
		if err != nil {
			return nil, err
		}
		if b.DType() != n.DType() || b.Len() != count(n.Shape()) {
			return nil, fmt.Errorf("ref: column %s holds %d %s, not %d %s", n.Source().Name, b.Len(), b.DType(), count(n.Shape()), n.DType())
		}
		return unpack(b), nil
	case array.KindReshape:
		return args[0], nil
	case array.KindReduce:
		return reduceAxes(n, args[0])
	case array.KindScan:
		return scan(n, args[0])
	case array.KindOp:
		return e.elementwise(n, args)
	case array.KindFilter:
		var kept []any
		for i, x := range args[0] {
			if args[1][i] == true {
				kept = append(kept, x)
			}
		}
		return kept, nil
	case array.KindMatmul:
		return matmul(n, args[0], args[1]), nil
	}
	return nil, fmt.Errorf("ref: no definition of node kind %d", n.Kind())
}

// elementwise applies n's op to each element of its shape.
func (e *evaluator) elementwise(n *array.Node, args [][]any) ([]any, error) {
	xs := make([]any, count(n.Shape()))
	operands := make([]any, len(args))
	for i := range xs {
		at := coordinates(i, n.Shape())
		for k, a := range n.Args() {
			operands[k] = args[k][flat(at, a.Shape())]
		}
		x, err := apply(n.Op(), n.DType(), operands, e.library)
		switch {
		case errors.Is(err, array.ErrDivide), errors.Is(err, array.ErrNegativePower):
			return nil, &array.ElementError{Op: n.Op(), Index: at, Position: n.Position(), Cause: err}
		case err != nil:
			return nil, err
		}
		xs[i] = x
	}
	return xs, nil
}

// count is the number of elements of a shape.
func count(s array.Shape) int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}

// coordinates is where element i stands along each axis.
func coordinates(i int, s array.Shape) []int {
	at := make([]int, len(s))
	for axis := len(s) - 1; axis >= 0; axis-- {
		at[axis] = i % s[axis]
		i /= s[axis]
	}
	return at
}

// flat is the element of an operand of shape s that broadcasting puts at the given coordinates of the result: axes are
// counted from the last, and an axis of extent 1 repeats.
func flat(at []int, s array.Shape) int {
	i := 0
	for axis, d := range s {
		c := at[len(at)-len(s)+axis]
		if d == 1 {
			c = 0
		}
		i = i*d + c
	}
	return i
}
