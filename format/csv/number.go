package csv

import (
	"bytes"
	"errors"
	"math"
	"math/bits"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// decimal is the text of a number: mantissa · 10^exp, if there are at most 19 digits.
type decimal struct {
	mantissa uint64
	exp      int
	digits   int
	negative bool
}

// digitsSafe is how many decimal digits fit a uint64, whatever they are.
const digitsSafe = 19

// scanDecimal reads [+-]digits[.digits][e[+-]digits] at i, and where it ends. Without a digit it is not ok.
func scanDecimal(b []byte, i int) (d decimal, next int, ok bool) {
	if i < len(b) && (b[i] == '-' || b[i] == '+') {
		d.negative = b[i] == '-'
		i++
	}
	m := uint64(0)
	from := i
	for ; i < len(b); i++ {
		c := b[i] - '0'
		if c > 9 {
			break
		}
		m = m*10 + uint64(c)
	}
	d.digits = i - from
	if i < len(b) && b[i] == '.' {
		i++
		from = i
		for ; i < len(b); i++ {
			c := b[i] - '0'
			if c > 9 {
				break
			}
			m = m*10 + uint64(c)
		}
		d.exp = from - i
		d.digits -= d.exp
	}
	d.mantissa = m
	if d.digits == 0 {
		return d, i, false
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		return scanExponent(d, b, i+1)
	}
	return d, i, true
}

// scanExponent goes on behind the e of a number.
func scanExponent(d decimal, b []byte, i int) (decimal, int, bool) {
	negative := false
	if i < len(b) && (b[i] == '-' || b[i] == '+') {
		negative = b[i] == '-'
		i++
	}
	e, from := 0, i
	for ; i < len(b) && b[i]-'0' <= 9; i++ {
		e = min(e*10+int(b[i]-'0'), 1<<20) // far beyond all types
	}
	if negative {
		e = -e
	}
	d.exp += e
	return d, i, i > from
}

// Powers of ten that are exact in each type. A product or quotient of two exact numbers is rounded once, so it is correctly rounded.
var (
	tens   = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}
	tens32 = [...]float32{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10}
)

// numberMax is how long the text of a number may be.
const numberMax = 1 << 10

// Errors of texts that do not fit their columns.
var (
	errNotNumber = errors.New("is not a number")
	errRange     = errors.New("is out of range")
)

// scanFloat is the number at i, correctly rounded, and where it ends.
func scanFloat(b []byte, i int) (v float64, next int, err error) {
	d, next, ok := scanDecimal(b, i)
	if !ok {
		return 0, next, errNotNumber
	}
	if d.digits <= digitsSafe && d.mantissa <= 1<<53 && uint(d.exp+22) <= 44 {
		v = float64(d.mantissa)
		if d.exp < 0 {
			v /= tens[-d.exp]
		} else {
			v *= tens[d.exp]
		}
		if d.negative {
			v = -v
		}
		return v, next, nil
	}
	v, err = slowFloat(b[i:next], 64)
	return v, next, err
}

// parseFloat32 is a whole text as a float32, correctly rounded from the text.
func parseFloat32(b []byte) (float32, error) {
	d, next, ok := scanDecimal(b, 0)
	if !ok || next < len(b) {
		v, err := floatWord(b)
		return float32(v), err
	}
	if d.digits <= digitsSafe && d.mantissa <= 1<<24 && uint(d.exp+10) <= 20 {
		v := float32(d.mantissa)
		if d.exp < 0 {
			v /= tens32[-d.exp]
		} else {
			v *= tens32[d.exp]
		}
		if d.negative {
			v = -v
		}
		return v, nil
	}
	v, err := slowFloat(b, 32)
	return float32(v), err
}

// parseFloat is a whole text as a float64.
func parseFloat(b []byte) (float64, error) {
	v, next, err := scanFloat(b, 0)
	if next < len(b) || errors.Is(err, errNotNumber) {
		return floatWord(b)
	}
	return v, err
}

// slowFloat converts any decimal text.
func slowFloat(b []byte, size int) (float64, error) {
	if len(b) > numberMax {
		return 0, errNotNumber
	}
	v, err := strconv.ParseFloat(string(b), size)
	if err != nil {
		return 0, errRange
	}
	return v, nil
}

// floatWord is NaN or an infinity.
func floatWord(b []byte) (float64, error) {
	sign, word := 1, b
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		word = b[1:]
		if b[0] == '-' {
			sign = -1
		}
	}
	switch {
	case bytes.EqualFold(word, []byte("inf")), bytes.EqualFold(word, []byte("infinity")):
		return math.Inf(sign), nil
	case bytes.EqualFold(b, []byte("nan")):
		return math.NaN(), nil
	}
	return 0, errNotNumber
}

// scanInt is the integer at i, and where it ends.
func scanInt(b []byte, i int) (v int64, next int, err error) {
	negative := false
	if i < len(b) && (b[i] == '-' || b[i] == '+') {
		negative = b[i] == '-'
		i++
	}
	m, next, err := scanUint(b, i)
	switch {
	case err != nil:
		return 0, next, err
	case negative && m <= 1<<63:
		return -int64(m), next, nil
	case !negative && m < 1<<63:
		return int64(m), next, nil
	}
	return 0, next, errRange
}

// scanUint is the integer without a sign at i, and where it ends.
func scanUint(b []byte, i int) (m uint64, next int, err error) {
	from := i
	for ; i < len(b); i++ {
		c := b[i] - '0'
		if c > 9 {
			break
		}
		m = m*10 + uint64(c)
	}
	switch digits := i - from; {
	case digits == 0:
		return 0, i, errNotNumber
	case digits > digitsSafe:
		m, err = longUint(b[from:i])
	}
	return m, i, err
}

// longUint is digits of any number, many of which may be leading zeros.
func longUint(digits []byte) (m uint64, err error) {
	for _, c := range digits {
		hi, lo := bits.Mul64(m, 10)
		sum, carry := bits.Add64(lo, uint64(c-'0'), 0)
		if hi+carry > 0 {
			return 0, errRange
		}
		m = sum
	}
	return m, nil
}

// parseDecimal is a whole text as a decimal of a scale and a number of digits, exactly.
func parseDecimal(b []byte, digits, scale int32) (decimal128.Num, error) {
	d, next, ok := scanDecimal(b, 0)
	if !ok || next < len(b) {
		return decimal128.Num{}, errNotNumber
	}
	var hi, lo uint64
	push := func(c byte) bool {
		over, h := bits.Mul64(hi, 10)
		mid, l := bits.Mul64(lo, 10)
		l, carry := bits.Add64(l, uint64(c), 0)
		h, carry2 := bits.Add64(h, mid, carry)
		hi, lo = h, l
		return over == 0 && carry2 == 0 && hi < 1<<63
	}
	left := int(scale) + d.exp // digits to add, or to take away, which must be zeros then
	for n := d.digits; len(b) > 0 && n > 0; b = b[1:] {
		c := b[0] - '0'
		if c > 9 {
			continue // the sign, the point
		}
		if n--; n < -left {
			if c != 0 {
				return decimal128.Num{}, errFine
			}
		} else if !push(c) {
			return decimal128.Num{}, errRange
		}
	}
	for ; left > 0 && hi|lo != 0; left-- {
		if !push(0) {
			return decimal128.Num{}, errRange
		}
	}
	v := decimal128.New(int64(hi), lo)
	if !v.FitsInPrecision(digits) {
		return v, errRange
	}
	if d.negative {
		v = v.Negate()
	}
	return v, nil
}

// errFine is a value that the type would round.
var errFine = errors.New("has more digits than the type holds")
