package cpu_test

import (
	"encoding/binary"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
	"github.com/darray-go/darray/internal/ref"
	"github.com/darray-go/darray/internal/ref/bitwise"
)

// The oracle evaluates a program one element at a time, on array.Scalar, and shares no code with the loops.

// cell is one element; valid is false for null.
type cell struct {
	v     array.Scalar
	valid bool
}

// element evaluates every register of the program for the domain's element i, into regs.
func element(l *array.Launch, i int, regs []cell) []cell {
	p := l.Program
	regs = regs[:0]
	for _, in := range p.Inputs {
		switch in.Kind {
		case array.InputConst:
			regs = append(regs, cell{in.Value, true})
		case array.InputIota:
			regs = append(regs, cell{iotaAt(in, i), true})
		case array.InputBlock:
			v, ok := l.Operands[in.Slot].Scalar(i - l.Lo)
			regs = append(regs, cell{v, ok})
		case array.InputBroadcast:
			at, rest := 0, i
			for k := len(p.Domain) - 1; k >= 0; k-- {
				at += rest % p.Domain[k] * in.Strides[k]
				rest /= p.Domain[k]
			}
			v, ok := l.Operands[in.Slot].Scalar(at)
			regs = append(regs, cell{v, ok})
		}
	}
	for _, instr := range p.Code {
		var args [3]cell
		for k, a := range instr.Args {
			args[k] = regs[a]
		}
		regs = append(regs, apply(instr, args[:len(instr.Args)]))
	}
	return regs
}

func iotaAt(in array.Input, i int) array.Scalar {
	if in.DType.Float() {
		product := float64(i) * in.Step.Float()
		return array.ScalarOf(in.Value.Float() + product).Cast(in.DType)
	}
	return array.ScalarOf(in.Value.Bits() + uint64(i)*in.Step.Bits()).Cast(in.DType)
}

// apply is one instruction on one element.
func apply(instr array.Instr, args []cell) cell {
	switch instr.Op {
	case array.IsNull:
		return cell{array.ScalarOf(!args[0].valid), true}
	case array.FillNull:
		if args[0].valid {
			return args[0]
		}
		return args[1]
	case array.Where:
		picked := args[2]
		if args[0].v.Bits() != 0 {
			picked = args[1]
		}
		return cell{picked.v, args[0].valid && picked.valid}
	}
	for _, a := range args {
		if !a.valid {
			return cell{}
		}
	}
	switch instr.Op {
	case array.Cast:
		return cell{args[0].v.Cast(instr.Out), true}
	case array.Clip:
		raised := compute(array.Maximum, instr.In, args[0].v, args[1].v)
		return cell{compute(array.Minimum, instr.In, raised, args[2].v), true}
	case array.Floor, array.Ceil, array.Trunc, array.Round, array.Positive:
		if !instr.In.Float() {
			return args[0]
		}
	}
	var y array.Scalar
	if len(args) > 1 {
		y = args[1].v
	}
	return cell{compute(instr.Op, instr.In, args[0].v, y), true}
}

func compute(op array.Op, d array.DType, x, y array.Scalar) array.Scalar {
	if d.Float() && op.Info().Go.Float == array.Library {
		return array.ScalarOf(library(op, d, x.Float(), y.Float())).Cast(d)
	}
	compare := 0 // of x with y; 2 where they do not compare
	switch {
	case d.Float():
		switch a, b := x.Float(), y.Float(); {
		case a < b:
			compare = -1
		case a > b:
			compare = 1
		case a != b:
			compare = 2
		}
	case d.Signed() && int64(x.Bits()) < int64(y.Bits()), !d.Signed() && x.Bits() < y.Bits():
		compare = -1
	case x.Bits() != y.Bits():
		compare = 1
	}
	switch op {
	case array.Equal:
		return array.ScalarOf(compare == 0)
	case array.NotEqual:
		return array.ScalarOf(compare != 0)
	case array.Less:
		return array.ScalarOf(compare == -1)
	case array.LessEqual:
		return array.ScalarOf(compare == -1 || compare == 0)
	case array.Greater:
		return array.ScalarOf(compare == 1)
	case array.GreaterEqual:
		return array.ScalarOf(compare == 1 || compare == 0)
	case array.LogicalNot:
		return array.ScalarOf(x.Bits() == 0)
	case array.LogicalXor:
		return array.ScalarOf(x.Bits() != y.Bits())
	case array.SignBit:
		return array.ScalarOf(math.Signbit(x.Float()))
	case array.IsNaN:
		return array.ScalarOf(math.IsNaN(x.Float()))
	case array.IsInf:
		return array.ScalarOf(math.IsInf(x.Float(), 0))
	case array.IsFinite:
		return array.ScalarOf(!math.IsNaN(x.Float()) && !math.IsInf(x.Float(), 0))
	case array.NextAfter:
		return nextAfter(d, x, y)
	}
	if d.Float() {
		return array.ScalarOf(computeFloat(op, x.Float(), y.Float())).Cast(d)
	}
	a, b := x.Bits(), y.Bits()
	var r uint64
	switch op {
	case array.Add:
		if r = a + b; d == array.Bool {
			r = a | b
		}
	case array.Subtract:
		r = a - b
	case array.Multiply, array.LogicalAnd:
		r = a * b
	case array.LogicalOr:
		r = a | b
	case array.Negative:
		r = -a
	case array.Abs:
		if r = a; d.Signed() && int64(a) < 0 {
			r = -a
		}
	case array.Square:
		r = a * a
	case array.Minimum:
		if r = a; compare == 1 {
			r = b
		}
	case array.Maximum:
		if r = a; compare == -1 {
			r = b
		}
	case array.BitwiseAnd:
		r = a & b
	case array.BitwiseOr:
		r = a | b
	case array.BitwiseXor:
		r = a ^ b
	case array.BitwiseInvert:
		if r = ^a; d == array.Bool {
			r = 1 - a
		}
	case array.Philox:
		r = ref.PhiloxAt(a, b)
	case array.Sign:
		if r = min(a, 1); d.Signed() && int64(a) < 0 {
			r = math.MaxUint64
		}
	case array.BitwiseLeftShift:
		if b < uint64(8*d.Size()) {
			r = a << b
		}
	case array.BitwiseRightShift:
		if r = a >> b; d.Signed() {
			r = uint64(int64(a) >> b)
		}
	case array.FloorDivide, array.Remainder, array.Fmod:
		r = divide(op, d, a, b)
	case array.Pow:
		if d.Unsigned() || int64(b) >= 0 {
			r = new(big.Int).Exp(new(big.Int).SetUint64(a), new(big.Int).SetUint64(b), new(big.Int).Lsh(big.NewInt(1), 64)).Uint64()
		}
	}
	return array.ScalarOf(r).Cast(d)
}

// library are the ops that package vmath computes, by its functions of one element.
var library = bitwise.Library(kern.New(kern.Go))

// divide is the quotient or the rest of integers; 0 where the divisor is.
func divide(op array.Op, d array.DType, a, b uint64) uint64 {
	if b == 0 {
		return 0
	}
	if !d.Signed() {
		if op == array.FloorDivide {
			return a / b
		}
		return a % b
	}
	x, y := int64(a), int64(b)
	rest := x % y
	if op == array.Fmod {
		return uint64(rest)
	}
	down := uint64(0)
	if rest != 0 && (rest^y) < 0 {
		rest, down = rest+y, 1
	}
	if op == array.Remainder {
		return uint64(rest)
	}
	return uint64(x/y) - down
}

func nextAfter(d array.DType, x, y array.Scalar) array.Scalar {
	switch a, b := x.Float(), y.Float(); {
	case a == b:
		return y
	case d == array.Float32:
		return array.ScalarOf(math.Nextafter32(float32(a), float32(b)))
	default:
		return array.ScalarOf(math.Nextafter(a, b))
	}
}

// computeFloat works in float64 for both types: for these ops, rounding its result to float32 gives what float32
// arithmetic gives, as 53 bits are more than twice 24 and two.
func computeFloat(op array.Op, a, b float64) float64 {
	if (op == array.Minimum || op == array.Maximum) && (math.IsNaN(a) || math.IsNaN(b)) {
		return math.NaN() // math.Min puts -Inf before NaN, IEEE 754 does not
	}
	switch op {
	case array.Add:
		return a + b
	case array.Subtract:
		return a - b
	case array.Multiply:
		return a * b
	case array.Divide:
		return a / b
	case array.Negative:
		return -a
	case array.Abs:
		return math.Abs(a)
	case array.Sqrt:
		return math.Sqrt(a)
	case array.Square:
		return a * a
	case array.Minimum:
		return math.Min(a, b)
	case array.Maximum:
		return math.Max(a, b)
	case array.Floor:
		return math.Floor(a)
	case array.Ceil:
		return math.Ceil(a)
	case array.Trunc:
		return math.Trunc(a)
	case array.Round:
		return math.RoundToEven(a)
	case array.Reciprocal:
		return 1 / a
	case array.Positive:
		return a
	case array.CopySign:
		return math.Copysign(a, b)
	case array.Sign:
		if a == 0 || math.IsNaN(a) {
			return a + 0
		}
		return math.Copysign(1, a)
	}
	return math.NaN()
}

// reduction folds one register over the part as array/tree.go says, lane by lane.
func reduction(o array.Output, lo int, column []cell) array.Forest {
	acc := array.AccumulatorType(o.Op, o.DType)
	forest := array.Forest{}
	for at := 0; at < len(column); at += array.LeafSize {
		var lanes [array.Lanes]uint64
		for l := range lanes {
			lanes[l] = array.Identity(o.Op, acc)
		}
		p := array.Partial{Index: uint64(lo+at) / array.LeafSize}
		for j, c := range column[at:min(at+array.LeafSize, len(column))] {
			if c.valid {
				p.Count++
				lanes[j%array.Lanes] = array.Join(o.Op, acc, lanes[j%array.Lanes], c.v.Cast(acc).Bits())
			}
		}
		for w := array.Lanes / 2; w > 0; w /= 2 {
			for l := range w {
				lanes[l] = array.Join(o.Op, acc, lanes[l], lanes[l+w])
			}
		}
		if p.Acc = lanes[0]; o.Op == array.Count {
			p.Acc = 0
		}
		forest = forest.Push(o.Op, acc, p)
	}
	return forest
}

// same reports equality bit for bit, any NaN with any NaN.
func same(x, y array.Scalar) bool {
	return x == y || x.DType() == y.DType() && x.DType().Float() && math.IsNaN(x.Float()) && math.IsNaN(y.Float())
}

// verify compares what a launch gave with the oracle.
func verify(t *testing.T, l *array.Launch, forests []array.Forest) {
	t.Helper()
	var regs []cell
	columns := make([][]cell, len(l.Program.Outputs))
	for i := l.Lo; i < l.Hi; i++ {
		regs = element(l, i, regs)
		for k, o := range l.Program.Outputs {
			want := regs[o.Reg]
			if o.Reduce {
				columns[k] = append(columns[k], want)
				continue
			}
			got, ok := l.Results[k].Scalar(i - l.Lo)
			if ok != want.valid || ok && !same(got, want.v) {
				t.Fatalf("%s, part [%d, %d): element %d is %s (valid %v), want %s (valid %v)", l.Program, l.Lo, l.Hi, i, got, ok, want.v, want.valid)
			}
		}
	}
	for k, o := range l.Program.Outputs {
		if !o.Reduce || o.Op == array.ArgMin || o.Op == array.ArgMax { // positions are held against internal/ref, in axes_test.go
			continue
		}
		acc := array.AccumulatorType(o.Op, o.DType)
		if want := reduction(o, l.Lo, columns[k]); !sameForest(acc, forests[k], want) {
			t.Fatalf("%s: forest %v, want %v", l.Program, forests[k], want)
		}
	}
}

func sameForest(acc array.DType, x, y array.Forest) bool {
	return slices.EqualFunc(x, y, func(a, b array.Partial) bool {
		return a.Level == b.Level && a.Index == b.Index && a.Count == b.Count &&
			same(array.ScalarFromBits(acc, a.Acc), array.ScalarFromBits(acc, b.Acc))
	})
}

// Ways to spread nulls.
const (
	noNulls = iota
	someNulls
	allNulls
)

// randomBlock is a block of n elements that begins inside its buffers, with values from the corners of the type.
func randomBlock(rng *rand.Rand, d array.DType, n, offset, nulls int) *array.Block {
	values := array.AllocBytes(d.BufferSize(n+offset) + 16)
	for i := range n + offset {
		put(values, d, i, randomScalar(rng, d))
	}
	var validity []byte
	if nulls != noNulls {
		validity = make([]byte, (n+offset+7)/8)
		for i := range n + offset {
			if nulls == someNulls && rng.IntN(4) > 0 {
				validity[i/8] |= 1 << (i % 8)
			}
		}
	}
	b, err := array.WrapBlock(d, n, offset, values, validity, nil)
	if err != nil {
		panic(err)
	}
	return b
}

func put(values []byte, d array.DType, i int, s array.Scalar) {
	bits := s.Bits()
	if d == array.Float32 {
		bits = uint64(math.Float32bits(float32(s.Float())))
	}
	var word [8]byte
	binary.LittleEndian.PutUint64(word[:], bits)
	if d == array.Bool {
		values[i/8] |= byte(bits) << (i % 8)
		return
	}
	copy(values[i*d.Size():(i+1)*d.Size()], word[:])
}

func randomScalar(rng *rand.Rand, d array.DType) array.Scalar {
	if !d.Float() {
		switch rng.IntN(3) {
		case 0:
			return array.ScalarOf(rng.Uint64()).Cast(d)
		case 1: // the corners
			return array.ScalarOf(uint64(1)<<rng.IntN(64) - uint64(rng.IntN(2))).Cast(d)
		}
		return array.ScalarOf(rng.IntN(9) - 4).Cast(d)
	}
	special := []float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), 127.5, -128.5, 1 << 31, -1 << 63, 1 << 63, 1 << 64, math.MaxFloat32, 5e-324}
	switch rng.IntN(4) {
	case 0:
		return array.ScalarOf(special[rng.IntN(len(special))]).Cast(d)
	case 1:
		return array.ScalarOf(math.Ldexp(rng.Float64(), rng.IntN(140)-70)).Cast(d)
	}
	return array.ScalarOf(rng.NormFloat64() * 100).Cast(d)
}
