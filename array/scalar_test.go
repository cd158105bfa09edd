package array_test

import (
	"math"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/internal/ref"
)

// edges are values of every type at and around which casts change their mind.
func edges() []*array.Block {
	floats := []float64{
		0, math.Copysign(0, -1), 0.5, -0.5, 0.999, -0.999, 1, -1, 1.5, 2.5, 127, 127.9, 128, -128, -128.9, -129, 255, 255.9, 256,
		32767.5, 32768, -32768.5, -32769, 65535.5, 65536, math.MaxInt32, math.MaxInt32 + 0.5, 1 << 31, math.MinInt32 - 0.5, math.MinInt32 - 1,
		math.MaxUint32 + 0.5, 1 << 32, 1 << 53, 1<<53 + 2, 1 << 63, -1 << 63, math.Nextafter(1<<63, 0), math.Nextafter(-1<<63, -inf), 1 << 64,
		math.Nextafter(1<<64, 0), 1e300, -1e300, inf, -inf, math.NaN(), 5e-324, math.MaxFloat32, math.MaxFloat64,
		math.SmallestNonzeroFloat32, math.SmallestNonzeroFloat32 / 2, math.SmallestNonzeroFloat32 * 0.50001, 0x1.ffffffp+127, 0x1.fffffefp+127,
		1 + 0x1p-24, 1 + 0x1p-24 + 0x1p-50, 1 + 3*0x1p-24,
	}
	signed := []int64{
		0, 1, -1, 127, 128, -128, -129, 255, 256, 32767, 32768, -32768, -32769, 65535, 65536, math.MaxInt32, math.MinInt32, 1 << 31, math.MaxUint32,
		1 << 24, 1<<24 + 1, 1<<24 + 3, 1<<53 + 1, 1<<53 + 3, 1<<60 + 1<<36, 1<<60 + 1<<36 + 1, math.MaxInt64, math.MinInt64, math.MaxInt64 - 512, math.MaxInt64 - 511,
	}
	unsigned := []uint64{math.MaxUint64, math.MaxUint64 - 1024, math.MaxUint64 - 1023, 1 << 63, 1<<63 + 1<<39, 1<<63 + 1<<39 + 1, 1<<63 + 1<<10, 1<<63 + 1<<10 + 1}
	for _, v := range signed {
		unsigned = append(unsigned, uint64(v))
	}
	return []*array.Block{
		block([]bool{false, true}), block(floats), block(ramp(len(floats), func(i int) float32 { return float32(floats[i]) })),
		block(signed), block(ramp(len(signed), func(i int) int32 { return int32(signed[i]) })),
		block(ramp(256, func(i int) int8 { return int8(i) })), block(ramp(256, func(i int) uint8 { return uint8(i) })),
		block(ramp(len(signed), func(i int) int16 { return int16(signed[i]) })), block(ramp(len(signed), func(i int) uint16 { return uint16(signed[i]) })),
		block(ramp(len(signed), func(i int) uint32 { return uint32(signed[i]) })), block(unsigned),
	}
}

var inf = math.Inf(1)

// TestScalarCast holds Cast between all types against the reference, which works with math/big.
func TestScalarCast(t *testing.T) {
	for _, b := range edges() {
		for _, d := range array.DTypes() {
			want, err := ref.Eval(castNode(b, d))
			if err != nil {
				t.Fatal(err)
			}
			for i := range b.Len() {
				s, _ := b.Scalar(i)
				w, _ := want.Scalar(i)
				got := s.Cast(d)
				if got.DType() != d || got.Bits() != w.Bits() && !(math.IsNaN(got.Float()) && math.IsNaN(w.Float())) {
					t.Errorf("%s(%s) as %s is %s (%#x), want %s (%#x)", b.DType(), s, d, got, got.Bits(), w, w.Bits())
				}
			}
		}
	}
}

// castNode is b cast to d; b itself where it has that type.
func castNode(b *array.Block, d array.DType) *array.Node { return array.CastTo(array.Data(b, 0), d, 0) }

// TestScalarRoundTrip: a value survives Value, ScalarFrom, Bits and ScalarFromBits.
func TestScalarRoundTrip(t *testing.T) {
	for _, b := range edges() {
		for i := range b.Len() {
			s, ok := b.Scalar(i)
			if !ok || s.DType() != b.DType() {
				t.Fatalf("element %d of %s is a %s (%v)", i, b.DType(), s.DType(), ok)
			}
			again, ok := array.ScalarFrom(s.Value())
			if !ok || again.DType() != s.DType() || again.Bits() != s.Bits() && s.Float() == s.Float() {
				t.Errorf("%s(%s) comes back from Value as %s(%s)", s.DType(), s, again.DType(), again)
			}
			if array.ScalarFromBits(s.DType(), s.Bits()) != s {
				t.Errorf("%s(%s) does not come back from Bits", s.DType(), s)
			}
		}
	}
	if _, ok := array.ScalarFrom("1"); ok {
		t.Error("a string is a scalar")
	}
}

func TestScalarString(t *testing.T) {
	cases := []struct {
		s    array.Scalar
		want string
	}{
		{array.ScalarOf(true), "true"},
		{array.ScalarOf(int8(-128)), "-128"},
		{array.ScalarOf(uint64(math.MaxUint64)), "18446744073709551615"},
		{array.ScalarOf(float32(0.1)), "0.1"},
		{array.ScalarOf(float64(float32(0.1))), "0.10000000149011612"},
		{array.ScalarOf(2.0), "2.0"},
		{array.ScalarOf(1e22), "1e+22"},
		{array.ScalarOf(inf), "inf"},
		{array.Scalar{}, "scalar(invalid)"},
	}
	for _, c := range cases {
		if got := c.s.String(); got != c.want {
			t.Errorf("printed %s, want %s", got, c.want)
		}
	}
}

func TestDTypes(t *testing.T) {
	for _, d := range array.DTypes() {
		if parsed, err := array.ParseDType(d.String()); err != nil || parsed != d {
			t.Errorf("ParseDType(%q) = %v, %v", d, parsed, err)
		}
		if back, err := array.FromArrowType(d.Arrow()); err != nil || back != d {
			t.Errorf("%s becomes %s by way of Arrow: %v", d, back, err)
		}
		if kinds := btoi(d == array.Bool) + btoi(d.Signed()) + btoi(d.Unsigned()) + btoi(d.Float()); kinds != 1 || d.Integer() != (d.Signed() || d.Unsigned()) {
			t.Errorf("%s is of %d kinds", d, kinds)
		}
	}
	for _, name := range []string{"", "invalid", "float", "complex128"} {
		if _, err := array.ParseDType(name); err == nil {
			t.Errorf("ParseDType(%q) is no error", name)
		}
	}
	if got := array.DTypeOf[int](); got != array.Int64 {
		t.Errorf("int is %s", got)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
