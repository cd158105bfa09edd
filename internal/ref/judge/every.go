package judge

import (
	"context"
	"math"
	"sync"

	"github.com/darray-go/darray/internal/ref/real"
)

// EveryFigures are the errors of a function of one operand over every float32 that there is.
type EveryFigures struct {
	Max    float64
	Mean   float64 // over the results that are neither 0, infinite nor NaN
	At     Case
	Off    int64 // results that are not the nearest float32
	Turns  int64 // neighbours between which the function goes the wrong way
	TurnAt string
	Asked  int64  // inputs for which the reference itself was asked
	Wrong  []Case `json:"-"`
	Beyond int64
}

// askedEach is the share of inputs for which the reference is asked whatever the result: one in so many.
const askedEach = 1024

// Every tries all 2^32 float32. What a result should be is taken from the function's own float64 routine, which Run has to have
// judged before: its error is 2^-29 of the unit here, so that it decides all but what lies that near to a limit. The
// reference itself is asked for every 1024th input, for every result that is zero, infinite or NaN where that routine's is not
// clearly, for what is above the promise, for the greatest error in the end, and for what lies near to a midpoint of two float32.
// It takes about a minute a function; an end of ctx ends it.
func Every(ctx context.Context, s *Spec, apply32 func(dst, x []float32), apply64 func(dst, x []float64), promise float64, threads int) (EveryFigures, error) {
	const pieces = 256
	var mu sync.Mutex
	var total everySum
	next := 0
	var wait sync.WaitGroup
	for range threads {
		wait.Go(func() {
			e := newEvery(s, apply32, apply64, promise)
			for {
				mu.Lock()
				piece := next
				next++
				mu.Unlock()
				if piece >= pieces || ctx.Err() != nil {
					break
				}
				e.piece(uint64(piece)<<32/pieces, (uint64(piece)+1)<<32/pieces)
			}
			mu.Lock()
			defer mu.Unlock()
			total.join(&e.everySum)
		})
	}
	wait.Wait()
	if total.judged {
		f := real.Find(s.Name)
		total.Max = f.ULP32(total.worst.got, total.worst.x)
		total.At = newCase(f, total.worst.x, 0, total.worst.got, total.Max)
	}
	total.Mean = total.sum / float64(max(1, total.ordinary))
	return total.EveryFigures, ctx.Err()
}

type everySum struct {
	EveryFigures
	sum      float64
	ordinary int64
	worst    struct { // the greatest error, within 2^-24
		ulp    float64
		x, got float32
	}
	judged bool // worst is there
}

func (e *everySum) join(o *everySum) {
	if o.judged && (!e.judged || o.worst.ulp > e.worst.ulp) {
		e.worst, e.judged = o.worst, true
	}
	if e.TurnAt == "" {
		e.TurnAt = o.TurnAt
	}
	e.Off += o.Off
	e.Turns += o.Turns
	e.Asked += o.Asked
	e.Beyond += o.Beyond
	e.sum += o.sum
	e.ordinary += o.ordinary
	e.Wrong = append(e.Wrong, o.Wrong...)[:min(mostWrong, len(e.Wrong)+len(o.Wrong))]
}

type every struct {
	everySum
	spec    *Spec
	f       *real.Func
	apply32 func(dst, x []float32)
	apply64 func(dst, x []float64)
	promise float64

	x, got     []float32
	wide, want []float64
}

func newEvery(s *Spec, apply32 func(dst, x []float32), apply64 func(dst, x []float64), promise float64) *every {
	const n = 1 << 12
	return &every{
		spec: s, f: real.Find(s.Name), apply32: apply32, apply64: apply64, promise: promise,
		x: make([]float32, n), got: make([]float32, n), wide: make([]float64, n), want: make([]float64, n),
	}
}

// piece tries the patterns from lo up to hi, and how lo follows the one before it; both are multiples of a block.
func (e *every) piece(lo, hi uint64) {
	before := []float32{math.Float32frombits(uint32(lo) - 1)}
	last := []float32{0}
	e.apply32(last, before)
	for at := lo; at < hi; at += uint64(len(e.x)) {
		for i := range e.x {
			e.x[i] = math.Float32frombits(uint32(at) + uint32(i))
			e.wide[i] = float64(e.x[i])
		}
		e.apply32(e.got, e.x)
		e.apply64(e.want, e.wide)
		for i, x := range e.x {
			if i%askedEach == 0 || !e.clear(x, e.got[i], e.want[i]) {
				e.one(x, e.got[i], e.want[i], i%askedEach == 0)
			}
			if e.got[i] != last[0] {
				e.order(before[0], x, last[0], e.got[i])
			}
			before[0], last[0] = x, e.got[i]
		}
	}
}

// slack is how near to a limit the float64 routine does not decide, in units of a float32.
const slack = 0x1p-24

// clear judges a result that is clearly the nearest float32, of those with all their bits; it is one for most, quickly.
func (e *every) clear(x, got float32, want float64) bool {
	const mostBits, leastExponent, mostExponent = 1<<63 - 1, 1023 - 125, 1023 + 126
	exponent := math.Float64bits(want) & mostBits >> 52
	if exponent < leastExponent || exponent > mostExponent {
		return false
	}
	ulp := math.Abs(float64(got)-want) * math.Float64frombits((2*1023+23-exponent)<<52)
	if !(ulp < 0.5-slack) {
		return false
	}
	e.sum += ulp
	e.ordinary++
	if ulp > e.worst.ulp || !e.judged {
		e.worst.ulp, e.worst.x, e.worst.got, e.judged = ulp, x, got, true
	}
	return true
}

// one judges a result.
func (e *every) one(x, got float32, want float64, ask bool) {
	if x != x && got != got {
		return
	}
	ulp := math.Inf(1)
	size, sameSign := math.Abs(want), math.Signbit(float64(got)) == math.Signbit(want)
	const near = 0x1p-30
	switch {
	case got != got && want != want, math.IsInf(float64(got), 0) && sameSign && size > overflow32*(1+near):
		ulp = 0
	case got == 0 && sameSign && size < 0x1p-150*(1-near):
		ulp = size / 0x1p-149
	case got != 0 && size > 0x1p-149 && size < overflow32*(1-near) && got-got == 0:
		exponent := int(math.Float64bits(size)>>52) - 1023
		unit := math.Float64frombits(uint64(max(exponent-23, -149)+1023) << 52)
		ulp = math.Abs(float64(got)-want) / unit
	}
	if ask || math.IsInf(ulp, 1) || ulp > e.promise-slack || math.Abs(ulp-0.5) < slack {
		ulp = e.f.ULP32(got, x)
		e.Asked++
	}
	if ulp > 0.5 {
		e.Off++
	}
	if ulp > e.worst.ulp || !e.judged {
		e.worst.ulp, e.worst.x, e.worst.got, e.judged = ulp, x, got, true
	}
	if ulp > e.promise {
		if e.Beyond++; len(e.Wrong) < mostWrong {
			e.Wrong = append(e.Wrong, newCase(e.f, x, 0, got, ulp))
		}
	}
	if got != 0 && got-got == 0 && !math.IsInf(ulp, 0) {
		e.sum += ulp
		e.ordinary++
	}
}

// overflow32 is from where on a number rounds to an infinite float32.
const overflow32 = 0x1.ffffffp127

// order compares neighbours; of negative numbers the pattern that follows is the lower number.
func (e *every) order(x, next, y, after float32) {
	if math.Signbit(float64(x)) != math.Signbit(float64(next)) {
		return // the patterns of 0 and NaN, of which neither follows
	}
	if next < x {
		x, next, y, after = next, x, after, y
	}
	if turnsBack(e.spec, float64(x), float64(next), float64(y), float64(after)) {
		if e.Turns++; e.TurnAt == "" {
			e.TurnAt = hex(x)
		}
	}
}

// turnsBack reports whether a function that gives y at x and after at next > x goes the wrong way.
func turnsBack(s *Spec, x, next, y, after float64) bool {
	for _, v := range s.Up {
		if x >= v[0] && next <= v[1] && y > after {
			return true
		}
	}
	for _, v := range s.Down {
		if x >= v[0] && next <= v[1] && y < after {
			return true
		}
	}
	return false
}
