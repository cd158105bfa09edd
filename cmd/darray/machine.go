package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/darray-go/darray"
)

// printJSON writes one object a result and line: {"name", "dtype", "shape", "value"}, the value nested by shape, row-major.
// A null is null; JSON has no NaN and no infinity, so they are the strings "NaN", "Infinity" and "-Infinity".
func printJSON(w io.Writer, values []named) error {
	out := bufio.NewWriterSize(w, 1<<16)
	for _, v := range values {
		name, err := quoted(v.name)
		if err != nil {
			return err
		}
		shape, err := json.Marshal(append([]int{}, v.block.Shape()...))
		if err != nil {
			return err
		}
		for _, part := range []string{`{"name":`, name, `,"dtype":"`, v.block.DType().String(), `","shape":`, string(shape), `,"value":`} {
			_, _ = out.WriteString(part) // a bufio.Writer keeps its error for Flush
		}
		next := 0
		if err := writeNested(out, v.block, v.block.Shape(), &next); err != nil {
			return err
		}
		_, _ = out.WriteString("}\n")
	}
	return out.Flush()
}

// quoted is a JSON string in which < and > are themselves.
func quoted(s string) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(s)
	return strings.TrimSuffix(b.String(), "\n"), err
}

// writeNested writes the elements from next on as arrays of arrays.
func writeNested(out *bufio.Writer, b *darray.Block, shape darray.Shape, next *int) error {
	if len(shape) == 0 {
		_, err := out.Write(appendItem(out.AvailableBuffer(), b, *next, jsonWords))
		*next++
		return err
	}
	_ = out.WriteByte('[')
	for i := range shape[0] {
		if i > 0 {
			_ = out.WriteByte(',')
		}
		if err := writeNested(out, b, shape[1:], next); err != nil {
			return err
		}
	}
	return out.WriteByte(']')
}

// printCSV writes a line of names, then a line a row; scalars are one row. A null is an empty field. The results are of one
// length, as evalFlags.arrays has checked.
func printCSV(w io.Writer, values []named) error {
	header := csv.NewWriter(w)
	names := make([]string, len(values))
	for i, v := range values {
		names[i] = v.name
	}
	if err := header.Write(names); err != nil {
		return err
	}
	if header.Flush(); header.Error() != nil {
		return header.Error()
	}
	out := bufio.NewWriterSize(w, 1<<16)
	for row := range values[0].block.Len() {
		line := out.AvailableBuffer()
		for i, v := range values {
			if i > 0 {
				line = append(line, ',')
			}
			line = appendItem(line, v.block, row, csvWords)
		}
		if _, err := out.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return out.Flush()
}

// words are what a format writes for values that are no numbers.
type words struct{ null, nan, inf, negInf string }

var (
	jsonWords = words{"null", `"NaN"`, `"Infinity"`, `"-Infinity"`}
	csvWords  = words{"", "nan", "inf", "-inf"}
)

// appendItem appends element i with the fewest digits that read back to it.
func appendItem(to []byte, b *darray.Block, i int, w words) []byte {
	s, ok := b.Scalar(i)
	d := s.DType()
	switch {
	case !ok:
		return append(to, w.null...)
	case d == darray.Bool:
		return strconv.AppendBool(to, s.Bits() != 0)
	case d.Unsigned():
		return strconv.AppendUint(to, s.Bits(), 10)
	case d.Signed():
		return strconv.AppendInt(to, int64(s.Bits()), 10)
	}
	switch f := s.Float(); {
	case math.IsNaN(f):
		return append(to, w.nan...)
	case math.IsInf(f, 1):
		return append(to, w.inf...)
	case math.IsInf(f, -1):
		return append(to, w.negInf...)
	default:
		return strconv.AppendFloat(to, f, 'g', -1, 8*d.Size())
	}
}
