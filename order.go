package darray

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/partition"
)

// What rank 0 tells a rank to write, and what that does.

// partOrder is what a rank is told to write.
type partOrder struct {
	ID      uint64        `json:"id"`
	Rank    int           `json:"rank"`
	Path    string        `json:"path,omitempty"` // beside which the file is made
	Columns []orderColumn `json:"columns,omitempty"`
	Rows    int           `json:"rows,omitempty"`
	Options WriteOptions  `json:"options"`
	Place   string        `json:"place,omitempty"` // name what was written
	Drop    bool          `json:"drop,omitempty"`  // let go of it
}

// orderColumn is a column of a part: a part of what the ranks keep, by number, or one that is carried along, which the rank reads.
type orderColumn struct {
	Name  string        `json:"name"`
	Part  int           `json:"part"` // -1: carried
	From  *array.Source `json:"from,omitempty"`
	Masks [][]byte      `json:"masks,omitempty"` // bits, one after another
}

// carry describes rows of a carried column so that another process can read them.
func (o *orderColumn) carry(part *array.Node, whole bool, n *array.Node) error {
	if part == nil && whole {
		part = n
	}
	for part != nil && part.Kind() == array.KindFilter {
		b := part.Args()[1].Block()
		if b == nil {
			break
		}
		bits := array.NewBlock(Bool, Shape{b.Len()}, false)
		bits.Put(0, b)
		raw, _, _ := bits.Raw()
		o.Masks = append([][]byte{raw}, o.Masks...)
		part = part.Args()[0]
	}
	if part == nil || part.Kind() != array.KindFile {
		return errors.New("its rows cannot be told to other ranks; this is a fault")
	}
	o.From = part.Source()
	if o.From.Rows == nil {
		all := *o.From
		all.Rows = []partition.Range{{Lo: 0, Hi: part.Shape()[0]}}
		o.From = &all
	}
	return nil
}

// writePart is what a rank does that is told to write its part, to name it, or to let go of it.
func (ts *tables) writePart(ctx context.Context, payload []byte, blocks []*Block) ([]byte, error) {
	var order partOrder
	if err := json.Unmarshal(payload, &order); err != nil {
		return nil, fmt.Errorf("an order to write that cannot be read: %w", err)
	}
	out := ts.takeOutput(outputKey{order.ID, order.Rank})
	switch {
	case order.Drop || order.Place != "" && out == nil: // a rank without rows has written nothing
		if out != nil {
			out.Abort()
		}
		return nil, nil
	case order.Place != "":
		return nil, out.CommitAs(order.Place)
	case order.Rows == 0:
		return nil, nil
	}
	to, err := formatNamed(order.Options.Format)
	if err != nil {
		return nil, err
	}
	t := &carrier{tables: ts}
	defer t.close()
	r, err := t.part(ctx, &order, blocks)
	if err != nil {
		return nil, err
	}
	if out, err = format.NewOutput(order.Path); err != nil {
		return nil, err
	}
	if err := encode(ctx, to, out, r.Schema(), order.Options, order.Rows, inSteps(r)); err != nil {
		return nil, err
	}
	if err := out.Sync(); err != nil {
		return nil, err
	}
	ts.keepOutput(outputKey{order.ID, order.Rank}, out)
	return nil, nil
}

// part is the rows that an order is about.
func (t *carrier) part(ctx context.Context, order *partOrder, blocks []*Block) (arrow.RecordBatch, error) {
	fields, columns := make([]arrow.Field, len(order.Columns)), make([]arrow.Array, len(order.Columns))
	for i, col := range order.Columns {
		if col.Part >= len(blocks) {
			return nil, fmt.Errorf("an order to write part %d of %d", col.Part, len(blocks))
		}
		var err error
		if col.Part >= 0 {
			columns[i], err = blocks[col.Part].ArrowRows()
		} else {
			columns[i], err = t.carried(ctx, &col)
		}
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", col.Name, err)
		}
		if columns[i].Len() != order.Rows {
			return nil, fmt.Errorf("%w: column %q has %d rows here, the part %d", ErrShape, col.Name, columns[i].Len(), order.Rows)
		}
		fields[i] = arrow.Field{Name: col.Name, Type: columns[i].DataType(), Nullable: true}
	}
	return arrowarray.NewRecordBatch(arrow.NewSchema(fields, nil), columns, int64(order.Rows)), nil
}

// stepRows is how many rows are encoded between two looks at the context.
const stepRows = 1 << 20

// inSteps gives a batch in smaller ones, and then io.EOF.
func inSteps(r arrow.RecordBatch) func() (arrow.RecordBatch, error) {
	at := int64(0)
	return func() (arrow.RecordBatch, error) {
		if at >= r.NumRows() {
			return nil, io.EOF
		}
		lo := at
		at = min(at+stepRows, r.NumRows())
		return r.NewSlice(lo, at), nil
	}
}

// outputKey names what a rank has written of a directory.
type outputKey struct {
	id   uint64
	rank int
}

// takeOutput gives the file that a rank has written for a directory; nil where there is none.
func (ts *tables) takeOutput(key outputKey) *format.Output {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	out := ts.outputs[key]
	delete(ts.outputs, key)
	return out
}

func (ts *tables) keepOutput(key outputKey, out *format.Output) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.outputs == nil {
		ts.outputs = make(map[outputKey]*format.Output)
	}
	ts.outputs[key] = out
}

// carried reads the rows of a column that this rank is told of.
func (t *carrier) carried(ctx context.Context, col *orderColumn) (arrow.Array, error) {
	if col.From == nil {
		return nil, errors.New("an order without a source")
	}
	rows := 0
	for _, r := range col.From.Rows {
		rows += r.Len()
	}
	a, err := t.read(ctx, col.From, rows)
	for _, bits := range col.Masks {
		if err != nil {
			return nil, err
		}
		if len(bits) < array.Bool.BufferSize(a.Len()) {
			return nil, errors.New("an order with a mask that is too short")
		}
		var mask *Block
		if mask, err = array.WrapBlock(Bool, a.Len(), 0, bits, nil, nil); err == nil {
			a, err = choose(a, mask)
		}
	}
	return a, err
}
