package array

import (
	"fmt"
	"strings"
)

// Walk visits every node under roots once, operands before the nodes that use them, in an order that depends on the
// graph alone.
func Walk(roots []*Node, visit func(*Node)) {
	seen := make(map[*Node]bool)
	type frame struct {
		n    *Node
		next int
	}
	for _, root := range roots { // an explicit stack: a chain of a million ops is a legal graph
		if seen[root] {
			continue
		}
		seen[root] = true
		stack := []frame{{n: root}}
		for len(stack) > 0 {
			f := &stack[len(stack)-1]
			if f.next < len(f.n.args) {
				arg := f.n.args[f.next]
				f.next++
				if !seen[arg] {
					seen[arg] = true
					stack = append(stack, frame{n: arg})
				}
				continue
			}
			visit(f.n)
			stack = stack[:len(stack)-1]
		}
	}
}

// String is the text form of the expression: the ops by name over leaves with their type and shape. It is cut after a
// thousand bytes.
func (n *Node) String() string {
	var out strings.Builder
	n.write(&out)
	return cut(out.String())
}

func (n *Node) write(out *strings.Builder) {
	if out.Len() > maxText {
		return
	}
	switch n.kind {
	case KindFull:
		if len(n.shape) == 0 {
			out.WriteString(n.scalar.String())
			return
		}
		fmt.Fprintf(out, "full(%s):%s%v", n.scalar, n.dtype, n.shape)
	case KindArange:
		fmt.Fprintf(out, "arange(%s, step %s):%s%v", n.scalar, n.step, n.dtype, n.shape)
	case KindParts:
		fmt.Fprintf(out, "parts:%s%v", n.dtype, n.shape)
	case KindData:
		fmt.Fprintf(out, "data:%s%v", n.dtype, n.shape)
	case KindFile:
		fmt.Fprintf(out, "%s:%s%v", n.Source().Name, n.dtype, n.shape)
	default:
		name := n.op.String()
		if n.kind == KindReshape || n.kind == KindMatmul || n.kind == KindFilter || n.kind == KindSlice {
			name = kindNames[n.kind]
		}
		out.WriteString(name)
		out.WriteByte('(')
		for i, a := range n.args {
			if i > 0 {
				out.WriteString(", ")
			}
			a.write(out)
		}
		switch {
		case n.kind == KindReshape:
			fmt.Fprintf(out, ", %v", n.shape)
		case n.kind == KindSlice:
			fmt.Fprintf(out, ", %v", n.of)
		case n.op == Cast:
			fmt.Fprintf(out, ", %s", n.dtype)
		case n.kind == KindScan || n.kind == KindReduce:
			n.writeAxes(out)
		}
		out.WriteByte(')')
	}
}

// writeAxes writes the axes of a reduction or scan as the eval language does, and what else it takes.
func (n *Node) writeAxes(out *strings.Builder) {
	if n.scalar.bits != 0 {
		fmt.Fprintf(out, ", correction %s", n.scalar)
	}
	for _, axis := range n.axes {
		fmt.Fprintf(out, ", %d", axis)
	}
}
