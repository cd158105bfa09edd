package sim_test

import (
	"bytes"
	"math"
	"math/bits"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/darray-go/darray/cuda/ptx/sim"
)

var compilers = []string{"clang-16", "clang-19"}

func golden(t testing.TB, source, compiler string) string {
	t.Helper()
	name := filepath.Join("testdata", source+"."+map[string]string{"clang-16": "clang16", "clang-19": "clang19"}[compiler]+".ptx")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestClangRegenerates compiles testdata again and compares; where they differ it prints the command that writes the file anew.
func TestClangRegenerates(t *testing.T) {
	for _, compiler := range compilers {
		t.Run(compiler, func(t *testing.T) {
			path, err := exec.LookPath(compiler)
			if err != nil {
				t.Skipf("%s is not installed (apt-get install %s): the committed .ptx is used as it is", compiler, compiler)
			}
			for _, source := range []string{"elements", "blocks"} {
				args := []string{
					"-x", "cuda", "--cuda-device-only", "--cuda-gpu-arch=sm_70", "--cuda-feature=+ptx70", "-nocudainc", "-nocudalib",
					"-fms-extensions", "-O2", "-ffp-contract=off", "-include", "shim.h", "-S", source + ".cu", "-o", "-",
				}
				cmd := exec.CommandContext(t.Context(), path, args...)
				cmd.Dir = "testdata"
				var errs bytes.Buffer
				cmd.Stderr = &errs
				out, err := cmd.Output()
				if err != nil {
					t.Fatalf("%v: %s", err, &errs)
				}
				if string(out) != golden(t, source, compiler) {
					t.Errorf("%s writes otherwise than the committed file: cd testdata && %v", compiler, cmd.Args)
				}
			}
		})
	}
}

// each runs a test on the modules of both compilers.
func each(t *testing.T, source string, f func(t *testing.T, d *device)) {
	for _, compiler := range compilers {
		t.Run(compiler, func(t *testing.T) { f(t, load(t, golden(t, source, compiler))) })
	}
}

func equal(t *testing.T, what string, got, want []uint64) {
	t.Helper()
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("%s: element %d is %#x, want %#x", what, i, got[i], want[i])
		}
	}
}

// random returns n numbers of the given bits.
func random(n int, seed uint64, mask uint64) []uint64 {
	rng := rand.New(rand.NewPCG(seed, 2))
	out := make([]uint64, n)
	for i := range out {
		out[i] = rng.Uint64() & mask
	}
	return out
}

func floats(n int, f func(i int) float64) []uint64 {
	out := make([]uint64, n)
	for i := range out {
		out[i] = math.Float64bits(f(i))
	}
	return out
}

func mapped(n int, f func(i int) uint64) []uint64 {
	out := make([]uint64, n)
	for i := range out {
		out[i] = f(i)
	}
	return out
}

func TestSaxpy(t *testing.T) {
	each(t, "elements", func(t *testing.T, d *device) {
		const n = 1000
		f := func(v float32) uint64 { return uint64(math.Float32bits(v)) }
		x := d.words(4, mapped(n, func(i int) uint64 { return f(float32(i) * 0.1) })...)
		y := d.words(4, mapped(n, func(i int) uint64 { return f(float32(i) - 3.3) })...)
		d.run("saxpy", 3, 96, n, f(2.7), x, y)
		equal(t, "y", d.read(y, 4, n), mapped(n, func(i int) uint64 {
			return f(float32(float32(2.7)*(float32(i)*0.1)) + (float32(i) - 3.3))
		}))
	})
}

func TestPolynomial(t *testing.T) {
	each(t, "elements", func(t *testing.T, d *device) {
		const n = 500
		x := floats(n, func(i int) float64 { return float64(i)*0.013 - 3 })
		y := d.words(8, make([]uint64, n)...)
		d.run("poly", 4, 128, n, d.words(8, x...), y)
		equal(t, "y", d.read(y, 8, n), floats(n, func(i int) float64 {
			v, p := math.Float64frombits(x[i]), 0.5
			for k := range 12 {
				p = math.FMA(p, v, 1/float64(k+1))
			}
			return math.Sqrt(float64(p*p)+1) / (float64(v*v) + 3)
		}))
	})
}

func TestDivisions(t *testing.T) {
	each(t, "elements", func(t *testing.T, d *device) {
		const n = 2000
		x, y := random(n, 3, math.MaxUint32), random(n, 4, math.MaxUint64)
		out := d.words(8, make([]uint64, n)...)
		d.run("divisions", 16, 128, n, d.words(4, x...), d.words(8, y...), out)
		equal(t, "out", d.read(out, 8, n), mapped(n, func(i int) uint64 {
			a, b, u := int32(x[i]), int64(y[i]), y[i]
			return uint64(int64(a/7+a%10) + b/1000003 + b%int64(a|1) + int64(u/10) + int64(u%uint64(uint32(a|1))) + int64(uint32(a)/3))
		}))
	})
}

func TestNarrowIntegers(t *testing.T) {
	each(t, "elements", func(t *testing.T, d *device) {
		const n = 700
		a, b := random(n, 5, 0xff), random(n, 6, 0xffff)
		c, e, f := d.words(1, make([]uint64, n)...), d.words(2, make([]uint64, n)...), d.words(1, make([]uint64, n)...)
		d.run("narrow", 6, 128, n, d.words(1, a...), d.words(2, b...), c, e, f)
		equal(t, "c", d.read(c, 1, n), mapped(n, func(i int) uint64 { return uint64(uint8(int32(int8(a[i]))*3 - int32(b[i]))) }))
		equal(t, "d", d.read(e, 2, n), mapped(n, func(i int) uint64 { return uint64(uint16(int32(b[i])/int32(1+i&7) + int32(int8(a[i])))) }))
		equal(t, "e", d.read(f, 1, n), mapped(n, func(i int) uint64 { return uint64(uint8(int32(int8(a[i]))>>1 ^ int32(b[i])>>3)) }))
	})
}

func TestConversions(t *testing.T) {
	each(t, "elements", func(t *testing.T, d *device) {
		const n = 600
		x := floats(n, func(i int) float64 { return float64(i)*0.37 + 0.001 })
		i32, u8 := d.words(4, make([]uint64, n)...), d.words(1, make([]uint64, n)...)
		f32, i64 := d.words(4, make([]uint64, n)...), d.words(8, make([]uint64, n)...)
		d.run("convert", 5, 128, n, d.words(8, x...), i32, u8, f32, i64)
		v := func(i int) float64 { return math.Float64frombits(x[i]) }
		equal(t, "int", d.read(i32, 4, n), mapped(n, func(i int) uint64 { return uint64(uint32(int32(v(i)))) }))
		equal(t, "unsigned char", d.read(u8, 1, n), mapped(n, func(i int) uint64 { return uint64(uint8(uint32(v(i)))) }))
		equal(t, "float", d.read(f32, 4, n), mapped(n, func(i int) uint64 { return uint64(math.Float32bits(float32(v(i)))) }))
		equal(t, "long long", d.read(i64, 8, n), mapped(n, func(i int) uint64 { return uint64(int64(math.Floor(v(i))) + int64(v(i))) }))
	})
}

func choose(k, v int32) int32 {
	return []int32{v + 1, v * v, v - 7, ^v, v << 3, v / 3, -v, 0, 0}[k]
}

func TestCalls(t *testing.T) {
	each(t, "elements", func(t *testing.T, d *device) {
		const n = 999
		x := random(n, 7, math.MaxUint32)
		p := d.words(4, x...)
		d.run("calls", 8, 128, n, p)
		equal(t, "x", d.read(p, 4, n), mapped(n, func(i int) uint64 {
			return uint64(uint32(choose(int32(i%9), int32(x[i])) + choose(int32((i+1)%9), int32(i))))
		}))
	})
}

func TestBranches(t *testing.T) {
	each(t, "elements", func(t *testing.T, d *device) {
		const n = 999
		x, k := random(n, 8, 0xffff), random(n, 9, 15)
		p := d.words(4, x...)
		d.run("branches", 8, 128, n, d.words(4, k...), p)
		equal(t, "x", d.read(p, 4, n), mapped(n, func(i int) uint64 {
			v := int32(x[i])
			switch k[i] {
			case 0:
				v = v*3 + 1
				for j := int32(0); j < v%5; j++ {
					v += j
				}
			case 1:
				v ^= 0x55
			case 2:
				v = v/11 + 1
			case 3:
				v = -v
			case 4:
				for v > 100 {
					v /= 2
				}
			case 5:
				v = int32(bits.OnesCount32(uint32(v)))
			case 6:
				v = int32(bits.LeadingZeros32(uint32(v | 1)))
			case 7:
				v %= 13
			}
			return uint64(uint32(v))
		}))
	})
}

func TestStructs(t *testing.T) {
	each(t, "elements", func(t *testing.T, d *device) {
		out := d.words(8, make([]uint64, 64)...)
		k, err := d.m.Kernel("structs")
		if err != nil {
			t.Fatal(err)
		}
		if p := k.Params(); p[0].Size != 32 || p[0].Align != 8 || p[1].Offset != 32 {
			t.Errorf("parameters are laid out as %v", p)
		}
		params := make([]byte, 40)
		put := func(at int, v uint64, n int) {
			for i := range n {
				params[at+i] = byte(v >> (8 * i))
			}
		}
		put(0, math.Float64bits(1.5), 8)
		b := []int{3, 1, 4, 1, 5}
		for i, v := range b {
			put(8+4*i, uint64(v), 4)
		}
		put(32, out, 8)
		if _, err := d.in.Launch(t.Context(), k, sim.Launch{Block: [3]uint32{64}, Params: params, Races: true}); err != nil {
			t.Fatal(err)
		}
		equal(t, "out", d.read(out, 8, 64), floats(64, func(i int) float64 { return -1.5 + float64(b[0]*10+b[(i+1)%5]) }))
	})
}

func TestVariables(t *testing.T) {
	each(t, "elements", func(t *testing.T, d *device) {
		out := d.words(8, make([]uint64, 300)...)
		d.run("variables", 3, 128, 300, out)
		equal(t, "out", d.read(out, 8, 300), floats(300, func(i int) float64 { return []float64{25, -50, 75, -100}[i&3] }))
		addr, size, err := d.in.Global("counter")
		if err != nil || size != 4 {
			t.Fatal(size, err)
		}
		if got := d.read(addr, 4, 1)[0]; got != 300 {
			t.Errorf("counter is %d", got)
		}
	})
}

func TestVectors(t *testing.T) {
	each(t, "elements", func(t *testing.T, d *device) {
		x := random(400, 10, math.MaxUint32)
		y := d.words(4, make([]uint64, 400)...)
		d.run("vectors", 2, 64, 100, d.words(4, x...), y)
		equal(t, "y", d.read(y, 4, 400), mapped(400, func(i int) uint64 { return uint64(uint32(x[i])*3 + uint32(i/4)) }))
	})
}

func TestTree(t *testing.T) {
	each(t, "blocks", func(t *testing.T, d *device) {
		out := d.words(8, make([]uint64, 4)...)
		s := d.run("tree", 4, 256, 1000, d.words(8, floats(1000, func(i int) float64 { return float64(i) })...), out)
		sum := 0.0
		for _, v := range d.read(out, 8, 4) {
			sum += math.Float64frombits(v)
		}
		if sum != 499500 {
			t.Errorf("sum %v", sum)
		}
		if s.Blocks != 4 || s.Barriers != 4*9 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestShuffles(t *testing.T) {
	each(t, "blocks", func(t *testing.T, d *device) {
		out := d.words(4, 0, 0, 0)
		d.run("shuffles", 3, 256, 700, d.words(4, mapped(700, func(i int) uint64 { return uint64(i) })...), out)
		equal(t, "out", d.read(out, 4, 3), []uint64{255 * 128, 255*128 + 256*256, 512*188 + 187*94})

		wide := random(96, 11, math.MaxUint64)
		out = d.words(8, 0, 0, 0)
		d.run("shuffles64", 3, 32, d.words(8, wide...), out)
		equal(t, "out", d.read(out, 8, 3), mapped(3, func(i int) uint64 {
			var s uint64
			for _, v := range wide[32*i:][:32] {
				s += v
			}
			return s
		}))
	})
}

func TestHistogram(t *testing.T) {
	each(t, "blocks", func(t *testing.T, d *device) {
		x := random(5000, 12, 0xff)
		out := d.words(4, make([]uint64, 64)...)
		d.run("histogram", 4, 128, 5000, d.words(1, x...), out)
		want := make([]uint64, 64)
		for _, v := range x {
			want[v%64]++
		}
		equal(t, "out", d.read(out, 4, 64), want)
	})
}

func TestPrefix(t *testing.T) {
	each(t, "blocks", func(t *testing.T, d *device) {
		out := d.words(4, make([]uint64, 100)...)
		d.run("prefix", 1, 128, 100, d.words(4, mapped(100, func(i int) uint64 { return uint64(i) })...), out)
		equal(t, "out", d.read(out, 4, 100), mapped(100, func(i int) uint64 { return uint64(i * (i + 1) / 2) }))
	})
}

func TestMatmul(t *testing.T) {
	each(t, "blocks", func(t *testing.T, d *device) {
		const n = 21
		a := floats(n*n, func(i int) float64 { return float64(i%7) - 3 })
		b := floats(n*n, func(i int) float64 { return float64(i % 11) })
		c := d.words(8, make([]uint64, n*n)...)
		k, err := d.m.Kernel("matmul")
		if err != nil {
			t.Fatal(err)
		}
		params, err := k.Pack(n, d.words(8, a...), d.words(8, b...), c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.in.Launch(t.Context(), k, sim.Launch{Grid: [3]uint32{3, 3}, Block: [3]uint32{8, 8}, Params: params, Races: true, Seed: 5}); err != nil {
			t.Fatal(err)
		}
		equal(t, "c", d.read(c, 8, n*n), floats(n*n, func(i int) float64 {
			s := 0.0
			for l := range n {
				s += math.Float64frombits(a[i/n*n+l]) * math.Float64frombits(b[l*n+i%n])
			}
			return s
		}))
	})
}

func TestCompact(t *testing.T) {
	each(t, "blocks", func(t *testing.T, d *device) {
		x := random(256, 13, 0xffff)
		out, count := d.words(4, make([]uint64, 256)...), d.words(4, make([]uint64, 10)...)
		d.run("compact", 2, 128, d.words(4, x...), out, count)
		want, counts := make([]uint64, 256), make([]uint64, 10)
		for i, v := range x {
			if v&1 == 1 {
				w := i / 32
				want[w*32+int(counts[w])] = v
				counts[w]++
				counts[8+i/128]++
			}
		}
		equal(t, "count", d.read(count, 4, 10), counts)
		equal(t, "out", d.read(out, 4, 256), want)
	})
}

func TestAtomics(t *testing.T) {
	each(t, "blocks", func(t *testing.T, d *device) {
		x := random(1000, 14, math.MaxUint32)
		hi, lo, sum := d.words(4, 1<<31), d.words(4, 1<<31-1), d.words(8, 0)
		d.run("atomics", 8, 128, 1000, d.words(4, x...), hi, lo, sum)
		want, least, most := 0.0, int32(math.MaxInt32), int32(math.MinInt32)
		for _, v := range x {
			want += float64(int32(v)) // exact, in any order
			least, most = min(least, int32(v)), max(most, int32(v))
		}
		equal(t, "max, min, sum", []uint64{d.read(hi, 4, 1)[0], d.read(lo, 4, 1)[0], d.read(sum, 8, 1)[0]},
			[]uint64{uint64(uint32(most)), uint64(uint32(least)), math.Float64bits(want)})
	})
}

func TestDynamicShared(t *testing.T) {
	each(t, "blocks", func(t *testing.T, d *device) {
		x := d.words(4, mapped(128, func(i int) uint64 { return uint64(i) })...)
		if _, err := d.launch("reverse", sim.Launch{Shared: 4 * 128, Races: true}, 1, 128, 128, x); err != nil {
			t.Fatal(err)
		}
		equal(t, "x", d.read(x, 4, 128), mapped(128, func(i int) uint64 { return uint64(127 - i) }))
	})
}

func TestHalfWarps(t *testing.T) {
	each(t, "blocks", func(t *testing.T, d *device) {
		x := mapped(32, func(i int) uint64 { return uint64(i*i + 1) })
		out := d.words(4, make([]uint64, 32)...)
		d.run("halves", 1, 32, d.words(4, x...), out)
		want := make([]int32, 32)
		for i, v := range x {
			want[i] = int32(v)
		}
		for n := 8; n > 0; n >>= 1 {
			old := append([]int32(nil), want...)
			for i := range want {
				if i < 16 {
					want[i] += old[i^n]
				} else {
					want[i] -= old[i^n]
				}
			}
		}
		equal(t, "out", d.read(out, 4, 32), mapped(32, func(i int) uint64 { return uint64(uint32(want[i])) }))
	})
}

func TestWarpTree(t *testing.T) {
	each(t, "blocks", func(t *testing.T, d *device) {
		out := d.words(4, 0)
		d.run("warptree", 1, 32, d.words(4, mapped(32, func(i int) uint64 { return uint64(i) })...), out)
		equal(t, "out", d.read(out, 4, 1), []uint64{496})
	})
}
