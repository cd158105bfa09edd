package array

import "fmt"

// Fault is why the op has no result for some integers of type d: ErrDivide or ErrNegativePower; nil where it always has one.
func (o Op) Fault(d DType) error {
	switch o {
	case FloorDivide, Remainder, Fmod:
		if d.Integer() {
			return ErrDivide
		}
	case Pow:
		if d.Signed() {
			return ErrNegativePower
		}
	}
	return nil
}

// ElementError is an op that has no result for an element. It is that of the first op in the order in which an expression is
// computed, operands first and from left to right, and of its first such element, on any number of ranks. Elements that are
// null do not count; those that where does not pick do.
type ElementError struct {
	Op       Op
	Index    []int  // of the element in the op's result, whose shape is that of its operands broadcast
	Position string // file:line that made the op, "" where that is not known
	Cause    error  // ErrDivide or ErrNegativePower
}

// Unwrap gives the cause.
func (e *ElementError) Unwrap() error { return e.Cause }

// Error names the op, the element and the line, and says what to do.
func (e *ElementError) Error() string {
	at, remedy := "", "where(y == 0, 1, y)"
	if len(e.Index) > 0 {
		at = fmt.Sprintf(" at element %v", e.Index)
	}
	if e.Cause == ErrNegativePower {
		remedy = "a cast of x to float64"
	}
	text := fmt.Sprintf("%s: %s%s; compute with %s instead", e.Op, e.Cause, at, remedy)
	if e.Position != "" {
		text += " (" + e.Position + ")"
	}
	return text
}

// FaultAt is the error of a node of an op that has no result for its flat element i: an ElementError, wrapped by what the node
// was Placed with.
func FaultAt(n *Node, i int) error {
	e := &ElementError{Op: n.op, Index: make([]int, len(n.shape)), Position: n.Position(), Cause: n.op.Fault(n.dtype)}
	for axis := len(n.shape) - 1; axis >= 0; axis-- {
		e.Index[axis] = i % n.shape[axis]
		i /= n.shape[axis]
	}
	if n.place != nil {
		return n.place(e)
	}
	return e
}
