package judge_test

import (
	"context"
	"flag"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/darray-go/darray/internal/ref/judge"
	"github.com/darray-go/darray/internal/ref/real"
)

// TestNames holds that the reference and the specs are of the same functions.
func TestNames(t *testing.T) {
	for _, f := range real.All() {
		if s := judge.Find(f.Name); s == nil || s.Arity != f.Arity {
			t.Errorf("no spec of %s with %d operands", f.Name, f.Arity)
		}
	}
	if len(judge.All()) != len(real.All()) {
		t.Errorf("%d specs for %d functions", len(judge.All()), len(real.All()))
	}
}

// TestJudgesItself lets the reference be judged: it must be right everywhere, in order, and an error put in must be found.
func TestJudgesItself(t *testing.T) {
	for _, s := range judge.All() {
		f := real.Find(s.Name)
		right := func(dst, x, y []float64) {
			for i := range dst {
				if s.Arity == 1 {
					dst[i] = f.Round64(x[i])
				} else {
					dst[i] = f.Round64(x[i], y[i])
				}
			}
		}
		got := judge.Run(s, right, 0.5, 3000, 1)
		if got.Beyond > 0 || got.Max > 0.5 || got.Off > 0 || got.Inputs < 3000 {
			t.Errorf("%s: %+v", s.Name, got)
		}
		wrong := func(dst, x, y []float64) {
			right(dst, x, y)
			i := len(dst) / 2
			dst[i] = math.Float64frombits(math.Float64bits(dst[i]) + 2)
		}
		if got := judge.Run(s, wrong, 1, 3000, 1); got.Beyond == 0 || len(got.Wrong) == 0 {
			t.Errorf("%s: an error of 2 ulp in each block was not found", s.Name)
		}
		if s.Arity == 1 {
			order := judge.Neighbours(s, func(dst, x []float64) { right(dst, x, nil) }, 2000, 1)
			if order.Turns > 0 {
				t.Errorf("%s: the exact function turns back at %s", s.Name, order.At)
			}
		}
	}
}

// TestKinds holds that every kind gives numbers of its own, in both types, the same again for the same seed.
func TestKinds(t *testing.T) {
	for _, s := range judge.All() {
		for kind := judge.Bits; kind < judge.Hard; kind++ {
			draws := func(seed uint64) []float64 {
				x, y := make([]float64, 64), make([]float64, 64)
				judge.Fill(s, kind, rand.New(rand.NewPCG(seed, 1)), x, y)
				return append(x, y...)
			}
			a, b, c := draws(1), draws(1), draws(2)
			different := 0
			for i := range a {
				if math.Float64bits(a[i]) != math.Float64bits(b[i]) {
					t.Fatalf("%s, %s: not the same again", s.Name, kind)
				}
				if a[i] != c[i] {
					different++
				}
			}
			if different < 32 {
				t.Errorf("%s, %s: another seed changes %d of 64 inputs", s.Name, kind, different)
			}
		}
	}
}

func TestStep(t *testing.T) {
	for _, c := range []struct {
		x    float64
		n    int64
		want float64
	}{
		{0, 1, 0x1p-1074},
		{0, -1, -0x1p-1074},
		{0x1p-1074, -2, -0x1p-1074},
		{1, 1, 1 + 0x1p-52},
		{1, -1, 1 - 0x1p-53},
		{math.MaxFloat64, 1, math.Inf(1)},
		{math.MaxFloat64, 100, math.Inf(1)},
		{-math.MaxFloat64, -100, math.Inf(-1)},
	} {
		if got := judge.Step(c.x, c.n); got != c.want {
			t.Errorf("Step(%g, %d) is %g, want %g", c.x, c.n, got, c.want)
		}
	}
	if got := judge.Step(float32(1), -1); got != 1-0x1p-24 {
		t.Errorf("the float32 before 1 is %x", got)
	}
	if got := judge.Step(float32(-0x1p-149), 3); got != 0x1p-148 {
		t.Errorf("3 after the greatest negative float32 is %x", got)
	}
}

// TestHard holds every input of hard.txt to what it claims: its result lies within 2^-15 ulp of a midpoint of two floats, and
// those of the published lists within 2^-35.
func TestHard(t *testing.T) {
	text, err := os.ReadFile("hard.txt")
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for line := range strings.Lines(string(text)) {
		input, note, _ := strings.Cut(line, "#")
		words := strings.Fields(input)
		if len(words) == 0 {
			continue
		}
		f := real.Find(words[0])
		if f == nil || len(words) != 2+f.Arity {
			t.Fatalf("not understood: %q", line)
		}
		x := make([]float64, f.Arity)
		for i, w := range words[2:] {
			if x[i], err = strconv.ParseFloat(w, 64); err != nil {
				t.Fatal(err)
			}
			if words[1] == "32" && float64(float32(x[i])) != x[i] {
				t.Errorf("no float32: %q", line)
			}
		}
		limit := -15
		if strings.Contains(note, "published") {
			limit = -35
		}
		if e := fromMidpoint(f.Exact(512, x...), words[1] == "32"); e > limit {
			t.Errorf("2^%d ulp from a midpoint: %q", e, line)
		}
		count[words[0]+words[1]]++
	}
	if len(count) < 50 {
		t.Errorf("inputs of %d functions and types only", len(count))
	}
}

// fromMidpoint is the e for which v lies within 2^e ulp of a midpoint.
func fromMidpoint(v *big.Float, single bool) int {
	bits, least := 53, -1074
	if single {
		bits, least = 24, -149
	}
	scaled := new(big.Float).SetMantExp(v, -max(v.MantExp(nil)-bits, least))
	scaled.Abs(scaled)
	n, _ := scaled.Int(nil)
	rest := new(big.Float).SetPrec(600).Sub(scaled, new(big.Float).SetInt(n))
	rest.Sub(rest, big.NewFloat(0.5))
	return rest.MantExp(nil)
}

var every = flag.Bool("judge.every", false, "test Every on all float32, which takes some minutes")

// TestEvery looks for an error of one unit in one float32 of 2^32.
func TestEvery(t *testing.T) {
	if !*every {
		t.Skip("NOT TESTED: all float32 inputs, which takes minutes: -judge.every")
	}
	cbrt := judge.Find("cbrt")
	wrong := math.Float32frombits(0x3f9e0652)
	apply32 := func(dst, x []float32) {
		for i := range x {
			dst[i] = float32(math.Cbrt(float64(x[i])))
			if x[i] == wrong {
				dst[i] = judge.Step(dst[i], 1)
			}
		}
	}
	apply64 := func(dst, x []float64) {
		for i := range x {
			dst[i] = math.Cbrt(x[i])
		}
	}
	got, err := judge.Every(context.Background(), cbrt, apply32, apply64, 0.6, 2)
	if err != nil || got.Beyond != 1 || got.Turns == 0 {
		t.Errorf("%+v, %v", got, err)
	}
	t.Logf("%+v", got)
}
