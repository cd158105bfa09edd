// Package formattest is the conformance suite of formats: what is written comes back, of every type, and what is broken on purpose
// becomes an error.
package formattest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
	"github.com/apache/arrow-go/v18/arrow/float16"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Numbers are the types that arrays compute with.
func Numbers() []arrow.DataType {
	p := arrow.PrimitiveTypes
	return []arrow.DataType{
		arrow.FixedWidthTypes.Boolean, p.Int8, p.Int16, p.Int32, p.Int64, p.Uint8, p.Uint16, p.Uint32, p.Uint64, p.Float32, p.Float64,
	}
}

// Times are the types of times, dates and durations.
func Times() []arrow.DataType {
	w := arrow.FixedWidthTypes
	return []arrow.DataType{
		w.Date32, w.Date64, w.Time32s, w.Time32ms, w.Time64us, w.Time64ns,
		w.Timestamp_s, w.Timestamp_ms, w.Timestamp_us, w.Timestamp_ns, &arrow.TimestampType{Unit: arrow.Microsecond},
		w.Duration_s, w.Duration_ms, w.Duration_us, w.Duration_ns,
	}
}

// Texts are the types of strings and bytes.
func Texts() []arrow.DataType {
	b := arrow.BinaryTypes
	return []arrow.DataType{b.String, b.LargeString, b.StringView, b.Binary, b.LargeBinary, b.BinaryView, &arrow.FixedSizeBinaryType{ByteWidth: 5}}
}

// Others are the remaining types: decimals, intervals, dictionaries and what is nested.
func Others() []arrow.DataType {
	text, number := arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64
	fields := []arrow.Field{{Name: "a", Type: number, Nullable: true}, {Name: "b", Type: text, Nullable: true}}
	return []arrow.DataType{
		arrow.Null, arrow.FixedWidthTypes.Float16,
		&arrow.Decimal32Type{Precision: 7, Scale: 2}, &arrow.Decimal64Type{Precision: 15, Scale: 3},
		&arrow.Decimal128Type{Precision: 30, Scale: 4}, &arrow.Decimal256Type{Precision: 60, Scale: 5},
		arrow.FixedWidthTypes.MonthInterval, arrow.FixedWidthTypes.DayTimeInterval, arrow.FixedWidthTypes.MonthDayNanoInterval,
		&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: text},
		&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: number},
		arrow.ListOf(number), arrow.ListOf(text), arrow.LargeListOf(text), arrow.FixedSizeListOf(3, arrow.PrimitiveTypes.Float64),
		arrow.ListViewOf(number), arrow.LargeListViewOf(text),
		arrow.StructOf(fields...), arrow.MapOf(text, number), arrow.ListOf(arrow.StructOf(fields...)),
		arrow.SparseUnionOf(fields, []arrow.UnionTypeCode{3, 5}), arrow.DenseUnionOf(fields, []arrow.UnionTypeCode{3, 5}),
		arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int32, text),
	}
}

// Random is an array of n values of a type, the same for the same seed; with nulls, a fifth of it, where the type has any. Special values
// and empty strings are among them.
func Random(t arrow.DataType, n int, nulls bool, seed uint64) arrow.Array {
	b := arrowarray.NewBuilder(memory.DefaultAllocator, t)
	defer b.Release()
	r := &source{rand.New(rand.NewPCG(seed, uint64(t.ID()))), nulls}
	for range n {
		r.append(b)
	}
	return b.NewArray()
}

// Batch is columns of those types, called c0, c1, ..., all nullable.
func Batch(types []arrow.DataType, n int, nulls bool, seed uint64) arrow.RecordBatch {
	fields := make([]arrow.Field, len(types))
	columns := make([]arrow.Array, len(types))
	for i, t := range types {
		fields[i] = arrow.Field{Name: fmt.Sprintf("c%d", i), Type: t, Nullable: true}
		columns[i] = Random(t, n, nulls, seed+uint64(i))
	}
	return arrowarray.NewRecordBatch(arrow.NewSchema(fields, nil), columns, int64(n))
}

// source makes values.
type source struct {
	*rand.Rand
	nulls bool
}

var (
	texts  = []string{"", "a", "true", "1.5", "two words", "comma, quote \" and 'tick'", "line\nbreak\r\n", "größe 数据 🙂", " spaces ", "NA", strings.Repeat("long ", 50)}
	floats = []float64{0, math.Copysign(0, -1), 1, -1.5, 0.1, math.MaxFloat64, math.SmallestNonzeroFloat64, math.Inf(1), math.Inf(-1), math.NaN(), 1e21, 123456789.125}
)

func (r *source) text() string { return texts[r.IntN(len(texts))] }

// float is a special value, or any.
func (r *source) float() float64 {
	if r.IntN(3) == 0 {
		return floats[r.IntN(len(floats))]
	}
	return r.NormFloat64() * math.Exp2(float64(r.IntN(40)-20))
}

func (r *source) append(b arrowarray.Builder) {
	if _, union := b.(arrowarray.UnionBuilder); r.nulls && !union && r.IntN(5) == 0 {
		b.AppendNull()
		return
	}
	switch b := b.(type) {
	case *arrowarray.NullBuilder:
		b.AppendNull()
	case *arrowarray.BooleanBuilder:
		b.Append(r.IntN(2) == 0)
	case *arrowarray.Int8Builder:
		b.Append(int8(r.Uint64()))
	case *arrowarray.Int16Builder:
		b.Append(int16(r.Uint64()))
	case *arrowarray.Int32Builder:
		b.Append(int32(r.Uint64()))
	case *arrowarray.Int64Builder:
		b.Append(int64(r.Uint64()) >> r.IntN(64))
	case *arrowarray.Uint8Builder:
		b.Append(uint8(r.Uint64()))
	case *arrowarray.Uint16Builder:
		b.Append(uint16(r.Uint64()))
	case *arrowarray.Uint32Builder:
		b.Append(uint32(r.Uint64()))
	case *arrowarray.Uint64Builder:
		b.Append(r.Uint64() >> r.IntN(64))
	case *arrowarray.Float16Builder:
		b.Append(float16.New(float32(r.NormFloat64())))
	case *arrowarray.Float32Builder:
		b.Append(float32(r.float()))
	case *arrowarray.Float64Builder:
		b.Append(r.float())
	case *arrowarray.Date32Builder:
		b.Append(arrow.Date32(r.IntN(80000) - 30000))
	case *arrowarray.Date64Builder:
		b.Append(arrow.Date64(int64(r.IntN(80000)-30000) * 86400000))
	case *arrowarray.Time32Builder:
		b.Append(arrow.Time32(r.IntN(86400)))
	case *arrowarray.Time64Builder:
		b.Append(arrow.Time64(r.IntN(86400000000)))
	case *arrowarray.TimestampBuilder:
		b.Append(arrow.Timestamp(r.Int64N(4e9) - 2e9))
	case *arrowarray.DurationBuilder:
		b.Append(arrow.Duration(r.Int64N(4e15) - 2e15))
	case *arrowarray.MonthIntervalBuilder:
		b.Append(arrow.MonthInterval(r.Int32N(1000)))
	case *arrowarray.DayTimeIntervalBuilder:
		b.Append(arrow.DayTimeInterval{Days: r.Int32N(100), Milliseconds: r.Int32N(1e6)})
	case *arrowarray.MonthDayNanoIntervalBuilder:
		b.Append(arrow.MonthDayNanoInterval{Months: r.Int32N(100), Days: r.Int32N(31), Nanoseconds: r.Int64N(1e12)})
	case *arrowarray.Decimal32Builder:
		b.Append(decimal.Decimal32(r.Int32N(2e6) - 1e6))
	case *arrowarray.Decimal64Builder:
		b.Append(decimal.Decimal64(r.Int64N(2e14) - 1e14))
	case *arrowarray.Decimal128Builder:
		b.Append(decimal128.FromI64(r.Int64() - r.Int64()))
	case *arrowarray.Decimal256Builder:
		b.Append(decimal256.FromI64(r.Int64() - r.Int64()))
	case *arrowarray.StringBuilder:
		b.Append(r.text())
	case *arrowarray.LargeStringBuilder:
		b.Append(r.text())
	case *arrowarray.StringViewBuilder:
		b.Append(r.text())
	case *arrowarray.BinaryBuilder:
		b.Append([]byte(r.text() + "\x00\xff"))
	case *arrowarray.BinaryViewBuilder:
		b.Append([]byte(r.text() + "\x00\xff"))
	case *arrowarray.FixedSizeBinaryBuilder:
		b.Append([]byte(fmt.Sprintf("%0*x", b.Type().(*arrow.FixedSizeBinaryType).ByteWidth, r.IntN(1<<16)))[:b.Type().(*arrow.FixedSizeBinaryType).ByteWidth])
	default:
		r.appendNested(b)
	}
}

func (r *source) appendNested(b arrowarray.Builder) {
	switch b := b.(type) {
	case *arrowarray.BinaryDictionaryBuilder:
		if err := b.AppendString(r.text()); err != nil {
			panic(err)
		}
	case *arrowarray.Int64DictionaryBuilder:
		if err := b.Append(int64(r.IntN(20))); err != nil {
			panic(err)
		}
	case *arrowarray.FixedSizeListBuilder:
		b.Append(true)
		for range b.Type().(*arrow.FixedSizeListType).Len() {
			r.append(b.ValueBuilder())
		}
	case *arrowarray.MapBuilder:
		b.Append(true)
		for i := range r.IntN(4) {
			b.KeyBuilder().(*arrowarray.StringBuilder).Append("key " + strconv.Itoa(i))
			r.append(b.ItemBuilder())
		}
	case arrowarray.VarLenListLikeBuilder:
		n := r.IntN(4)
		b.AppendWithSize(true, n)
		for range n {
			r.append(b.ValueBuilder())
		}
	case *arrowarray.StructBuilder:
		b.Append(true)
		for i := range b.NumField() {
			r.append(b.FieldBuilder(i))
		}
	case arrowarray.UnionBuilder:
		k := r.IntN(len(b.Type().(arrow.UnionType).TypeCodes()))
		code := b.Type().(arrow.UnionType).TypeCodes()[k]
		switch b := b.(type) {
		case *arrowarray.DenseUnionBuilder:
			b.Append(code)
			r.append(b.Child(k))
		case *arrowarray.SparseUnionBuilder:
			b.Append(code)
			for i := range b.NumChildren() {
				if i == k {
					r.append(b.Child(i))
				} else {
					b.Child(i).AppendEmptyValue()
				}
			}
		}
	case *arrowarray.RunEndEncodedBuilder:
		b.Append(1)
		r.append(b.ValueBuilder())
	default:
		panic(fmt.Sprintf("formattest: no values of %s", b.Type()))
	}
}
