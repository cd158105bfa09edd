package kern_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
)

// isas are the instruction sets, the loops of which this machine can run.
func isas(t testing.TB) []kern.ISA {
	var all []kern.ISA
	for _, isa := range []kern.ISA{kern.Go, kern.AVX2, kern.AVX512} {
		if !wanted(isa) {
			continue
		}
		if isa > kern.Best() {
			if *only != "" {
				t.Fatalf("%s is asked for, which this machine does not have", isa)
			}
			t.Logf("NOT TESTED: %s, which this machine does not have", isa)
			continue
		}
		all = append(all, isa)
	}
	return all
}

// loopTest is a loop and what it is to compute of each element.
type loopTest struct {
	name     string
	of       func(*kern.Set) kern.Loop
	optional bool // may be nil
	cast     bool
	out      array.DType
	in       []array.DType
	scalar   [3]bool
	want     func(x [3]array.Scalar) array.Scalar
}

var scalars = map[kern.Form][3]bool{
	kern.VV: {}, kern.VS: {1: true}, kern.SV: {0: true}, kern.VSV: {1: true}, kern.VVS: {2: true}, kern.VSS: {1: true, 2: true},
}

// formName is VS.
func formName(f kern.Form) string {
	return [...]string{"VV", "VS", "SV", "VSV", "VVS", "VSS"}[f]
}

// elementTests are the element-wise ops.
func elementTests() []loopTest {
	var all []loopTest
	for _, op := range array.Ops() {
		info := op.Info()
		if op.IsReduction() || info.Go == (array.Text{}) {
			continue
		}
		for _, d := range array.DTypes() {
			if d == array.Bool && info.Go.Bool == "" || d.Integer() && info.Go.Int == "" || d.Float() && info.Go.Float == "" || info.Rule == array.RuleWord && d != array.Uint64 {
				continue
			}
			for _, f := range []kern.Form{kern.VV, kern.VS, kern.SV}[:1+2*(info.Arity-1)] {
				out := d
				if info.Rule.GivesBool() {
					out = array.Bool
				}
				required := f == kern.VV || d != array.Bool && !(d.Float() && info.Go.Float == array.Library) && (f == kern.VS || !op.Symmetric() && info.Rule != array.RuleCompare)
				all = append(all, loopTest{
					name:     fmt.Sprintf("%s/%s/%s", op, d, formName(f)),
					of:       func(s *kern.Set) kern.Loop { return s.Element(op, d, f) },
					optional: !required, out: out, in: []array.DType{d, d}[:info.Arity], scalar: scalars[f],
					want: func(x [3]array.Scalar) array.Scalar { return compute(op, d, x[0], x[1]) },
				})
				all = append(all, loopTest{
					name:     fmt.Sprintf("stream %s/%s/%s", op, d, formName(f)),
					of:       func(s *kern.Set) kern.Loop { return s.Stream(op, d, f) },
					optional: true, out: out, in: []array.DType{d, d}[:info.Arity], scalar: scalars[f],
					want: func(x [3]array.Scalar) array.Scalar { return compute(op, d, x[0], x[1]) },
				})
			}
		}
	}
	return all
}

// threeTests are the fused ops and where.
func threeTests() []loopTest {
	var all []loopTest
	for _, f := range []kern.Form{kern.VV, kern.VSV, kern.VVS, kern.VSS} {
		for _, d := range array.DTypes() {
			for stream, name := range []string{"", "stream "} {
				all = append(all, loopTest{
					name: fmt.Sprintf("%swhere/%s/%s", name, d, formName(f)),
					of: func(s *kern.Set) kern.Loop {
						return []func(array.DType, kern.Form) kern.Loop{s.Where, s.StreamWhere}[stream](d, f)
					},
					optional: stream == 1 || d == array.Bool && f != kern.VV,
					out:      d, in: []array.DType{array.Bool, d, d}, scalar: scalars[f],
					want: func(x [3]array.Scalar) array.Scalar { return pick(x[0], x[1], x[2]) },
				})
				for op, opName := range []string{"muladd", "mulsub", "negmuladd"} {
					if !d.Float() {
						continue
					}
					all = append(all, loopTest{
						name: fmt.Sprintf("%s%s/%s/%s", name, opName, d, formName(f)),
						of: func(s *kern.Set) kern.Loop {
							return []func(kern.Fused, array.DType, kern.Form) kern.Loop{s.Fused, s.StreamFused}[stream](kern.Fused(op), d, f)
						},
						optional: stream == 1,
						out:      d, in: []array.DType{d, d, d}, scalar: scalars[f],
						want: func(x [3]array.Scalar) array.Scalar { return computeFused(kern.Fused(op), d, x[0], x[1], x[2]) },
					})
				}
			}
		}
	}
	return all
}

// castTests are all pairs of types.
func castTests() []loopTest {
	var all []loopTest
	for _, from := range array.DTypes() {
		for _, to := range array.DTypes() {
			all = append(all, loopTest{
				name: fmt.Sprintf("cast/%s/%s", from, to),
				of:   func(s *kern.Set) kern.Loop { return s.Cast(from, to) },
				cast: true,
				out:  to, in: []array.DType{from},
				want: func(x [3]array.Scalar) array.Scalar { return x[0].Cast(to) },
			})
		}
	}
	return all
}

// lengths are those that the tests run over: all short ones, and those around tiles.
var lengths = func() []int {
	all := []int{0, 1, 7, 8, 63, 64, 65, 100, 511, 512, 513}
	if raceEnabled {
		return all
	}
	for n := range 131 {
		all = append(all, n)
	}
	for _, n := range []int{192, 256, 1024, 4096} {
		all = append(all, n-1, n, n+1, n+33)
	}
	slices.Sort(all)
	return slices.Compact(all)
}()

// TestLoops holds every loop of every instruction set against the oracle, at all short lengths and addresses, into
// other memory and in place.
func TestLoops(t *testing.T) {
	sets := map[string]*kern.Set{}
	for _, isa := range isas(t) {
		sets[isa.String()] = kern.New(isa)
	}
	for _, tests := range [][]loopTest{elementTests(), threeTests(), castTests()} {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				t.Parallel()
				test.run(t, sets)
			})
		}
	}
}

func (l loopTest) run(t *testing.T, sets map[string]*kern.Set) {
	loops := map[string]kern.Loop{}
	for name, set := range sets {
		if loop := l.of(set); loop != nil {
			loops[name] = loop
		} else if !l.optional {
			t.Fatalf("%s: there is no loop", name)
		}
	}
	if len(loops) == 0 {
		return
	}
	rng := rand.New(rand.NewPCG(1, uint64(len(l.name))))
	var operands [3]vector
	trials, all := 1, slices.DeleteFunc(slices.Clone(lengths), skipped)
	for i, d := range l.in {
		operands[i] = randomVector(rng, d, min(longest, slices.Max(all)+64), i*d.Size()%64)
		for k := range operands[i].n {
			if l.cast && misemulated(operands[i].get(k), l.out) {
				operands[i].set(k, array.ScalarOf(0).Cast(d))
			}
		}
	}
	if l.scalar != [3]bool{} {
		trials = 6
	}
	for trial := range trials {
		for i, d := range l.in {
			if l.scalar[i] {
				operands[i] = repeated(corner(rng, d, trial))
			}
		}
		want := make([]array.Scalar, slices.Max(all))
		for i := range want {
			want[i] = l.want(l.element(operands, i))
		}
		for name, loop := range loops {
			if reason := l.hold(loop, sets[name], operands, want, all); reason != "" {
				t.Fatalf("%s: %s", name, reason)
			}
		}
		all = []int{1, 64, 131, 300} // for one more scalar
		if testing.Short() {
			all = []int{1, 131}
		}
	}
}

// element are element i of the operands.
func (l loopTest) element(operands [3]vector, i int) (x [3]array.Scalar) {
	for k := range l.in {
		if l.scalar[k] {
			x[k] = operands[k].get(0)
		} else {
			x[k] = operands[k].get(i)
		}
	}
	return x
}

// hold runs the loop over the lengths; what it gives is a complaint, or "".
func (l loopTest) hold(loop kern.Loop, set *kern.Set, operands [3]vector, want []array.Scalar, lengths []int) string {
	expect, memory := newVector(l.out, len(want), 0), newVector(l.out, slices.Max(lengths), 0)
	var copies [3][]byte
	for i, s := range want {
		expect.set(i, s)
	}
	for _, n := range lengths {
		skew := n % 9 * l.out.Size() % 64
		if l.out == array.Bool {
			skew = n % 2 * 8
		}
		dst := memory.renewed(n, skew)
		var args [3][]byte
		for k, d := range l.in {
			length := n
			if l.scalar[k] {
				length = 1
			}
			args[k] = operands[k].bytes(length)
			if length == 0 && d != array.Bool {
				args[k] = []byte{}
			}
		}
		loop(dst.bytes(n), args[0], args[1], args[2], n)
		set.Fence()
		if reason := dst.differs(expect, n); reason != "" {
			return fmt.Sprintf("n = %d: %s", n, reason)
		}
		if reason := dst.spilled(n); reason != "" {
			return fmt.Sprintf("n = %d: %s", n, reason)
		}
		for k, d := range l.in { // in place
			if l.scalar[k] || storage(d, 64) != storage(l.out, 64) || (d == array.Bool) != (l.out == array.Bool) {
				continue
			}
			copied := operands[k]
			copies[k] = append(copies[k][:0], copied.whole...)
			copied.whole = copies[k]
			inPlace := args
			inPlace[k] = copied.bytes(n)
			loop(inPlace[k], inPlace[0], inPlace[1], inPlace[2], n)
			set.Fence()
			copied.dtype = l.out
			if reason := copied.differs(expect, n); reason != "" {
				return fmt.Sprintf("n = %d, in place of operand %d: %s", n, k, reason)
			}
		}
	}
	return ""
}

// differs compares the first n elements.
func (v vector) differs(want vector, n int) string {
	got, expected, size := v.bytes(n), want.bytes(n), v.dtype.Size()
	if v.dtype == array.Bool {
		got, expected = got[:n/8], expected[:n/8]
	}
	if bytes.Equal(got, expected) && v.dtype != array.Bool {
		return ""
	}
	for i := 0; i < n; i++ {
		switch {
		case v.dtype == array.Bool && i == 0 && bytes.Equal(got, expected):
			i = n &^ 7 // to the bits of the last byte
			if i == n {
				return ""
			}
		case v.dtype != array.Bool && bytes.Equal(got[i*size:(i+1)*size], expected[i*size:(i+1)*size]):
			continue
		}
		if got, want := v.get(i), want.get(i); !same(got, want) {
			return fmt.Sprintf("element %d is %s (%#x), want %s (%#x)", i, got, got.Bits(), want, want.Bits())
		}
	}
	return ""
}

// spilled looks at what stands around the n elements.
func (v vector) spilled(n int) string {
	end := v.at + storage(v.dtype, n)
	if bytes.Equal(v.whole[:v.at], poison[:v.at]) && bytes.Equal(v.whole[end:], poison[end:len(v.whole)]) {
		return ""
	}
	return fmt.Sprintf("bytes beside the %d of the result were written", end-v.at)
}

func TestParse(t *testing.T) {
	for name, want := range map[string]kern.ISA{"go": kern.Go, "avx2": kern.AVX2, "avx512": kern.AVX512} {
		if got, err := kern.Parse(name); want <= kern.Best() && (err != nil || got != want) || want > kern.Best() && err == nil {
			t.Errorf("Parse(%q) = %v, %v on a machine with %v", name, got, err, kern.Best())
		}
		if want.String() != name {
			t.Errorf("%v is not %q", want, name)
		}
	}
	if _, err := kern.Parse("neon"); err == nil || !strings.Contains(err.Error(), "avx2") {
		t.Errorf("a name that is none: %v", err)
	}
}
