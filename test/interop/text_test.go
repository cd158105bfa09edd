package interop_test

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
)

// texts are the values of an array as values.mjs writes them: nil, strings, lists of them, and maps of names to them.
func texts(a arrow.Array) []any {
	out := make([]any, a.Len())
	for i := range out {
		out[i] = text(a, i)
	}
	return out
}

// text is element i of an array.
func text(a arrow.Array, i int) any {
	if a.IsNull(i) {
		return nil
	}
	switch a := a.(type) {
	case *arrowarray.Boolean:
		return strconv.FormatBool(a.Value(i))
	case *arrowarray.Float32:
		return float(float64(a.Value(i)))
	case *arrowarray.Float64:
		return float(a.Value(i))
	case *arrowarray.Date32:
		return nanoseconds(int64(a.Value(i)), 24*time.Hour)
	case *arrowarray.Date64:
		return nanoseconds(int64(a.Value(i)), time.Millisecond)
	case *arrowarray.Time32:
		return nanoseconds(int64(a.Value(i)), a.DataType().(*arrow.Time32Type).Unit.Multiplier())
	case *arrowarray.Time64:
		return nanoseconds(int64(a.Value(i)), a.DataType().(*arrow.Time64Type).Unit.Multiplier())
	case *arrowarray.Timestamp:
		return nanoseconds(int64(a.Value(i)), a.DataType().(*arrow.TimestampType).Unit.Multiplier())
	case *arrowarray.Duration:
		return nanoseconds(int64(a.Value(i)), a.DataType().(*arrow.DurationType).Unit.Multiplier())
	case *arrowarray.Decimal32:
		return decimal(big.NewInt(int64(a.Value(i))), a.DataType())
	case *arrowarray.Decimal64:
		return decimal(big.NewInt(int64(a.Value(i))), a.DataType())
	case *arrowarray.Decimal128:
		return decimal(a.Value(i).BigInt(), a.DataType())
	case *arrowarray.String:
		return a.Value(i)
	case *arrowarray.LargeString:
		return a.Value(i)
	case *arrowarray.StringView:
		return a.Value(i)
	case *arrowarray.Binary:
		return hex.EncodeToString(a.Value(i))
	case *arrowarray.LargeBinary:
		return hex.EncodeToString(a.Value(i))
	case *arrowarray.BinaryView:
		return hex.EncodeToString(a.Value(i))
	case *arrowarray.FixedSizeBinary:
		return hex.EncodeToString(a.Value(i))
	case *arrowarray.Dictionary:
		return text(a.Dictionary(), a.GetValueIndex(i))
	case *arrowarray.Struct:
		return object(a, i)
	case arrowarray.ListLike: // maps too, whose elements are structs
		lo, hi := a.ValueOffsets(i)
		out := []any{}
		for k := lo; k < hi; k++ {
			out = append(out, text(a.ListValues(), int(k)))
		}
		return out
	case arrowarray.ExtensionArray:
		return text(a.Storage(), i)
	}
	return a.ValueStr(i) // integers
}

func object(a *arrowarray.Struct, i int) map[string]any {
	out := make(map[string]any)
	for k, f := range a.DataType().(*arrow.StructType).Fields() {
		out[f.Name] = text(a.Field(k), i)
	}
	return out
}

// float is a float as ECMAScript prints it, as encoding/json does too.
func float(v float64) string {
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 1):
		return "Infinity"
	case math.IsInf(v, -1):
		return "-Infinity"
	}
	b, _ := json.Marshal(v) // finite ones have a text
	return string(b)
}

func nanoseconds(ticks int64, unit time.Duration) string {
	n := big.NewInt(ticks)
	return n.Mul(n, big.NewInt(int64(unit))).String()
}

// decimal is an integer with a point before its last digits.
func decimal(v *big.Int, t arrow.DataType) string {
	scale := int(t.(arrow.DecimalType).GetScale())
	digits := new(big.Int).Abs(v).String()
	if n := scale + 1 - len(digits); n > 0 {
		digits = strings.Repeat("0", n) + digits
	}
	if scale > 0 {
		digits = digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
	}
	if v.Sign() < 0 {
		return "-" + digits
	}
	return digits
}
