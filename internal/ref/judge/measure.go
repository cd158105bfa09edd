package judge

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"

	"github.com/darray-go/darray/internal/ref/real"
)

// Figures are the errors of a function over many inputs, in units in the last place of the exact value.
type Figures struct {
	Inputs int64            // all that were tried
	Kinds  map[string]int64 // how many of each kind
	Max    float64
	Drawn  int64   // the inputs that were not sought for their errors: all but those near the worst and the hard ones
	Mean   float64 // over those of them whose results are neither 0, infinite nor NaN
	At     Case    // where the maximum is
	Off    int64   // those of them that are not the nearest float, or not that of the standards
	Beyond int64   // how many are above the promise
	Wrong  []Case  `json:"-"` // the first few of them
}

// Case is a result of one input, as hexadecimal floats.
type Case struct {
	X    string
	Y    string `json:",omitempty"`
	Got  string
	Want string
	ULP  float64
}

// String is the case on one line.
func (c Case) String() string {
	return fmt.Sprintf("x=%s y=%s got %s want %s: %.4g ulp", c.X, c.Y, c.Got, c.Want, c.ULP)
}

const (
	blockLength = 512
	mostWrong   = 5
)

// Run tries a function with so many inputs, and with all hard ones for that type. apply computes dst[i] = f(x[i], y[i]); y is
// nil for functions of one operand. promise is the error that it must not exceed. The inputs follow from the seed.
func Run[T Float](s *Spec, apply func(dst, x, y []T), promise float64, inputs int64, seed uint64) Figures {
	f := real.Find(s.Name)
	rng := rand.New(rand.NewPCG(seed, uint64(len(s.Name))<<32|uint64(top[T]())))
	out := Figures{Kinds: map[string]int64{}}
	sum, ordinal := 0.0, int64(0)
	x, y, dst := make([]T, blockLength), make([]T, blockLength), make([]T, blockLength)
	second := y
	if s.Arity == 1 {
		second = nil
	}
	var top summits[T]
	block := func(kind Kind, n int) {
		apply(dst[:n], x[:n], second[:min(n, len(second))])
		for i := range n {
			ulp := missed(f, dst[i], x[i], y[i])
			top.offer(x[i], y[i], ulp)
			if ulp > out.Max || out.At.X == "" {
				out.Max, out.At = ulp, newCase(f, x[i], y[i], dst[i], ulp)
			}
			if ulp > promise {
				if out.Beyond++; len(out.Wrong) < mostWrong {
					out.Wrong = append(out.Wrong, newCase(f, x[i], y[i], dst[i], ulp))
				}
			}
			if kind == Climb || kind == Hard {
				continue
			}
			out.Drawn++
			if ulp > 0.5 {
				out.Off++
			}
			if r := dst[i]; r != 0 && r-r == 0 && !math.IsInf(ulp, 0) {
				sum += ulp
				ordinal++
			}
		}
		out.Inputs += int64(n)
		out.Kinds[kind.String()] += int64(n)
	}
	for hard := hardInputs[T](s.Name); len(hard) > 0; {
		n := min(len(hard), blockLength)
		for i, h := range hard[:n] {
			x[i], y[i] = T(h[0]), T(h[1])
		}
		block(Hard, n)
		hard = hard[n:]
	}
	for k := 0; out.Inputs < inputs; k++ {
		kind := schedule[k%len(schedule)]
		switch {
		case kind == Climb && out.Max > 0:
			top.fill(rng, x, y)
		case kind == Climb || kind == Pairs && s.pair == nil:
			kind = Edges
			fallthrough
		default:
			Fill(s, kind, rng, x, y)
		}
		block(kind, blockLength)
	}
	out.Mean = sum / float64(max(1, ordinal))
	return out
}

func missed[T Float](f *real.Func, got, x, y T) float64 {
	if top[T]() == 128 {
		return f.ULP32(float32(got), float32(x), float32(y))
	}
	return f.ULP64(float64(got), float64(x), float64(y))
}

func newCase[T Float](f *real.Func, x, y, got T, ulp float64) Case {
	c := Case{X: hex(x), Got: hex(got), ULP: ulp}
	if f.Arity == 2 {
		c.Y = hex(y)
	}
	if top[T]() == 128 {
		c.Want = hex(f.Round32(float32(x), float32(y)))
	} else {
		c.Want = hex(f.Round64(float64(x), float64(y)))
	}
	return c
}

func hex[T Float](x T) string { return fmt.Sprintf("%x", float64(x)) }

// Join is the figures of two runs as one.
func (f Figures) Join(o Figures) Figures {
	if f.Inputs == 0 {
		return o
	}
	if o.Max > f.Max {
		f.Max, f.At = o.Max, o.At
	}
	f.Mean = (f.Mean*float64(f.Inputs) + o.Mean*float64(o.Inputs)) / float64(f.Inputs+o.Inputs)
	f.Inputs += o.Inputs
	f.Drawn += o.Drawn
	f.Off += o.Off
	f.Beyond += o.Beyond
	f.Wrong = append(f.Wrong, o.Wrong...)[:min(mostWrong, len(f.Wrong)+len(o.Wrong))]
	sum := maps.Clone(f.Kinds)
	for kind, n := range o.Kinds {
		sum[kind] += n
	}
	f.Kinds = sum
	return f
}
