// Package judge draws the inputs that the functions of exec/cpu/vmath are tried with and measures their errors against
// internal/ref/real. Who writes a function has no part in either. It serves the tests of exec/cpu/vmath and the tool that
// writes docs/numerics.md.
package judge

import (
	"math"
	"math/rand/v2"
)

// Float is the types that are judged.
type Float interface{ float32 | float64 }

// Spec is what is known of a function beside its values: where to look closely, and what must hold exactly.
type Spec struct {
	Name  string // in the op table
	Func  string // in package vmath
	Arity int

	// Odd: f(-x) is -f(x), to the sign of a zero. Even: f(-x) is f(x).
	Odd, Even bool
	// Up and Down are intervals in which the function rises or falls, or stays.
	Up, Down [][2]float64

	// Low and High bound the arguments of ordinary results; Least and Most the exponents of their sizes.
	Low, High   float64
	Least, Most int
	// Edges are the arguments around which inputs are drawn densely, both sides: where a result overflows, becomes subnormal,
	// vanishes, changes its sign, where implementations are wont to change their algorithm. In thresholds of float64 and of
	// float32 alike; every function has 0, 1 and the powers of two beside.
	Edges []float64
	// edge draws more of them. It may be nil.
	edge func(rng *rand.Rand) float64
	// pair draws operands that belong together. It is for functions of two.
	pair func(rng *rand.Rand, top int) (x, y float64)
}

var inf = math.Inf(1)

var whole = [][2]float64{{-inf, inf}}

// Find is the spec of a function by its name in the op table, nil if there is none.
func Find(name string) *Spec {
	for i := range specs {
		if specs[i].Name == name {
			return &specs[i]
		}
	}
	return nil
}

// All are the specs in the order of the op table. The caller owns the slice.
func All() []*Spec {
	all := make([]*Spec, len(specs))
	for i := range specs {
		all[i] = &specs[i]
	}
	return all
}

// The thresholds are decimal: inputs are drawn up to 2^40 floats away from them.
var specs = []Spec{
	{Name: "exp", Func: "Exp", Arity: 1, Up: whole, Low: -746, High: 710, Least: -60, Most: 10, Edges: []float64{
		709.782712893384, 708, -708, -708.3964185322641, -744.4400719213812, -745.1332191019411, -746, 88.72283905206835, 88.3762626647949,
		-87.33654475055310, -103.2789, -103.9720770839918, -104, math.Ln2 / 2, -math.Ln2 / 2, math.Ln2, math.Ln2 / 32, math.Ln2 / 64, -1, 5.6e-17, 3e-8,
	}, edge: multiples(math.Ln2/2, 2000)},
	{Name: "exp2", Func: "Exp2", Arity: 1, Up: whole, Low: -1076, High: 1025, Least: -60, Most: 11, Edges: []float64{
		1024, 1023, -1022, -1023, -1074, -1075, 128, 127, -126, -127, -149, -150, 0.5, -0.5, 8e-17, 4e-8,
	}, edge: multiples(1./64, 140000)},
	{Name: "expm1", Func: "Expm1", Arity: 1, Up: whole, Low: -40, High: 710, Least: -60, Most: 10, Edges: []float64{
		709.782712893384, 88.72283905206835, -37.42994775023705, -36.7368005696771, -17.32867951399863, -18.02182669455, math.Ln2 / 2, -math.Ln2 / 2, 1.5 * math.Ln2, 0.25, -0.25,
		1e-3, -1e-3, 1e-9, 5e-17, 56 * math.Ln2, -1, 0.3, -0.3, 0.1, -0.1,
	}, edge: multiples(math.Ln2/2, 2000)},
	{Name: "log", Func: "Log", Arity: 1, Up: [][2]float64{{0, inf}}, Low: 0, High: 10, Least: -1074, Most: 1024, Edges: []float64{
		math.Sqrt2, math.Sqrt2 / 2, 0.75, 1.5, 0.9375, 1.0625, 0.984375, 1.015625, 1.03125, math.E, 0x1p-1022, 0x1p-126,
	}, edge: nearOne},
	{Name: "log2", Func: "Log2", Arity: 1, Up: [][2]float64{{0, inf}}, Low: 0, High: 10, Least: -1074, Most: 1024, Edges: []float64{
		math.Sqrt2, math.Sqrt2 / 2, 0.75, 1.5, 0.9375, 1.0625, 0.984375, 1.015625, 1.03125, 0x1p-1022, 0x1p-126,
	}, edge: nearOne},
	{Name: "log10", Func: "Log10", Arity: 1, Up: [][2]float64{{0, inf}}, Low: 0, High: 1000, Least: -1074, Most: 1024, Edges: []float64{
		math.Sqrt2, math.Sqrt2 / 2, 0.75, 1.5, 0.9375, 1.0625, 10, 100, 1000, 1e15, 1e22, 1e-3, 0x1p-1022, 0x1p-126,
	}, edge: nearOne},
	{Name: "log1p", Func: "Log1p", Arity: 1, Up: [][2]float64{{-1, inf}}, Low: -1, High: 10, Least: -60, Most: 1024, Edges: []float64{
		-1, math.Sqrt2 - 1, math.Sqrt2/2 - 1, 0.5, -0.5, -0.25, 0.0625, -0.0625, 0.015625, 0x1p53, 0x1p54, 0x1p24, 1e-9, 1e-16,
	}},
	{Name: "cbrt", Func: "Cbrt", Arity: 1, Odd: true, Up: whole, Low: -1000, High: 1000, Least: -1074, Most: 1024, Edges: []float64{
		8, 27, 64, 0.125, 0x1p-1022, 0x1p-126,
	}, edge: func(rng *rand.Rand) float64 { c := float64(rng.IntN(200000)); return c * c * c }},
	{Name: "sin", Func: "Sin", Arity: 1, Odd: true, Up: [][2]float64{{-math.Pi / 2, math.Pi / 2}}, Low: -100, High: 100, Least: -40, Most: 1024, Edges: turns, edge: quarters},
	{Name: "cos", Func: "Cos", Arity: 1, Even: true, Down: [][2]float64{{0, math.Pi}}, Low: -100, High: 100, Least: -40, Most: 1024, Edges: turns, edge: quarters},
	{Name: "tan", Func: "Tan", Arity: 1, Odd: true, Up: [][2]float64{{-1.57079632679489, 1.57079632679489}}, Low: -100, High: 100, Least: -40, Most: 1024, Edges: turns, edge: quarters},
	{Name: "asin", Func: "Asin", Arity: 1, Odd: true, Up: [][2]float64{{-1, 1}}, Low: -1, High: 1, Least: -60, Most: 0, Edges: arcs},
	{Name: "acos", Func: "Acos", Arity: 1, Down: [][2]float64{{-1, 1}}, Low: -1, High: 1, Least: -60, Most: 0, Edges: arcs},
	{Name: "atan", Func: "Atan", Arity: 1, Odd: true, Up: whole, Low: -10, High: 10, Least: -60, Most: 70, Edges: []float64{
		0.4375, 0.6875, 1.1875, 2.4375, 0.41421356237309503, 2.414213562373095, 0.5, 2, 0x1p-27, 0x1p53, 0x1p66, 0x1p26,
	}},
	{Name: "sinh", Func: "Sinh", Arity: 1, Odd: true, Up: whole, Low: -711, High: 711, Least: -60, Most: 10, Edges: []float64{
		710.4758600739439, 709.782712893384, 89.41598629223294, 88.72283905206835, 0.25, 0.5, math.Ln2 / 2, 22, 19, 40, 1e-8,
	}, edge: multiples(math.Ln2/2, 2000)},
	{Name: "cosh", Func: "Cosh", Arity: 1, Even: true, Up: [][2]float64{{0, inf}}, Low: -711, High: 711, Least: -60, Most: 10, Edges: []float64{
		710.4758600739439, 709.782712893384, 89.41598629223294, 88.72283905206835, 0.25, 0.5, math.Ln2 / 2, 22, 19, 40, 1e-8, 1.4e-8, 1e-4,
	}, edge: multiples(math.Ln2/2, 2000)},
	{Name: "tanh", Func: "Tanh", Arity: 1, Odd: true, Up: whole, Low: -23, High: 23, Least: -60, Most: 6, Edges: []float64{
		19.06154746539849, 18.7149738751, 22, 9.010913339828708, 8.317766, 0.625, 0.55, 0.25, 0.5, math.Ln2 / 2, 1e-8, 1e-4,
	}, edge: multiples(math.Ln2/4, 130)},
	{Name: "asinh", Func: "Asinh", Arity: 1, Odd: true, Up: whole, Low: -100, High: 100, Least: -60, Most: 1024, Edges: []float64{
		2, 0.5, 0.25, 0.1, 0.125, 0x1p28, 0x1p14, 0x1p53, 0x1p511, 0x1p512, 0x1p1023, 1e-8, 1e-4,
	}},
	{Name: "acosh", Func: "Acosh", Arity: 1, Up: [][2]float64{{1, inf}}, Low: 1, High: 100, Least: 0, Most: 1024, Edges: []float64{
		1, 1.0625, 1.125, 1.25, 1.5, 2, 4, 0x1p28, 0x1p53, 0x1p511, 0x1p512, 0x1p1023,
	}, edge: nearOne},
	{Name: "atanh", Func: "Atanh", Arity: 1, Odd: true, Up: [][2]float64{{-1, 1}}, Low: -1, High: 1, Least: -60, Most: 0, Edges: []float64{
		1, 0.5, 0.25, 0.125, 0.0625, 1e-8, 1e-4, 1. / 3, 0.9, 0.99,
	}},
	{Name: "erf", Func: "Erf", Arity: 1, Odd: true, Up: whole, Low: -6, High: 6, Least: -60, Most: 4, Edges: []float64{
		0.5, 0.84375, 1.25, 2.857142857142857, 4, 5.863584748755168, 5.9215871957945, 6, 3.8325069856900, 1e-8, 3.7e-9,
	}, edge: multiples(1./16, 100)},
	{Name: "erfc", Func: "Erfc", Arity: 1, Down: whole, Low: -6, High: 28, Least: -60, Most: 5, Edges: []float64{
		0.5, 0.84375, 1.25, 2.857142857142857, 4, 26.54325845425098, 27.22601711110837, 27.226017, 26.64174755704633, 9.194549345970154, 10.05446, 10.0542, -5.863584748755168, -3.8325,
		0.46875, 1e-16, 1e-8, 6, 10, 28,
	}, edge: multiples(1./16, 500)},
	{Name: "logaddexp", Func: "LogAddExp", Arity: 2, Low: -750, High: 750, Least: -60, Most: 10, Edges: []float64{-745.13, 709.78, -math.Ln2}, pair: logPair},
	{Name: "pow", Func: "Pow", Arity: 2, Low: -20, High: 20, Least: -30, Most: 30, Edges: []float64{-1, 0.5, 1, 2, 3, 10, math.E}, pair: powPair},
	{Name: "hypot", Func: "Hypot", Arity: 2, Low: -100, High: 100, Least: -1074, Most: 1024, Edges: []float64{0x1p511, 0x1p-511, 0x1p-1022, math.MaxFloat64, math.MaxFloat32, 0x1p63, 0x1p-63}, pair: nearPair},
	{Name: "atan2", Func: "Atan2", Arity: 2, Low: -10, High: 10, Least: -300, Most: 300, Edges: []float64{0x1p-1022, math.MaxFloat64, math.MaxFloat32, 0.5}, pair: nearPair},
	{Name: "nextafter", Func: "NextAfter", Arity: 2, Low: -10, High: 10, Least: -1074, Most: 1024, Edges: []float64{math.MaxFloat64, math.MaxFloat32, 0x1p-1022, 0x1p-126}, pair: nearPair},
	{Name: "floor_divide", Func: "FloorDivide", Arity: 2, Low: -1000, High: 1000, Least: -60, Most: 60, Edges: []float64{0x1p-1022, 0x1p53, 3, 10, 0.1}, pair: quotient},
	{Name: "remainder", Func: "Remainder", Arity: 2, Low: -1000, High: 1000, Least: -60, Most: 60, Edges: []float64{0x1p-1022, 0x1p53, 3, 10, 0.1}, pair: quotient},
	{Name: "fmod", Func: "Fmod", Arity: 2, Low: -1000, High: 1000, Least: -60, Most: 60, Edges: []float64{0x1p-1022, 0x1p53, 3, 10, 0.1}, pair: quotient},
}

// turns: the last is the float64 nearest to a multiple of pi/2 (Kahan; Muller, Elementary Functions, table 11.1), the one before
// is that of float32.
var turns = []float64{
	math.Pi / 4, math.Pi / 2, 3 * math.Pi / 4, math.Pi, 2 * math.Pi, 0x1p-27, 0x1p-13, 15, 30, 100, 1000, 39000, 105615, 0x1p15, 0x1p20, 0x1p23, 0x1p27, 0x1p30, 0x1p52, 0x1p53, 1e14, 1e22, 1e300,
	16367173 * 0x1p72, 6381956970095103 * 0x1p797,
}

var arcs = []float64{1, -1, 0.5, -0.5, 0.975, 0.866025403784438, 0.707106781186547, 0.625, 1e-8, 0x1p-26, 0x1p-57}
