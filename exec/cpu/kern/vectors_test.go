package kern_test

import (
	"encoding/binary"
	"math"
	"math/rand/v2"

	"github.com/darray-go/darray/array"
)

// vector is operands or results of a loop: memory with a margin before and after it.
type vector struct {
	dtype array.DType
	whole []byte // with the margins
	at    int    // bytes before the first element
	n     int
}

// margin is what stands before and after the elements of a vector, bytes.
const margin = 128

// newVector has n elements, the first one skew bytes past an aligned address.
func newVector(d array.DType, n, skew int) vector {
	v := vector{dtype: d, whole: array.AllocBytes(2*margin + storage(d, n) + 64), at: margin + skew, n: n}
	copy(v.whole, poison)
	return v
}

// renewed is newVector in v's memory, which was made for as many elements at least.
func (v vector) renewed(n, skew int) vector {
	v.whole, v.at, v.n = v.whole[:2*margin+storage(v.dtype, n)+64], margin+skew, n
	copy(v.whole, poison)
	return v
}

// from is the elements from i on; not of bools.
func (v vector) from(i int) vector {
	v.at, v.n = v.at+i*v.dtype.Size(), v.n-i
	return v
}

// poison is what stands in memory that nobody wrote to.
var poison = func() []byte {
	all := make([]byte, 8*longest+4*margin)
	for i := range all {
		all[i] = byte(i*7) ^ 0xa5
	}
	return all
}()

// storage is the bytes of n elements: whole words for bitmaps.
func storage(d array.DType, n int) int {
	if d == array.Bool {
		return (n + 63) / 64 * 8
	}
	return n * d.Size()
}

// bytes are the first n elements and no byte more.
func (v vector) bytes(n int) []byte {
	end := v.at + storage(v.dtype, n)
	return v.whole[v.at:end:end]
}

// randomVector has corners of the type, small values and anything else.
func randomVector(rng *rand.Rand, d array.DType, n, skew int) vector {
	v := newVector(d, n, skew)
	for i := range n {
		v.set(i, randomScalar(rng, d))
	}
	return v
}

// repeated has the same value everywhere, as a scalar operand has: one element, for bools a word.
func repeated(s array.Scalar) vector {
	n := 1
	if s.DType() == array.Bool {
		n = 64
	}
	v := newVector(s.DType(), n, 0)
	for i := range n {
		v.set(i, s)
	}
	return v
}

// word is a scalar's bits as they lie in memory, in the low bytes.
func word(s array.Scalar) uint64 {
	if s.DType() == array.Float32 {
		return uint64(math.Float32bits(float32(s.Float())))
	}
	return s.Bits()
}

func (v vector) set(i int, s array.Scalar) {
	if v.dtype == array.Bool {
		b := &v.whole[v.at+i/8]
		*b = *b&^(1<<(i%8)) | byte(s.Bits())<<(i%8)
		return
	}
	var w [8]byte
	binary.LittleEndian.PutUint64(w[:], word(s))
	copy(v.whole[v.at+i*v.dtype.Size():], w[:v.dtype.Size()])
}

func (v vector) get(i int) array.Scalar {
	if v.dtype == array.Bool {
		return array.ScalarFromBits(array.Bool, uint64(v.whole[v.at+i/8]>>(i%8)&1))
	}
	var w [8]byte
	size := v.dtype.Size()
	copy(w[:], v.whole[v.at+i*size:][:size])
	bits := binary.LittleEndian.Uint64(w[:])
	if v.dtype == array.Float32 {
		return array.ScalarOf(math.Float32frombits(uint32(bits)))
	}
	return array.ScalarFromBits(v.dtype, extended(bits, v.dtype))
}

// extended extends the low bits by the type's sign.
func extended(bits uint64, d array.DType) uint64 {
	if shift := 64 - 8*d.Size(); d.Signed() {
		return uint64(int64(bits<<shift) >> shift)
	}
	return bits
}

var specialFloats = []float64{
	0, math.Copysign(0, -1), 1, -1, math.NaN(), math.Inf(1), math.Inf(-1), 127.5, -128.5, 1 << 31, -1 << 31, -1 << 63, 1 << 63, 1 << 64,
	math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32, math.MaxFloat64, 5e-324, -5e-324,
	0x1p-1022, 0x1p-126, 0x1.fffffep-127, 1 << 24, 1<<24 + 1, 1 << 53, 0.1,
}

// corner is a value that loops may treat unlike others, another one for each trial, or any.
func corner(rng *rand.Rand, d array.DType, trial int) array.Scalar {
	if d.Float() {
		all := []float64{0, math.NaN(), math.Copysign(0, -1), math.Inf(1)}
		if trial < len(all) {
			return array.ScalarOf(all[trial]).Cast(d)
		}
	} else if all := []uint64{1 << (8*d.Size() - 1), 0, math.MaxUint64}; trial < len(all) {
		return array.ScalarFromBits(array.Uint64, all[trial]).Cast(d)
	}
	return randomScalar(rng, d)
}

func randomScalar(rng *rand.Rand, d array.DType) array.Scalar {
	switch {
	case d == array.Bool:
		return array.ScalarOf(rng.IntN(2) == 1)
	case !d.Float():
		bits := rng.Uint64()
		switch rng.IntN(3) {
		case 0: // the corners
			bits = uint64(1)<<rng.IntN(64) - uint64(rng.IntN(2))
		case 1:
			bits = uint64(rng.IntN(9) - 4)
		}
		return array.ScalarFromBits(array.Uint64, bits).Cast(d)
	}
	switch rng.IntN(4) {
	case 0:
		return array.ScalarOf(specialFloats[rng.IntN(len(specialFloats))]).Cast(d)
	case 1:
		return array.ScalarOf(math.Ldexp(rng.NormFloat64(), rng.IntN(300)-150)).Cast(d)
	case 2:
		return array.ScalarOf(math.Float64frombits(rng.Uint64())).Cast(d)
	}
	return array.ScalarOf(float64(rng.IntN(2001)-1000) / 8).Cast(d)
}
