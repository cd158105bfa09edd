package array

import (
	"math"
	"strconv"
	"strings"
)

// Printing follows numpy.array2string with its defaults: at most 1000 elements in full, else edgeItems at each end of
// every axis; lines of 75 characters; 8 digits after the point; exponents from 1e8, below 1e-4, or where the greatest value is
// more than 1000 times the least. Where NumPy has no word or another one, Go's hold: null, true, false.
const (
	printThreshold = 1000
	printWidth     = 75
	edgeItems      = 3
	printDigits    = 8
)

// String prints the block like NumPy, head ... tail.
func (b *Block) String() string {
	switch {
	case b == nil || b.dtype == Invalid:
		return "<no block>"
	case len(b.shape) == 0:
		return b.ItemString(0)
	case b.n == 0:
		return "[]"
	}
	p := printer{summary: b.n > printThreshold}
	p.cells = b.Format(p.indices(b.shape, 0, nil))
	return p.axis(b.shape, " ", printWidth)
}

// ItemString prints element i alone, with all its digits.
func (b *Block) ItemString(i int) string {
	s, ok := b.Scalar(i)
	if !ok {
		return "null"
	}
	return s.String()
}

// Format prints the given elements with one width and, if they are floats, with their points one below the other, as
// NumPy aligns a column.
func (b *Block) Format(indices []int) []string {
	cells := make([]string, len(indices))
	format := b.floatFormat(indices)
	width := 0
	for k, i := range indices {
		if s, ok := b.Scalar(i); ok && b.dtype.Float() {
			cells[k] = special(s.Float(), format)
		} else {
			cells[k] = b.ItemString(i)
		}
		width = max(width, len(cells[k]))
	}
	for k, c := range cells {
		cells[k] = strings.Repeat(" ", width-len(c)) + c
	}
	return cells
}

// floatFormat chooses the common format of the finite values among the indices; nil where there are none.
func (b *Block) floatFormat(indices []int) func(float64) string {
	if !b.dtype.Float() {
		return nil
	}
	var finite []float64
	high, low := 0.0, math.Inf(1)
	for _, i := range indices {
		s, ok := b.Scalar(i)
		f := s.Float()
		if !ok || math.IsInf(f, 0) || math.IsNaN(f) {
			continue
		}
		finite = append(finite, f)
		if f != 0 {
			high, low = max(high, math.Abs(f)), min(low, math.Abs(f))
		}
	}
	least, bits := 1e-4, 64
	if b.dtype == Float32 {
		least, bits = float64(float32(1e-4)), 32
	}
	if high >= 1e8 || high > 0 && (low < least || high/low > 1000) {
		return exponentFormat(finite, bits)
	}
	return pointFormat(finite, bits)
}

// exponentFormat writes every value with as many digits as the one that needs the most to read back, at most printDigits:
// "1.50e+00".
func exponentFormat(finite []float64, bits int) func(float64) string {
	digits, exponent := 0, 0
	for _, f := range finite {
		mantissa, e, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, bits), "e")
		if _, fraction, _ := strings.Cut(mantissa, "."); len(fraction) > printDigits {
			mantissa, e, _ = strings.Cut(strconv.FormatFloat(f, 'e', printDigits, 64), "e")
			mantissa = strings.TrimRight(mantissa, "0")
		}
		_, fraction, _ := strings.Cut(mantissa, ".")
		digits, exponent = max(digits, len(fraction)), max(exponent, len(e)-1)
	}
	return func(f float64) string {
		mantissa, e, _ := strings.Cut(strconv.FormatFloat(f, 'e', digits, 64), "e")
		if digits == 0 {
			mantissa += "."
		}
		return mantissa + "e" + e[:1] + strings.Repeat("0", exponent+1-len(e)) + e[1:]
	}
}

// pointFormat writes the fewest digits that read back, at most printDigits after the point, with blanks for the missing
// ones: "1.  ".
func pointFormat(finite []float64, bits int) func(float64) string {
	digits := 0
	for _, f := range finite {
		_, fraction, _ := strings.Cut(positional(f, bits), ".")
		digits = max(digits, len(fraction))
	}
	return func(f float64) string {
		text := positional(f, bits)
		_, fraction, _ := strings.Cut(text, ".")
		return text + strings.Repeat(" ", digits-len(fraction))
	}
}

// positional is f with the fewest digits that read back and at most printDigits after the point, which is always there.
func positional(f float64, bits int) string {
	text := strconv.FormatFloat(f, 'f', -1, bits)
	whole, fraction, _ := strings.Cut(text, ".")
	if len(fraction) > printDigits {
		whole, fraction, _ = strings.Cut(strconv.FormatFloat(f, 'f', printDigits, 64), ".")
		fraction = strings.TrimRight(fraction, "0")
	}
	return whole + "." + fraction
}

// formatFloat is a scalar's text: the fewest digits that read back, as Python's repr.
func formatFloat(f float64, bits int) string {
	return special(f, func(f float64) string {
		if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
			return strconv.FormatFloat(f, 'e', -1, bits)
		}
		text := strconv.FormatFloat(f, 'f', -1, bits)
		if !strings.Contains(text, ".") {
			text += ".0"
		}
		return text
	})
}

// special writes what is not a finite number by its name, everything else by format.
func special(f float64, format func(float64) string) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	return format(f)
}

// printer lays out the cells of an array's elements that are shown, in row-major order.
type printer struct {
	summary bool // only the edges of long axes are shown
	cells   []string
}

// shown lists what an axis of extent n shows: its indices in order, and -1 for what is left out.
func (p *printer) shown(n int) []int {
	var list []int
	for i := 0; i < n; i++ {
		if p.summary && n > 2*edgeItems && i == edgeItems {
			list = append(list, -1)
			i = n - edgeItems
		}
		list = append(list, i)
	}
	return list
}

// indices appends the flat indices of the elements that are shown, of the part of the array that starts at base.
func (p *printer) indices(shape Shape, base int, out []int) []int {
	if len(shape) == 0 {
		return append(out, base)
	}
	step := shape[1:].Len()
	for _, i := range p.shown(shape[0]) {
		if i >= 0 {
			out = p.indices(shape[1:], base+i*step, out)
		}
	}
	return out
}

// axis writes the first axis of shape in brackets, in lines of at most width characters that start with indent.
func (p *printer) axis(shape Shape, indent string, width int) string {
	if len(shape) == 1 {
		return "[" + strings.TrimPrefix(p.row(shape[0], indent, width-1), indent) + "]"
	}
	parts := make([]string, 0, shape[0])
	for _, i := range p.shown(shape[0]) {
		if i < 0 {
			parts = append(parts, "...")
		} else {
			parts = append(parts, p.axis(shape[1:], indent+" ", width-1))
		}
	}
	return "[" + strings.Join(parts, strings.Repeat("\n", len(shape)-1)+indent) + "]"
}

// row writes the elements of the last axis, broken into lines.
func (p *printer) row(n int, indent string, width int) string {
	var lines strings.Builder
	line := indent
	for _, i := range p.shown(n) {
		word := "..."
		if i >= 0 {
			word = p.cells[0]
			p.cells = p.cells[1:]
		}
		if len(line)+len(word) > width && len(line) > len(indent) {
			lines.WriteString(strings.TrimRight(line, " ") + "\n")
			line = indent
		}
		line += word + " "
	}
	return lines.String() + strings.TrimSuffix(line, " ")
}
