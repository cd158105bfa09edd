package ptx_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/cuda/ptx/ptxtest"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/internal/ref/bitwise"
)

// nodes are the registers of a launch's program as expressions; nil where an input counts, which ref does by itself.
func nodes(l *array.Launch) []*array.Node {
	p := l.Program
	var out []*array.Node
	for _, in := range p.Inputs {
		switch in.Kind {
		case array.InputIota:
			return nil
		case array.InputConst:
			out = append(out, array.Full(in.Value, p.Domain, 0))
			continue
		}
		b := l.Operands[in.Slot]
		whole := array.NewBlock(in.DType, p.Domain, b.HasNulls())
		for i := range whole.Len() {
			at, rest := i, i
			if in.Kind == array.InputBroadcast {
				at = 0
				for axis := len(p.Domain) - 1; axis >= 0; axis-- {
					at += rest % p.Domain[axis] * in.Strides[axis]
					rest /= p.Domain[axis]
				}
			}
			x, ok := b.Scalar(at)
			if !ok {
				x = array.ScalarFromBits(in.DType, 0)
			}
			whole.SetScalar(i, x, ok)
		}
		out = append(out, array.Data(whole, 0))
	}
	for _, instr := range p.Code {
		if instr.Op == array.Cast {
			out = append(out, array.CastTo(out[instr.Args[0]], instr.Out, 0))
			continue
		}
		var args []*array.Node
		for _, a := range instr.Args {
			args = append(args, out[a])
		}
		out = append(out, array.Apply(instr.Op, 0, args...))
	}
	return out
}

// TestReference holds kernels of random programs against the slow evaluator, which defines what ops are.
func TestReference(t *testing.T) {
	leak.Check(t)
	seen := 0
	for seed := range uint64(150 / stride) {
		rng := rand.New(rand.NewPCG(seed, 2))
		l := launches.Random(rng)
		regs := nodes(l)
		if regs == nil || l.Hi == 0 {
			continue
		}
		got := ptxtest.Fused(t, l, randomOptions(rng, l))
		for i, o := range l.Program.Outputs {
			if o.DType != regs[o.Reg].DType() {
				t.Fatalf("%d: %s is %s, want %s", seed, l.Program, regs[o.Reg].DType(), o.DType)
			}
			n := regs[o.Reg]
			if o.Reduce {
				n = array.Reduce(o.Op, 0, n)
			}
			want, err := bitwise.Eval(n)
			var without *array.ElementError
			if errors.As(err, &without) {
				if len(got.Faults) == 0 {
					t.Errorf("%d: %s tells of no fault: %v", seed, l.Program, err)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			seen++
			for at := range want.Len() {
				y, valid := want.Scalar(at)
				x, ok := value(got, l, i, at, y.DType())
				if ok != valid || ok && !ptxtest.Same(x, y) {
					t.Fatalf("%d: %s: element %d of output %d is %s (valid %v), want %s (valid %v)\n%s",
						seed, l.Program, at, i, x, ok, y, valid, got.Kernel.Text)
				}
			}
		}
	}
	if seen < 60/stride {
		t.Errorf("only %d outputs were looked at", seen)
	}
}

// value is an element of an output, or what a reduction comes to.
func value(got ptxtest.Outcome, l *array.Launch, i, at int, d array.DType) (array.Scalar, bool) {
	o := l.Program.Outputs[i]
	if !o.Reduce {
		return got.Results[i].Scalar(at)
	}
	acc := array.AccumulatorType(o.Op, o.DType)
	var forest array.Forest
	for _, node := range got.Nodes[i] {
		forest = forest.Push(o.Op, acc, node)
	}
	return forest.Result(o.Op, acc, d)
}

// TestBlackScholes runs the program of examples/blackscholes.
func TestBlackScholes(t *testing.T) {
	leak.Check(t)
	cpu := ptxtest.NewProcessor(t)
	rng := rand.New(rand.NewPCG(1, 1))
	const rows, columns = 90, 24
	for _, spread := range []float64{1, 1e300} {
		strike, years := array.NewBlock(array.Float64, array.Shape{rows}, false), array.NewBlock(array.Float64, array.Shape{columns}, false)
		for i := range rows {
			strike.SetScalar(i, array.ScalarOf((50+100*rng.Float64())*spread), true)
		}
		for i := range columns {
			years.SetScalar(i, array.ScalarOf(float64(i+1)/12), true)
		}
		p := blackScholes(rows, columns)
		t.Run(fmt.Sprint(spread), func(t *testing.T) {
			cpu.Compare(t, &array.Launch{Program: p, Hi: rows * columns, Operands: []*array.Block{strike, years}}, ptxtest.Options{Races: true})
		})
	}
}
