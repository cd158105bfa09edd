package array

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/darray-go/darray/partition"
)

// wireNode is one node on the wire. Operands are positions of earlier nodes.
type wireNode struct {
	Kind   string     `json:"kind"`
	Op     string     `json:"op,omitempty"`
	DType  string     `json:"dtype"`
	Shape  Shape      `json:"shape"`
	Args   []int      `json:"args,omitempty"`
	Axes   []int      `json:"axes,omitempty"` // of a reduction or scan, counted from the first, ascending
	Value  uint64     `json:"value,omitempty"`
	Step   uint64     `json:"step,omitempty"`
	Data   int        `json:"data,omitempty"` // number of the driver's block, counted from 1
	Source *Source    `json:"source,omitempty"`
	Parts  *wireParts `json:"parts,omitempty"`

	Selection *Selection `json:"selection,omitempty"`
}

// wireParts is Parts on the wire.
type wireParts struct {
	ID     uint64 `json:"id"`
	Counts []int  `json:"counts"` // by rank
	Far    bool   `json:"far,omitempty"`
}

type wireGraph struct {
	Nodes []wireNode `json:"nodes"`
	Roots []int      `json:"roots"`
}

// maxWireNodes bounds a graph, ours and a peer's.
const maxWireNodes = 1 << 20

var kindNames = [...]string{"full", "arange", "data", "file", "op", "reduce", "reshape", "scan", "matmul", "parts", "filter", "slice"}

// Encode gives the wire form of the graph under roots, the same bytes for the same graph, and the blocks that its data
// nodes hold, in the order of their numbers. The blocks are not part of the bytes. A root that is a weak number arrives as
// a 0-D array.
func Encode(roots []*Node) (wire []byte, blocks []*Block, err error) {
	g := wireGraph{Nodes: []wireNode{}, Roots: []int{}}
	numbers := make(map[*Node]int)
	Walk(roots, func(n *Node) {
		if err == nil {
			err = n.err
		}
		if err == nil && n.unresolved() {
			err = ErrPending
		}
		w := wireNode{Kind: kindNames[n.kind], DType: n.dtype.String(), Shape: n.shape, Value: n.scalar.bits, Step: n.step.bits, Source: n.Source(), Selection: n.Selection()}
		switch n.kind {
		case KindOp, KindReduce, KindScan:
			w.Op, w.Axes = n.op.String(), n.axes
		case KindParts:
			p := n.Parts()
			w.Parts = &wireParts{p.ID, p.Layout.Counts(), p.Far}
		}
		if w.Shape == nil {
			w.Shape = Shape{}
		}
		for _, a := range n.args {
			w.Args = append(w.Args, numbers[a])
		}
		if n.kind == KindData {
			blocks = append(blocks, n.Block())
			w.Data = len(blocks)
		}
		numbers[n] = len(g.Nodes)
		g.Nodes = append(g.Nodes, w)
	})
	if err != nil {
		return nil, nil, err
	}
	for _, r := range roots {
		g.Roots = append(g.Roots, numbers[r])
	}
	if len(g.Nodes) > maxWireNodes {
		return nil, nil, fmt.Errorf("%w: %d nodes; at most %d: collect or persist a part first", ErrGraph, len(g.Nodes), maxWireNodes)
	}
	wire, err = json.Marshal(g)
	return wire, blocks, err
}

// Fingerprint is a short name of a wire form: equal on all ranks that are about to run the same graph.
func Fingerprint(wire []byte) string {
	sum := sha256.Sum256(wire)
	return hex.EncodeToString(sum[:8])
}

// Decode rebuilds the graph of a wire form; its data nodes hold no block. Every node is made by the same constructors as a
// user's, so what a peer sends cannot describe a graph that a user could not build.
func Decode(wire []byte) ([]*Node, error) {
	var g wireGraph
	dec := json.NewDecoder(bytes.NewReader(wire))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&g); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrGraph, err)
	}
	if dec.InputOffset() != int64(len(wire)) {
		return nil, fmt.Errorf("%w: %d bytes after the graph", ErrGraph, int64(len(wire))-dec.InputOffset())
	}
	if len(g.Nodes) > maxWireNodes {
		return nil, fmt.Errorf("%w: %d nodes; at most %d", ErrGraph, len(g.Nodes), maxWireNodes)
	}
	nodes, blocks := make([]*Node, 0, len(g.Nodes)), 0
	for i := range g.Nodes {
		w := &g.Nodes[i]
		n, err := w.node(nodes)
		if err == nil && w.Kind == kindNames[KindData] {
			if blocks++; w.Data != blocks {
				err = fmt.Errorf("names block %d where block %d is next", w.Data, blocks)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("%w: node %d: %w", ErrGraph, i, err)
		}
		nodes = append(nodes, n)
	}
	roots := make([]*Node, len(g.Roots))
	for i, r := range g.Roots {
		if r < 0 || r >= len(nodes) {
			return nil, fmt.Errorf("%w: root %d of %d nodes", ErrGraph, r, len(nodes))
		}
		roots[i] = nodes[r]
	}
	return roots, nil
}

// node makes one node over the earlier ones and checks that it is what the peer says it is.
func (w *wireNode) node(earlier []*Node) (*Node, error) {
	d, err := ParseDType(w.DType)
	if err != nil {
		return nil, err
	}
	if err := w.Shape.Check(); err != nil {
		return nil, err
	}
	args := make([]*Node, len(w.Args))
	for i, a := range w.Args {
		if a < 0 || a >= len(earlier) {
			return nil, fmt.Errorf("operand %d is no earlier node", a)
		}
		args[i] = earlier[a]
	}
	n, err := w.build(d, args)
	if err != nil {
		return nil, err
	}
	if n.err != nil {
		return nil, n.err
	}
	if n.dtype != d || !n.shape.Equal(w.Shape) {
		return nil, fmt.Errorf("says %s%v, is %s%v", d, w.Shape, n.dtype, n.shape)
	}
	if !slices.Equal(n.args, args) {
		return nil, fmt.Errorf("%s is given operands of other types than it computes in", w.Op)
	}
	if n.kind == KindReduce && n.scalar.bits != w.Value {
		return nil, fmt.Errorf("%s with value %#x, which is %#x", w.Op, w.Value, n.scalar.bits)
	}
	if !slices.Equal(n.axes, w.Axes) {
		return nil, fmt.Errorf("%s over axes %v, which are %v", w.Op, w.Axes, n.axes)
	}
	return n, nil
}

func (w *wireNode) build(d DType, args []*Node) (*Node, error) {
	switch w.Kind {
	case "reshape", "reduce", "op", "scan", "matmul", "filter":
	default:
		if len(args) != 0 {
			return nil, fmt.Errorf("%s takes no operands, not %d", w.Kind, len(args))
		}
	}
	switch w.Kind {
	case "full":
		value, err := scalarFromWire(d, w.Value)
		return Full(value, w.Shape, 0), err
	case "arange":
		return w.arange(d)
	case "data":
		return &Node{kind: KindData, dtype: d, shape: w.Shape}, nil
	case "parts":
		if w.Parts == nil {
			return nil, errors.New("parts that are not described")
		}
		l, err := partition.FromCounts(w.Parts.Counts)
		if err != nil {
			return nil, err
		}
		return InParts(NewParts(w.Parts.ID, l, w.Parts.Far, nil), d, w.Shape, 0), nil
	case "file":
		if w.Source == nil || len(w.Shape) != 1 {
			return nil, errors.New("file column without a source or not 1-D")
		}
		if err := w.Source.check(w.Shape[0]); err != nil {
			return nil, err
		}
		return File(w.Source, d, w.Shape[0], 0), nil
	case "filter":
		if len(args) != 2 || w.Selection == nil {
			return nil, errors.New("filter without a mask")
		}
		return Filtered(args[0], args[1], w.Selection, 0), nil
	case "reshape":
		if len(args) != 1 {
			return nil, fmt.Errorf("reshape takes one operand, not %d", len(args))
		}
		return Reshape(args[0], w.Shape, 0), nil
	case "op", "reduce", "scan":
		return w.apply(d, args)
	case "matmul":
		if len(args) != 2 {
			return nil, fmt.Errorf("matmul takes two operands, not %d", len(args))
		}
		return Matmul(args[0], args[1], 0), nil
	}
	return nil, fmt.Errorf("unknown kind %q", w.Kind)
}

func (w *wireNode) arange(d DType) (*Node, error) {
	start, err := scalarFromWire(d, w.Value)
	if err != nil {
		return nil, err
	}
	step, err := scalarFromWire(d, w.Step)
	if err != nil {
		return nil, err
	}
	if len(w.Shape) != 1 || d == Bool || step.Float() == 0 {
		return nil, fmt.Errorf("arange of %s%v in steps of %s", d, w.Shape, step)
	}
	return newArange(start, step, w.Shape[0], 0), nil
}

func (w *wireNode) apply(d DType, args []*Node) (*Node, error) {
	op, ok := OpByName(w.Op)
	if !ok || op.IsReduction() != (w.Kind == "reduce") || op.IsScan() != (w.Kind == "scan") {
		return nil, fmt.Errorf("no %s named %q; is every rank of the same build?", w.Kind, w.Op)
	}
	if w.Kind == "op" && op != Cast {
		return Apply(op, 0, args...), nil
	}
	if len(args) != 1 {
		return nil, fmt.Errorf("%s takes one operand, not %d", op, len(args))
	}
	switch {
	case w.Kind == "scan":
		return Scan(op, 0, args[0], w.Axes...), nil
	case op == Var:
		return Variance(0, args[0], ScalarFromBits(Float64, w.Value).Float(), w.Axes...), nil
	case w.Kind == "reduce":
		return Reduce(op, 0, args[0], w.Axes...), nil
	}
	return &Node{kind: KindOp, op: Cast, dtype: d, shape: args[0].shape, args: args}, nil
}

// scalarFromWire refuses bits that no value of type d has.
func scalarFromWire(d DType, bits uint64) (Scalar, error) {
	s := ScalarFromBits(d, bits)
	if s.Cast(d) != s {
		return s, fmt.Errorf("%#x is no %s", bits, d)
	}
	return s, nil
}
