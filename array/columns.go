package array

import "math"

// Columns is one node of the tree over rows (see Extent), for each of so many columns alone: the accumulators over row
// leaves [Index<<Level, (Index+1)<<Level).
type Columns struct {
	Level uint64
	Index uint64
	Acc   []uint64 // as Partial.Acc, by column
	Aux   []uint64 // as Partial.Aux; nil where the op has none
	Count []uint64 // elements that were not null, by column; nil where none was: all columns have Rows
	Rows  uint64
}

// ColumnForest is the tree over a run of consecutive row leaves, as few nodes as possible, in order.
type ColumnForest []Columns

// HasAux reports whether the op's nodes carry an Aux.
func (o Op) HasAux() bool { return o == ArgMin || o == ArgMax || o == Var }

// NewColumns gives a node without leaves: the identity in each of n columns.
func NewColumns(op Op, acc DType, n int) Columns {
	c := Columns{Acc: make([]uint64, n)}
	if identity := Identity(op, acc); identity != 0 {
		for i := range c.Acc {
			c.Acc[i] = identity
		}
	}
	if op.HasAux() {
		c.Aux = make([]uint64, n)
	}
	return c
}

// At is the node of one column.
func (c *Columns) At(i int) Partial {
	p := Partial{Level: c.Level, Index: c.Index, Acc: c.Acc[i], Count: c.Rows}
	if c.Aux != nil {
		p.Aux = c.Aux[i]
	}
	if c.Count != nil {
		p.Count = c.Count[i]
	}
	return p
}

// set stores the node of one column; Count is there where p.Count is not Rows.
func (c *Columns) set(i int, p Partial) {
	c.Acc[i] = p.Acc
	if c.Aux != nil {
		c.Aux[i] = p.Aux
	}
	if c.Count != nil {
		c.Count[i] = p.Count
	}
}

// SpreadCount makes Count, where it is nil, from Rows.
func (c *Columns) SpreadCount() {
	if c.Count == nil {
		c.Count = make([]uint64, len(c.Acc))
		for i := range c.Count {
			c.Count[i] = c.Rows
		}
	}
}

// CombineColumns joins two neighbouring nodes of as many columns, left before right, into x, whose memory it uses.
func CombineColumns(op Op, acc DType, x, y Columns) Columns {
	if x.Count != nil || y.Count != nil {
		x.SpreadCount()
		y.SpreadCount()
	}
	if x.Count == nil && (op == Sum || op == Mean) && acc == Float64 {
		for i, a := range y.Acc[:len(x.Acc)] {
			x.Acc[i] = math.Float64bits(math.Float64frombits(x.Acc[i]) + math.Float64frombits(a))
		}
	} else {
		for i := range x.Acc {
			x.set(i, Combine(op, acc, x.At(i), y.At(i)))
		}
	}
	x.Rows += y.Rows
	return x
}

// Push appends the next node to the right and joins siblings as they become complete, in the left one's memory.
func (f ColumnForest) Push(op Op, acc DType, c Columns) ColumnForest {
	for len(f) > 0 {
		left := f[len(f)-1]
		if left.Level != c.Level || left.Index%2 != 0 || left.Index+1 != c.Index {
			break
		}
		c = CombineColumns(op, acc, left, c)
		c.Level, c.Index = left.Level+1, left.Index/2
		f = f[:len(f)-1]
	}
	return append(f, c)
}

// Result closes the forest over all rows and gives the reduction's values, 1-D, with validity where one is null. It uses up
// the forest's memory; a forest of no nodes gives nil.
func (f ColumnForest) Result(op Op, acc, out DType, correction float64) *Block {
	if len(f) == 0 {
		return nil
	}
	total := f[len(f)-1]
	for i := len(f) - 2; i >= 0; i-- {
		total = CombineColumns(op, acc, f[i], total)
	}
	nulls := false
	b := NewBlock(out, Shape{len(total.Acc)}, true)
	for i := range total.Acc {
		p := total.At(i)
		value, ok := p.Value(op, acc, out, correction)
		b.SetScalar(i, value, ok)
		nulls = nulls || !ok
	}
	if !nulls {
		b.validity = nil
	}
	return b
}
