package parquet

import (
	"encoding/binary"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	arrowparquet "github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/schema"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/format"
)

// bounds gives the statistics of the row groups that can be trusted: by column and row group, nil for columns that have none.
func (r *reader) bounds() [][]format.Bounds {
	all := make([][]format.Bounds, len(r.columns))
	for i, c := range r.columns {
		if !c.flat || !c.field.IsLeaf() || !bounded(c.field.Field.Type, r.meta.Schema.Column(c.leaves[0])) {
			continue
		}
		all[i] = make([]format.Bounds, len(r.meta.RowGroups))
		for g := range all[i] {
			lo, hi := r.statistics(g, c.leaves[0])
			if lo != nil && hi != nil {
				all[i][g] = newBounds(c.field.Field.Type, lo, hi)
			}
		}
	}
	return all
}

// bounded reports whether a type's values are numbers whose statistics are in the type's own unit.
func bounded(t arrow.DataType, leaf *schema.Column) bool {
	physical := leaf.PhysicalType()
	switch t.ID() {
	case arrow.BOOL:
		return physical == arrowparquet.Types.Boolean
	case arrow.FLOAT32:
		return physical == arrowparquet.Types.Float
	case arrow.FLOAT64:
		return physical == arrowparquet.Types.Double
	default:
		_, ok := direct(t, leaf)
		return ok || t.ID() == arrow.DATE64 && physical == arrowparquet.Types.Int32
	}
}

// statistics gives the stored bounds of a chunk, where their order is known. The old fields of them were compared as signed numbers.
func (r *reader) statistics(group, leaf int) (lo, hi []byte) {
	s := r.meta.RowGroups[group].Columns[leaf].MetaData.Statistics
	if s == nil {
		return nil, nil
	}
	orders := r.meta.ColumnOrders
	if s.MinValue != nil && s.MaxValue != nil {
		if leaf < len(orders) && orders[leaf].IsSetTYPE_ORDER() {
			return s.MinValue, s.MaxValue
		}
		return nil, nil
	}
	if r.meta.Schema.Column(leaf).SortOrder() == schema.SortSIGNED {
		return s.Min, s.Max
	}
	return nil, nil
}

// newBounds makes bounds of a column's values; those that cannot be true are not known.
func newBounds(t arrow.DataType, lo, hi []byte) (b format.Bounds) {
	low, ok := value(t, lo, true)
	high, also := value(t, hi, false)
	if !ok || !also || less(high, low) {
		return format.Bounds{}
	}
	return format.Bounds{Min: low, Max: high, Known: true}
}

// less compares scalars of one type.
func less(a, b array.Scalar) bool {
	switch d := a.DType(); {
	case d.Float():
		return a.Float() < b.Float()
	case d.Signed():
		return int64(a.Bits()) < int64(b.Bits())
	}
	return a.Bits() < b.Bits()
}

// value decodes one statistic, stored as a plain value. Zeros of floats get the sign that widens; NaNs say nothing.
func value(t arrow.DataType, b []byte, low bool) (array.Scalar, bool) {
	switch t.ID() {
	case arrow.BOOL:
		if len(b) != 1 || b[0] > 1 {
			return array.Scalar{}, false
		}
		return array.ScalarOf(b[0] == 1), true
	case arrow.FLOAT32:
		if len(b) != 4 {
			return array.Scalar{}, false
		}
		f := math.Float32frombits(binary.LittleEndian.Uint32(b))
		return array.ScalarOf(float32(widen(float64(f), low))), f == f
	case arrow.FLOAT64:
		if len(b) != 8 {
			return array.Scalar{}, false
		}
		f := math.Float64frombits(binary.LittleEndian.Uint64(b))
		return array.ScalarOf(widen(f, low)), f == f
	}
	switch len(b) {
	case 4:
		return integer(t, int64(int32(binary.LittleEndian.Uint32(b))))
	case 8:
		return integer(t, int64(binary.LittleEndian.Uint64(b)))
	}
	return array.Scalar{}, false
}

func widen(f float64, low bool) float64 {
	switch {
	case f != 0:
		return f
	case low:
		return math.Copysign(0, -1)
	default:
		return 0
	}
}

// integer is a stored integer as a value of the type, if it is one.
func integer(t arrow.DataType, v int64) (array.Scalar, bool) {
	switch t.ID() {
	case arrow.INT8:
		return array.ScalarOf(int8(v)), v == int64(int8(v))
	case arrow.INT16:
		return array.ScalarOf(int16(v)), v == int64(int16(v))
	case arrow.UINT8:
		return array.ScalarOf(uint8(v)), v == int64(uint8(v))
	case arrow.UINT16:
		return array.ScalarOf(uint16(v)), v == int64(uint16(v))
	case arrow.UINT32:
		return array.ScalarOf(uint32(v)), true
	case arrow.UINT64:
		return array.ScalarOf(uint64(v)), true
	case arrow.INT32, arrow.DATE32, arrow.TIME32:
		return array.ScalarOf(int32(v)), v == int64(int32(v))
	case arrow.DATE64:
		return array.ScalarOf(v * millisecondsPerDay), true
	default:
		return array.ScalarOf(v), true
	}
}

// millisecondsPerDay: dates are stored in days.
const millisecondsPerDay = 24 * 60 * 60 * 1000
