package kern_test

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
	"github.com/darray-go/darray/internal/ref"
)

// knownBlocks are the known answers for philox4x32-10 that the authors publish with their library (Random123, kat_vectors).
var knownBlocks = []struct {
	counter [4]uint32
	key     [2]uint32
	words   [4]uint32
}{
	{words: [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
	{[4]uint32{1<<32 - 1, 1<<32 - 1, 1<<32 - 1, 1<<32 - 1}, [2]uint32{1<<32 - 1, 1<<32 - 1}, [4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
	{[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, [2]uint32{0xa4093822, 0x299f31d0}, [4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
}

func TestPhiloxKnownAnswers(t *testing.T) {
	for _, k := range knownBlocks {
		if got := kern.Philox4x32(k.counter, k.key[0], k.key[1]); got != k.words {
			t.Errorf("counter %#x, key %#x: %#x, want %#x", k.counter, k.key, got, k.words)
		}
		if got := ref.Philox(k.counter, k.key); got != k.words {
			t.Errorf("reference: counter %#x, key %#x: %#x, want %#x", k.counter, k.key, got, k.words)
		}
	}
}

// Element x of a stream is half of block x/2, in every instruction set: both halves, and counters that fill both of their words.
func TestPhiloxStream(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	const n = 64
	index := make([]uint64, n)
	for i := range index {
		index[i] = random.Uint64() >> random.IntN(64)
	}
	copy(index, []uint64{0, 1, 2, 1<<64 - 1, 1<<64 - 2, 1<<33 - 1, 1 << 33})
	for _, isa := range isas(t) {
		for _, seed := range []uint64{0, 1, 1<<64 - 1, 0x299f31d0a4093822} {
			dst, x, y := make([]byte, 8*n), make([]byte, 8*n), binary.LittleEndian.AppendUint64(nil, seed)
			copy(array.View[uint64](x), index)
			set := kern.New(isa)
			loop := set.Element(array.Philox, array.Uint64, kern.VS)
			loop(dst, x, y, nil, n)
			for i, got := range array.View[uint64](dst) {
				block := ref.Philox([4]uint32{uint32(index[i] >> 1), uint32(index[i] >> 33)}, [2]uint32{uint32(seed), uint32(seed >> 32)})
				half := block[2*(index[i]%2):]
				if want := uint64(half[1])<<32 | uint64(half[0]); got != want {
					t.Fatalf("%s: element %d of seed %#x: %#x, want %#x", isa, index[i], seed, got, want)
				}
			}
		}
	}
}

func BenchmarkPhilox(b *testing.B) {
	const n = 4096
	dst, x, y := make([]byte, 8*n), make([]byte, 8*n), make([]byte, 8)
	for i := range n {
		array.View[uint64](x)[i] = uint64(i)
	}
	for _, isa := range isas(b) {
		set := kern.New(isa)
		loop := set.Element(array.Philox, array.Uint64, kern.VS)
		b.Run(isa.String(), func(b *testing.B) {
			b.SetBytes(8 * n)
			b.ReportAllocs()
			for b.Loop() {
				loop(dst, x, y, nil, n)
			}
		})
	}
}
