package array

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
)

// CarriedError is a column of a file whose type arrays do not compute with: it is carried along, filtered, sliced and written, and anything
// else is this error, an ErrDType.
type CarriedError struct{ Field arrow.Field }

// Error names the column and its type, and says what can be done with it.
func (e *CarriedError) Error() string {
	hint := "it can be filtered, sliced, shown and written"
	if d := storage(e.Field.Type); d.Valid() {
		hint = "cast it to int64 to compute with its " + unitOf(e.Field.Type)
	}
	return fmt.Sprintf("column %q is %s, which arrays do not compute with; %s", e.Field.Name, e.Field.Type, hint)
}

// Unwrap is ErrDType.
func (e *CarriedError) Unwrap() error { return ErrDType }

// Carried is a column of n rows of any Arrow type. Filter and Slice take it; CastTo makes int64 of times, dates and durations.
func Carried(s *Source, field arrow.Field, n int) *Node {
	return &Node{kind: KindFile, shape: Shape{n}, of: s, err: &CarriedError{field}}
}

// carried is what a column is that is carried along; nil for other nodes, those too that have failed over one.
func (n *Node) carried() *CarriedError {
	if n.kind != KindFile && n.kind != KindFilter && n.kind != KindSlice {
		return nil
	}
	e, _ := n.err.(*CarriedError)
	return e
}

// Carried is the column that n is rows of, where arrays do not compute with its type.
func (n *Node) Carried() (field arrow.Field, ok bool) {
	if e := n.carried(); e != nil {
		return e.Field, true
	}
	return arrow.Field{}, false
}

// failed is the node that an operation on n becomes where n has an error; else nil.
func (n *Node) failed(pc uintptr) *Node {
	switch {
	case n.err == nil:
		return nil
	case n.carried() != nil:
		return Failed(pc, n.err)
	}
	return n
}

// castCarried makes integers of times.
func castCarried(a *Node, d DType, pc uintptr) *Node {
	e := a.carried()
	of := storage(e.Field.Type)
	if d != Int64 || !of.Valid() {
		return Failed(pc, fmt.Errorf("cast to %s: %w", d, error(e)))
	}
	return CastTo(stored(a, of), Int64, pc)
}

// stored is the column's integers as they are stored.
func stored(a *Node, d DType) *Node {
	n := *a
	n.err, n.dtype = nil, d
	if a.kind != KindFile {
		n.args = append([]*Node{stored(a.args[0], d)}, a.args[1:]...)
	}
	return &n
}

// storage is the type of the integers that times are stored as; Invalid for all else.
func storage(t arrow.DataType) DType {
	switch t.ID() {
	case arrow.TIMESTAMP, arrow.DATE64, arrow.TIME64, arrow.DURATION:
		return Int64
	case arrow.DATE32, arrow.TIME32:
		return Int32
	}
	return Invalid
}

// Storage is the element type that Source columns of an Arrow type are read as: the type itself, or that of the integers that times, dates
// and durations are stored as. Invalid where arrays cannot be made of it.
func Storage(t arrow.DataType) DType {
	if d, err := FromArrowType(t); err == nil {
		return d
	}
	return storage(t)
}

// unitOf says what the integers of a time count.
func unitOf(t arrow.DataType) string {
	switch t := t.(type) {
	case *arrow.Date32Type:
		return "days since 1970-01-01"
	case *arrow.Date64Type:
		return "milliseconds since 1970-01-01"
	case *arrow.TimestampType:
		return t.Unit.String() + " since 1970-01-01"
	case arrow.TemporalWithUnit:
		return t.TimeUnit().String()
	}
	return "integers"
}
