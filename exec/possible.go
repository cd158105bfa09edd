package exec

import (
	"fmt"
	"math"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/partition"
)

// possible checks the numbers of a peer's trees, which stand on the leaves of a span (see covers): no elements can give others.
func possible(f array.Forest, op array.Op, acc array.DType, span partition.Range) error {
	for _, p := range f {
		lo := int(p.Index<<p.Level) * array.LeafSize
		at := partition.Range{Lo: max(lo, span.Lo), Hi: min(lo+array.LeafSize<<p.Level, span.Hi)}
		if err := possibleNode(p, op, acc, at); err != nil {
			return err
		}
	}
	return nil
}

// possibleColumns is possible for trees over rows: index counts rows.
func possibleColumns(f array.ColumnForest, op array.Op, acc array.DType) error {
	for k := range f {
		c := &f[k]
		lo := int(c.Index<<c.Level) * array.RowLeaf
		for i := range c.Acc {
			if err := possibleNode(c.At(i), op, acc, partition.Range{Lo: lo, Hi: lo + int(c.Rows)}); err != nil {
				return fmt.Errorf("in column %d %w", i, err)
			}
		}
	}
	return nil
}

// possibleNode checks one node over the elements of a run that at says.
func possibleNode(p array.Partial, op array.Op, acc array.DType, at partition.Range) error {
	switch {
	case p.Count > uint64(at.Len()):
		return fmt.Errorf("a reduction that counts %d of elements %v", p.Count, at)
	case acc == array.Bool && p.Acc > 1:
		return fmt.Errorf("a reduction to the bool %d over elements %v", p.Acc, at)
	case p.Count == 0:
		return nil
	case (op == array.ArgMin || op == array.ArgMax) && (p.Aux < uint64(at.Lo) || p.Aux >= uint64(at.Hi)):
		return fmt.Errorf("a reduction to the index %d of elements %v", p.Aux, at)
	case op == array.Var && math.Float64frombits(p.Aux) < 0:
		return fmt.Errorf("a reduction to the squared deviations %v of elements %v", math.Float64frombits(p.Aux), at)
	}
	return nil
}
