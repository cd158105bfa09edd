package array

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/darray-go/darray/partition"
)

// Kind says where a node's elements come from.
type Kind uint8

// The kinds of nodes.
const (
	KindFull    Kind = iota // one value repeated; 0-D and weak for a Go number in an expression
	KindArange              // start + i*step
	KindData                // a block that the driver (rank 0) holds
	KindFile                // a column of files that each rank may read for itself
	KindOp                  // an element-wise op over Args
	KindReduce              // a reduction of Args[0] over Axes
	KindReshape             // Args[0] under another shape, in the same row-major order
	KindScan                // a running reduction of Args[0] along its axis Axes[0]
	KindMatmul              // the matrix product of Args[0] and Args[1]
	KindParts               // what the ranks keep, each its part
	KindFilter              // the elements of Args[0] for which Args[1] holds; which those are is known once Selection is there
	KindSlice               // rows of Args[0], whose number is not known yet; no graph that is computed has one
)

// Node is one array of an expression graph: immutable, shared freely, never evaluated by itself. A node made from wrong
// arguments keeps its error; every node over it keeps the same one, and the call that runs the graph returns it.
type Node struct {
	kind   Kind
	op     Op
	dtype  DType
	shape  Shape
	weak   bool // a Go number: takes the type of the arrays it meets
	args   []*Node
	few    [maxArity]*Node // where args lies, so that a node is one allocation
	axes   []int           // KindReduce, KindScan
	scalar Scalar          // KindFull: the value; KindArange: start; KindReduce: the correction of a variance
	step   Scalar          // KindArange
	of     any             // KindData: *Block, KindFile: *Source, KindParts: *Parts, KindFilter: *Selection, KindSlice: partition.Range; nil where another process has it
	err    error
	pc     uintptr
	place  func(error) error // nil: the place is pc
}

// maxArity is the most operands that an op has.
const maxArity = 3

// Source names a column that ranks can read for themselves. It is a description; exec opens it by Format.
type Source struct {
	Format  string   `json:"format"` // "arrowipc"
	Paths   []string `json:"paths"`  // files, rows in order
	Column  string   `json:"column"`
	Name    string   `json:"name"`    // for plans and messages: "flights.delay"
	Version []string `json:"version"` // one mark a path (size and modification time), so that ranks agree on the content

	Options json.RawMessage   `json:"options,omitempty"` // what opening the files is told; nil: nothing
	Index   [][]byte          `json:"index,omitempty"`   // one a path: what spares a rank to look at all of the file; nil: nothing
	Rows    []partition.Range `json:"rows,omitempty"`    // of all files' rows, those that the column has; nil: all
	Width   int               `json:"width,omitempty"`   // elements of a row; 0: one
	Base    string            `json:"base,omitempty"`    // folders below it whose names are key=value are columns; "": none
	Step    int               `json:"step,omitempty"`    // elements in memory at once where they are used as they are read, step by step; 0: all
	Views   int               `json:"views,omitempty"`   // pieces of mapped files that the elements are, without memory of their own; 0: they take memory
}

// Kind says where the elements come from, and with that which of the other parts mean something.
func (n *Node) Kind() Kind { return n.kind }

// Op is the operation of KindOp, KindReduce and KindScan.
func (n *Node) Op() Op { return n.op }

// DType is the element type of the result.
func (n *Node) DType() DType { return n.dtype }

// Shape is the shape of the result; not to be changed.
func (n *Node) Shape() Shape { return n.shape }

// Args are the operands; not to be changed.
func (n *Node) Args() []*Node { return n.args }

// Scalar is the value of KindFull, the start of KindArange, the correction (float64) of a KindReduce by Var.
func (n *Node) Scalar() Scalar { return n.scalar }

// Step is the step of KindArange.
func (n *Node) Step() Scalar { return n.step }

// Block is the block of KindData where this process holds it, else nil.
func (n *Node) Block() *Block {
	b, _ := n.of.(*Block)
	return b
}

// Source is the column of KindFile.
func (n *Node) Source() *Source {
	s, _ := n.of.(*Source)
	return s
}

// Parts is what KindParts is of, else nil.
func (n *Node) Parts() *Parts {
	p, _ := n.of.(*Parts)
	return p
}

// Err is what went wrong while the graph was built, with the caller's file:line.
func (n *Node) Err() error { return n.err }

// Position is the file:line that made the node, "" where that is not known.
func (n *Node) Position() string { return Position(n.pc) }

// Placed is n, made by a text and not by a line of Go: place wraps an error about n's elements with n's place in that text.
func (n *Node) Placed(place func(error) error) *Node {
	placed := *n
	placed.place = place
	return &placed
}

// Weak reports whether n is a Go number that takes the element type of the arrays it meets.
func (n *Node) Weak() bool { return n.weak }

// NumberOperand is a Go number in an expression: 0-D and weak.
func NumberOperand(s Scalar) *Node {
	return &Node{kind: KindFull, dtype: s.dtype, scalar: s, weak: true}
}

// Failed is a node that only carries an error.
func Failed(pc uintptr, err error) *Node {
	return &Node{dtype: Float64, err: at(pc, err), pc: pc}
}

// Full is one value repeated over a shape.
func Full(s Scalar, shape Shape, pc uintptr) *Node {
	if err := shape.Check(); err != nil {
		return Failed(pc, fmt.Errorf("full: %w", err))
	}
	if !s.dtype.Valid() {
		return Failed(pc, fmt.Errorf("full: %w: the value is no number and no bool", ErrDType))
	}
	return &Node{kind: KindFull, dtype: s.dtype, shape: append(Shape(nil), shape...), scalar: s, pc: pc}
}

// Arange is the half-open range [start, stop) in steps, as numpy.arange: ceil((stop-start)/step) elements start + i*step.
// start, stop and step have one element type. Integers are exact. Floats compute in float64, with a rounding after each of
// the two operations (no fma), and float32 rounds once more at the end.
func Arange(start, stop, step Scalar, pc uintptr) *Node {
	n, err := arangeLen(start, stop, step)
	if err != nil {
		return Failed(pc, err)
	}
	return newArange(start, step, n, pc)
}

func newArange(start, step Scalar, n int, pc uintptr) *Node {
	return &Node{kind: KindArange, dtype: start.dtype, shape: Shape{n}, scalar: start, step: step, pc: pc}
}

func arangeLen(start, stop, step Scalar) (int, error) {
	d := start.dtype
	switch {
	case !d.Valid() || d == Bool:
		return 0, fmt.Errorf("arange: %w: %s; use numbers", ErrDType, d)
	case stop.dtype != d || step.dtype != d:
		return 0, fmt.Errorf("arange: %w: %s, %s and %s; cast them to one type", ErrDType, d, stop.dtype, step.dtype)
	case step.Float() == 0:
		return 0, fmt.Errorf("arange: %w: step 0 never arrives; use a step that is not zero", ErrShape)
	}
	var n uint64
	switch {
	case d.Signed():
		n = signedSteps(int64(start.bits), int64(stop.bits), int64(step.bits))
	case d.Unsigned() && stop.bits > start.bits:
		n = (stop.bits-start.bits-1)/step.bits + 1
	case d.Float():
		n = floatSteps(start.Float(), stop.Float(), step.Float())
	}
	if n > math.MaxInt/8 { // what Shape.Check allows
		return 0, fmt.Errorf("arange: %w: from %s to %s by %s has no countable length", ErrShape, start, stop, step)
	}
	return int(n), nil
}

// signedSteps is ceil((stop-start)/step), 0 where that is negative; the differences of int64 fit a uint64.
func signedSteps(start, stop, step int64) uint64 {
	switch {
	case step > 0 && start < stop:
		return (uint64(stop)-uint64(start)-1)/uint64(step) + 1
	case step < 0 && start > stop:
		return (uint64(start)-uint64(stop)-1)/(-uint64(step)) + 1
	}
	return 0
}

// floatSteps is ceil((stop-start)/step) in float64, 0 where that is negative and math.MaxUint64 where it is not a number
// or too large. A step that leaves the range at once gives start alone, also where the quotient is too small for a float64.
func floatSteps(start, stop, step float64) uint64 {
	quotient := (stop - start) / step
	switch n := math.Ceil(quotient); {
	case math.IsNaN(n) || n >= math.MaxInt/8:
		return math.MaxUint64
	case quotient == 0 && stop != start && !math.Signbit(quotient):
		return 1
	case n > 0:
		return uint64(n)
	}
	return 0
}

// Data is an array over a block in this process.
func Data(b *Block, pc uintptr) *Node {
	if b == nil || !b.dtype.Valid() {
		return Failed(pc, fmt.Errorf("data: %w: the block has none; make one with FromSlice or FromArrow", ErrDType))
	}
	shape := append(Shape(nil), b.shape...) // b's own lies in b: whoever keeps the shape, as plans do, must not keep the data
	return &Node{kind: KindData, dtype: b.dtype, shape: shape, of: b, pc: pc}
}

// Elsewhere is an array over a block that another process holds.
func Elsewhere(d DType, shape Shape, pc uintptr) *Node {
	return &Node{kind: KindData, dtype: d, shape: append(Shape(nil), shape...), pc: pc}
}

// File is a column of n elements of files that ranks read for themselves.
func File(s *Source, d DType, n int, pc uintptr) *Node {
	return &Node{kind: KindFile, dtype: d, shape: Shape{n}, of: s, pc: pc}
}

// Reshape is a under another shape of as many elements.
func Reshape(a *Node, shape Shape, pc uintptr) *Node {
	if failed := a.failed(pc); failed != nil {
		return failed
	}
	err := shape.Check()
	if err == nil && shape.Len() != a.shape.Len() {
		err = fmt.Errorf("%w: shape %v of %d elements cannot become %v of %d", ErrShape, a.shape, a.shape.Len(), shape, shape.Len())
	}
	if err != nil {
		return Failed(pc, fmt.Errorf("reshape: %w", err))
	}
	n := &Node{kind: KindReshape, dtype: a.dtype, shape: append(Shape(nil), shape...), few: [maxArity]*Node{a}, pc: pc}
	n.args = n.few[:1]
	return n
}

// CastTo is a converted to another element type; a itself where it has that type already.
func CastTo(a *Node, d DType, pc uintptr) *Node {
	if a.carried() != nil {
		return castCarried(a, d, pc)
	}
	if a.err != nil || (a.dtype == d && !a.weak) {
		return a
	}
	if !d.Valid() {
		return Failed(pc, fmt.Errorf("cast: %w: %s is not an element type", ErrDType, d))
	}
	if a.kind == KindFull {
		return &Node{kind: KindFull, dtype: d, shape: a.shape, scalar: a.scalar.Cast(d), pc: pc}
	}
	n := &Node{kind: KindOp, op: Cast, dtype: d, shape: a.shape, few: [maxArity]*Node{a}, pc: pc}
	n.args = n.few[:1]
	return n
}

// Apply is the op over its operands: element-wise with broadcasting, a reduction over all axes to a 0-D array (Reduce takes
// axes), or a scan of the flattened operand. The operands are
// cast to the type that the op computes in, so that an executor needs no promotion rules: the type of an op's operands says
// which kernel runs.
// pc is the caller's program counter, for error messages.
func Apply(op Op, pc uintptr, args ...*Node) *Node {
	for _, a := range args {
		if failed := a.failed(pc); failed != nil {
			return failed
		}
	}
	n, err := apply(op, pc, args)
	if err != nil {
		return Failed(pc, fmt.Errorf("%s: %w", op, err))
	}
	return n
}

func apply(op Op, pc uintptr, args []*Node) (*Node, error) {
	if !op.Valid() {
		return nil, fmt.Errorf("%w: operation %d is not in the table", ErrGraph, uint8(op))
	}
	info := op.Info()
	if len(args) != info.Arity {
		return nil, fmt.Errorf("%w: takes %d operands, not %d", ErrShape, info.Arity, len(args))
	}
	switch {
	case op == Cast:
		return nil, fmt.Errorf("%w: cast needs the element type; use CastTo", ErrDType)
	case op.IsReduction():
		return reduce(op, pc, args[0], 0, nil)
	case op.IsScan():
		return scan(op, pc, args[0], nil)
	}
	in, out, err := operandTypes(op, args)
	if err != nil {
		return nil, err
	}
	if info.Rule == RuleCompare && mixedSign(args) {
		return compareMixed(op, pc, args)
	}
	n := &Node{kind: KindOp, op: op, dtype: out, pc: pc}
	n.args = n.few[:len(args)]
	for i, a := range args {
		n.args[i] = CastTo(a, in[i], pc)
	}
	n.shape, err = commonShape(args)
	return n, err
}

// commonShape is the shape that args broadcast to: that of an operand where it has it already.
func commonShape(args []*Node) (Shape, error) {
	var shapes [maxArity]Shape
	common := Shape(nil)
	same := true
	for i, a := range args {
		shapes[i] = a.shape
		switch {
		case len(a.shape) == 0:
		case common == nil:
			common = a.shape
		default:
			same = same && a.shape.Equal(common)
		}
	}
	if same {
		return common, nil
	}
	return Broadcast(shapes[:len(args)]...)
}
