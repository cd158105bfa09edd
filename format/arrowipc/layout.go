package arrowipc

import (
	"errors"
	"fmt"
	"math"
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow"
)

// layout says where each column of a schema is found among the arrays and buffers of its batches.
type layout struct {
	columns      []*node
	nodes        int // arrays of a batch
	buffers      int // buffers of a batch, without those of views
	views        int // arrays whose number of buffers each batch states
	version      int
	dictionaries map[int64]*layout // of the values, by id; shared with the layouts of dictionaries themselves
}

// node is one array of a batch: a column, or a part of one.
type node struct {
	name               string
	declared           arrow.DataType // as the schema says
	typ                arrow.DataType // without extensions
	node, buffer, view int            // how many arrays, buffers and views come before it
	kinds              []kind         // of its buffers; views have more
	isView             bool
	dictionary         *layout // of its values; nil where it has no dictionary
	id                 int64   // of the dictionary
	children           []*node
}

// kind is what a buffer holds: so many bits a row, of one more row for offsets; none where the length is said elsewhere.
type kind struct {
	bits, more int
	validity   bool
}

var (
	validity  = kind{bits: 1, validity: true}
	offsets32 = kind{bits: 32, more: 1}
	offsets64 = kind{bits: 64, more: 1}
)

// bytes is how long a buffer for so many rows must be. Without rows it may be left out.
func (k kind) bytes(rows int) int {
	if rows == 0 || k.bits == 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(rows+k.more), uint64(k.bits))
	if hi != 0 || lo > math.MaxInt {
		return math.MaxInt
	}
	return int((lo + 7) / 8)
}

// kindsOf are the buffers of an array in a batch, in order.
func kindsOf(t arrow.DataType, version int) ([]kind, error) {
	switch t := t.(type) {
	case *arrow.NullType, *arrow.RunEndEncodedType:
		return nil, nil
	case *arrow.StructType:
		return []kind{validity}, nil
	case *arrow.FixedSizeListType:
		if t.Len() < 0 {
			return nil, fmt.Errorf("lists of %d elements", t.Len())
		}
		return []kind{validity}, nil
	case arrow.UnionType:
		var kinds []kind
		if version <= versionV4 {
			kinds = append(kinds, validity)
		}
		kinds = append(kinds, kind{bits: 8})
		if t.Mode() == arrow.DenseMode {
			kinds = append(kinds, kind{bits: 32})
		}
		return kinds, nil
	case *arrow.ListViewType:
		return []kind{validity, {bits: 32}, {bits: 32}}, nil
	case *arrow.LargeListViewType:
		return []kind{validity, {bits: 64}, {bits: 64}}, nil
	case *arrow.ListType, *arrow.MapType:
		return []kind{validity, offsets32}, nil
	case *arrow.LargeListType:
		return []kind{validity, offsets64}, nil
	case arrow.BinaryViewDataType:
		return []kind{validity, {bits: 8 * arrow.ViewHeaderSizeBytes}}, nil
	case *arrow.StringType, *arrow.BinaryType:
		return []kind{validity, offsets32, {}}, nil
	case *arrow.LargeStringType, *arrow.LargeBinaryType:
		return []kind{validity, offsets64, {}}, nil
	case arrow.DecimalType:
		if most := digits[t.BitWidth()]; t.GetPrecision() < 1 || t.GetPrecision() > most || t.GetScale() > most || t.GetScale() < -most {
			return nil, fmt.Errorf("%s has more than %d digits or places", t, most)
		}
		return []kind{validity, {bits: t.BitWidth()}}, nil
	case arrow.FixedWidthDataType:
		if t.BitWidth() < 0 {
			return nil, fmt.Errorf("values of %d bits", t.BitWidth())
		}
		return []kind{validity, {bits: t.BitWidth()}}, nil
	}
	return nil, fmt.Errorf("arrays of %s are not known here", t)
}

// digits are how many a decimal of so many bits has at most.
var digits = map[int]int32{32: 9, 64: 18, 128: 38, 256: 76}

// newLayout walks a schema depth first, as the format orders arrays and buffers, together with the message that it was made of, which
// says the numbers of dictionaries.
func newLayout(s *arrow.Schema, m message) (*layout, error) {
	l := &layout{version: m.version, dictionaries: make(map[int64]*layout)}
	stated := m.header.vector(schemaFields, 4)
	if stated.n != s.NumFields() {
		return nil, errors.New("the schema is corrupt")
	}
	for i, f := range s.Fields() {
		n, err := l.add(f.Name, f.Type, stated.table(i))
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", f.Name, err)
		}
		l.columns = append(l.columns, n)
	}
	if m.header.f.bad {
		return nil, errors.New("the schema is corrupt")
	}
	return l, nil
}

func (l *layout) add(name string, t arrow.DataType, stated table) (*node, error) {
	declared := t
	t = storage(t)
	kinds, err := kindsOf(t, l.version)
	if err != nil {
		return nil, err
	}
	n := &node{name: name, declared: declared, typ: t, node: l.nodes, buffer: l.buffers, view: l.views, kinds: kinds}
	l.nodes++
	l.buffers += len(kinds)
	if _, n.isView = t.(arrow.BinaryViewDataType); n.isView {
		l.views++
	}
	if d, ok := t.(*arrow.DictionaryType); ok {
		return n, l.addDictionary(n, d, stated)
	}
	nested, ok := t.(arrow.NestedType)
	if !ok {
		return n, nil
	}
	children := stated.vector(fieldChildren, 4)
	if children.n != len(nested.Fields()) {
		return nil, fmt.Errorf("it has %d parts where %s has %d", children.n, t, len(nested.Fields()))
	}
	for i, f := range nested.Fields() {
		c, err := l.add(f.Name, f.Type, children.table(i))
		if err != nil {
			return nil, err
		}
		n.children = append(n.children, c)
	}
	return n, nil
}

// addDictionary notes the values of a dictionary, which come in batches of their own.
func (l *layout) addDictionary(n *node, t *arrow.DictionaryType, stated table) error {
	encoding, ok := stated.table(fieldDictionary)
	if !ok {
		return errors.New("its dictionary is not described")
	}
	n.id = encoding.i64(dictionaryID)
	values := &layout{version: l.version, dictionaries: l.dictionaries}
	column, err := values.add(n.name, t.ValueType, stated)
	if err != nil {
		return fmt.Errorf("its dictionary: %w", err)
	}
	values.columns = []*node{column}
	n.dictionary = l.dictionaries[n.id]
	if n.dictionary == nil {
		n.dictionary, l.dictionaries[n.id] = values, values
	}
	if first := n.dictionary.columns[0]; !arrow.TypeEqual(first.declared, column.declared) {
		return fmt.Errorf("it shares dictionary %d with a column of other values: %s and %s", n.id, column.declared, first.declared)
	}
	return nil
}

// storage is what arrays of a type are made of: without extensions.
func storage(t arrow.DataType) arrow.DataType {
	for {
		e, ok := t.(arrow.ExtensionType)
		if !ok {
			return t
		}
		t = e.StorageType()
	}
}

// flat reports whether an array is its validity and values of one width, or indices into a dictionary.
func (n *node) flat() bool {
	return len(n.kinds) == 2 && n.kinds[1].bits > 0 && n.kinds[1].more == 0 && n.kinds[0].validity && !n.isView
}

// width is the bits of a value of a flat array.
func (n *node) width() int { return n.kinds[1].bits }

// need is how many rows the parts of an array of so many rows must have. Where offsets say it, it is seen when they are read.
func (n *node) need(rows int) (int, error) {
	switch t := n.typ.(type) {
	case *arrow.StructType, *arrow.SparseUnionType:
		return rows, nil
	case *arrow.FixedSizeListType:
		hi, lo := bits.Mul64(uint64(rows), uint64(t.Len()))
		if hi != 0 || lo > maxRows {
			return 0, fmt.Errorf("%d lists of %d elements are more than can be addressed", rows, t.Len())
		}
		return int(lo), nil
	}
	return 0, nil
}
