package real_test

import (
	"bufio"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/darray-go/darray/internal/ref/real"
)

var (
	inf   = math.Inf(1)
	nan   = math.NaN()
	minus = math.Copysign(0, -1)
)

func same(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) || a != a && b != b }

// parsed reads a line of testdata: function, bits, x, y, result.
func parsed(t *testing.T, line string) (f *real.Func, bits string, v [3]float64) {
	t.Helper()
	words := strings.Fields(line)
	if len(words) != 5 {
		t.Fatalf("not five words: %q", line)
	}
	if f = real.Find(words[0]); f == nil {
		t.Fatalf("no function %q", words[0])
	}
	for i := range v {
		var err error
		if v[i], err = strconv.ParseFloat(words[i+2], 64); err != nil {
			t.Fatal(err)
		}
	}
	return f, words[1], v
}

// TestMPFR compares with another implementation, bit by bit (testdata/README.md), by the fast functions and by math/big alone.
func TestMPFR(t *testing.T) {
	file, err := os.Open("testdata/mpfr.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := 0
	for scanner := bufio.NewScanner(file); scanner.Scan(); lines++ {
		f, bits, v := parsed(t, scanner.Text())
		var got, slow float64
		if bits == "64" {
			got, slow = f.Round64(v[0], v[1]), f.Slow64(v[0], v[1])
		} else {
			got = float64(f.Round32(float32(v[0]), float32(v[1])))
			slow = float64(f.Slow32(float32(v[0]), float32(v[1])))
		}
		if !same(got, v[2]) || !same(slow, v[2]) {
			t.Errorf("%s: got %x, by math/big %x", scanner.Text(), got, slow)
		}
	}
	if lines < 900 {
		t.Errorf("%d lines were read", lines)
	}
}

// draws are arguments of every kind: all bit patterns, moderate sizes, near 1 and the quarters, and where results end.
func draws(rng *rand.Rand, arity int) (x, y float64) {
	one := func() float64 {
		switch rng.IntN(6) {
		case 0:
			for {
				if x := math.Float64frombits(rng.Uint64()); x-x == 0 {
					return x
				}
			}
		case 1:
			return math.Ldexp(rng.Float64()*2-1, rng.IntN(50)-40)
		case 2:
			return (rng.Float64()*2 - 1) * 750
		case 3:
			return (1 + math.Ldexp(rng.Float64()*2-1, -rng.IntN(53))) * float64(rng.IntN(9)-4) / 4
		case 4:
			return math.Pi / 4 * (1 + math.Ldexp(rng.Float64()*2-1, -rng.IntN(53))) * float64(rng.IntN(17)-8)
		}
		return float64(rng.IntN(201)-100) / 8
	}
	x, y = one(), one()
	if arity == 2 && rng.IntN(2) == 0 {
		y = math.Ldexp(x*(rng.Float64()*2-1), rng.IntN(120)-60)
	}
	if y-y != 0 {
		y = 1
	}
	return x, y
}

// TestFast holds the fast functions to the error bound that they promise, against math/big.
func TestFast(t *testing.T) {
	count := 400
	if *long {
		count = 200_000
	}
	for _, f := range real.All() {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(11, uint64(len(f.Name))))
			worst, none, n := 0.0, 0, 0
			for range count {
				x, y := draws(rng, f.Arity)
				bound, missed, ok := f.FastError(x, y)
				if !ok {
					continue // a special case, or a function without approximation
				}
				n++
				if bound == 1 {
					none++
					continue
				}
				if worst = max(worst, missed/bound); missed > bound {
					t.Errorf("%s(%x, %x): the relative error is %g, promised is %g", f.Name, x, y, missed, bound)
				}
			}
			if none > n/50 {
				t.Errorf("%d of %d without an approximation", none, n)
			}
			t.Logf("%d inputs: at most %.3g of the bound, %d without one", n, worst, none)
		})
	}
}

// TestTies asks for values that are midpoints of two floats, or floats themselves, where no precision decides.
func TestTies(t *testing.T) {
	for _, c := range []struct {
		name       string
		x, y, want float64
	}{
		{"exp2", -1075, 0, 0},
		{"exp2", -1074, 0, 0x1p-1074},
		{"exp2", 1023, 0, 0x1p1023},
		{"exp2", 1024, 0, inf},
		{"pow", 2, -1075, 0},
		{"pow", 4, -537.5, 0},
		{"pow", 2, -1074, 0x1p-1074},
		{"pow", 0x1p-1074, 1, 0x1p-1074},
		{"pow", 0x1p-1074, 0.5, 0x1p-537},
		{"pow", -2, 3, -8},
		{"pow", 3, 33, 5559060566555523},
		{"pow", 3, 34, 16677181699666568}, // 16677181699666569 lies between two
		{"pow", 0x1.8000001p0, 2, 0x1.2000001800000p1},
		{"pow", 134217729, 2, 18014398777917440},               // 2^54 + 2^28 + 1
		{"pow", 0x1.0000002p0, 2, 0x1.0000004p0},               // 1 + 2^-26 + 2^-54
		{"pow", 0x1.fffffffffffffp0, 1, 0x1.fffffffffffffp0},   //
		{"pow", 81, 0.75, 27},                                  //
		{"pow", 27, 1. / 3, 0x1.8p1},                           // just below 3: 1/3 is
		{"pow", 1.5, 1e6, inf},                                 //
		{"pow", 1.5, -1e6, 0},                                  //
		{"hypot", 3, 4, 5},                                     //
		{"hypot", 0x1p-1074, 0x1p-1074, 0x1p-1074},             // sqrt(2) of them
		{"hypot", 3 * 0x1p-1074, 4 * 0x1p-1074, 5 * 0x1p-1074}, //
		{"hypot", 0x1.fffffffffffffp1023, 0x1p960, 0x1.fffffffffffffp1023},
		{"cbrt", 27, 0, 3},
		{"cbrt", -0x1p-1074, 0, -0x1p-358},
		{"log2", 0x1p-1074, 0, -1074},
		{"log10", 1e22, 0, 22},
		{"atan2", 0x1p-1074, 2, 0},             // half of the least, and a little less
		{"atan2", 3 * 0x1p-1074, 2, 0x1p-1074}, // 1.5 of them, and a little less
		{"sin", 0x1p-1074, 0, 0x1p-1074},
		{"tan", 0x1p-1074, 0, 0x1p-1074},
		{"expm1", 0x1p-1074, 0, 0x1p-1074},
		{"logaddexp", 0, -1e300, 0x0p0},
		{"logaddexp", 1, -1e300, 1},
		{"logaddexp", 0, -740, 0x1.0cp-1068},
	} {
		f := real.Find(c.name)
		got := f.Round64(c.x, c.y)
		if c.name == "logaddexp" && c.y == -740 { // e^-740
			c.want = real.Find("exp").Round64(-740)
		}
		if !same(got, c.want) {
			t.Errorf("%s(%x, %x) is %x, want %x", c.name, c.x, c.y, got, c.want)
		}
	}
	for _, c := range []struct {
		name       string
		x, y, want float32
	}{
		{"exp2", -150, 0, 0},
		{"exp2", -149, 0, 0x1p-149},
		{"exp2", 128, 0, float32(inf)},
		{"pow", 2, -150, 0},
		{"pow", 4097, 2, 16785408}, // 2^24 + 2^13 + 1
		{"pow", 3, 16, 43046720},   // 43046721 = 10100100001101011101000001b, below the tie
		{"pow", 5, 11, 48828124},   // 48828125 is the middle, 48828124 the even one
		{"hypot", 3, 4, 5},
		{"log2", 0x1p-149, 0, -149},
	} {
		if got := real.Find(c.name).Round32(c.x, c.y); got != c.want {
			t.Errorf("%s(%x, %x) is %x as float32, want %x", c.name, c.x, c.y, got, c.want)
		}
	}
}

// TestDivide compares the division functions with math/big's rational numbers.
func TestDivide(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 20000 {
		x, y := draws(rng, 2)
		if rng.IntN(3) == 0 {
			x = math.Round(x) * y
		}
		if x-x != 0 || x == 0 || y == 0 {
			continue
		}
		a, b := new(big.Rat).SetFloat64(x), new(big.Rat).SetFloat64(y)
		q := new(big.Rat).Quo(a, b)
		floor := new(big.Int).Div(q.Num(), q.Denom()) // Euclid's: the floor, the denominator being positive
		down := new(big.Int).Quo(q.Num(), q.Denom())
		rest := func(k *big.Int) *big.Rat {
			r := new(big.Rat).Mul(b, new(big.Rat).SetInt(k))
			return r.Sub(a, r)
		}
		near := func(r *big.Rat, sign float64) float64 {
			if r.Sign() == 0 {
				return math.Copysign(0, sign)
			}
			z, _ := r.Float64()
			return z
		}
		for name, want := range map[string]float64{
			"floor_divide": near(new(big.Rat).SetInt(floor), x*y),
			"remainder":    near(rest(floor), y),
			"fmod":         near(rest(down), x),
		} {
			if floor.Sign() == 0 && name == "floor_divide" {
				want = 0
			}
			if got := real.Find(name).Round64(x, y); !same(got, want) {
				t.Fatalf("%s(%x, %x) is %x, want %x", name, x, y, got, want)
			}
		}
	}
}

// TestULP asks for the distance of results that are right, nearly so, and wrong.
func TestULP(t *testing.T) {
	exp, sin, erfc := real.Find("exp"), real.Find("sin"), real.Find("erfc")
	next := math.Nextafter
	e := exp.Round64(1)
	if u := exp.ULP64(e, 1); u > 0.5 {
		t.Errorf("the rounded e is %g ulp off", u)
	}
	for up, base := 1.0, exp.ULP64(e, 1); up < 5; up++ {
		if e = next(e, 3); math.Abs(exp.ULP64(e, 1)-up) > base+1e-9 {
			t.Errorf("%g floats further it is %g ulp off", up, exp.ULP64(e, 1))
		}
	}
	for _, c := range []struct {
		f        *real.Func
		x, got   float64
		low, top float64
	}{
		{exp, 709.79, inf, 0, 0},
		{exp, 1e300, inf, 0, 0},
		{exp, 1e300, math.MaxFloat64, 1, inf},
		{exp, 709.79, math.MaxFloat64, 1, inf},
		{exp, 709.78, inf, 1, inf},
		{exp, -800, 0, 0, 1e-9},
		{exp, -800, 0x1p-1074, 1 - 1e-9, 1},
		{exp, -1e300, 0x1p-1074, 1 - 1e-9, 1},
		{exp, -800, minus, inf, inf},
		{exp, -745.2, 0, 0.4, 0.5},
		{exp, -745.2, 0x1p-1074, 0.5, 0.6},
		{exp, nan, nan, 0, 0},
		{exp, nan, 1, inf, inf},
		{exp, 1, nan, inf, inf},
		{exp, 0, 1, 0, 0},
		{exp, 0, next(1, 2), 1, 1},
		{exp, inf, inf, 0, 0},
		{exp, inf, math.MaxFloat64, inf, inf},
		{sin, minus, minus, 0, 0},
		{sin, minus, 0, inf, inf},
		{sin, 0x1p-1074, 0x1p-1074, 0, 1e-9},
		{sin, 0x1p-1074, 0, 1 - 1e-9, 1},
		{sin, math.Pi, -1.2246467991473532e-16, inf, inf},
		{erfc, 30, 0, 0, 1e-9},
		{erfc, -10, 2, 0, 1e-9},
	} {
		if u := c.f.ULP64(c.got, c.x); !(u >= c.low && u <= c.top) {
			t.Errorf("%s(%g) = %g is %g ulp off, which is not in [%g, %g]", c.f.Name, c.x, c.got, u, c.low, c.top)
		}
	}
	if u := exp.ULP32(float32(inf), 88.8); u != 0 {
		t.Errorf("float32 exp(88.8) = inf is %g ulp off", u)
	}
	if u := exp.ULP32(0, -104); !(u < 0.5) {
		t.Errorf("float32 exp(-104) = 0 is %g ulp off", u)
	}
}

func BenchmarkRound64(b *testing.B) {
	for _, f := range real.All() {
		rng := rand.New(rand.NewPCG(1, 2))
		var x, y [1024]float64
		for i := range x {
			x[i], y[i] = draws(rng, f.Arity)
		}
		b.Run(f.Name, func(b *testing.B) {
			i := 0
			for b.Loop() {
				f.Round64(x[i&1023], y[i&1023])
				i++
			}
		})
	}
}
