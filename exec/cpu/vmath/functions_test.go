package vmath_test

import (
	"flag"
	"fmt"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
	"github.com/darray-go/darray/exec/cpu/vmath"
	gen "github.com/darray-go/darray/internal/gen/vmath"
	"github.com/darray-go/darray/internal/ref/judge"
)

var (
	long   = flag.Bool("vmath.long", false, "10^7 inputs a function and type, and all float32 for functions of one operand: hours")
	inputs = flag.Int64("vmath.inputs", 100_000, "how many inputs a function and type without -vmath.long")
	seed   = flag.Uint64("vmath.seed", 1, "what the inputs follow from")
	only   = flag.String("vmath.isa", "", "test this instruction set alone beside Go's: avx2 or avx512")
)

// tried is how many inputs a test takes that looks at every function, of which it is a part.
func tried(part int64) int64 {
	n := *inputs
	if *long {
		n = 10_000_000
	}
	return max(1, n/part)
}

// wanted reports whether the op table says of a function that this package computes it.
func wanted(name string) bool {
	for _, op := range array.Ops() {
		if info := op.Info(); info.Name == name {
			return info.Go.Float == array.Library
		}
	}
	return false
}

// function is what is tested under one name.
type function struct {
	*judge.Spec
	scalar     vmath.Scalar
	ulp, ulp32 float64 // as promised
}

// functions are all that there are to test.
func functions(t *testing.T) []function {
	t.Helper()
	if *only != "" && len(isas()) == 0 {
		t.Fatalf("this machine has no %s; it has %s at best", *only, kern.Best())
	}
	promised := map[string]gen.Function{}
	for _, f := range gen.Functions() {
		promised[f.Name] = f
	}
	var all []function
	for _, s := range judge.All() {
		scalar, ok := vmath.FindScalar(s.Func)
		p, described := promised[s.Func]
		switch {
		case !ok && !wanted(s.Name):
			continue
		case !ok || !described:
			t.Errorf("NOT TESTED: package vmath has no %s", s.Func)
			continue
		}
		delete(promised, s.Func)
		all = append(all, function{s, scalar, p.ULP, p.ULP32})
	}
	for name := range promised {
		t.Errorf("NOT TESTED: package judge does not know %s", name)
	}
	return all
}

// eachFunction runs a test for every function, at the same time.
func eachFunction(t *testing.T, test func(t *testing.T, f function)) {
	for _, f := range functions(t) {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			test(t, f)
		})
	}
}

// way is one implementation of a function: for elements of type T, any number of them.
type way[T judge.Float] struct {
	name  string
	apply func(dst, x, y []T)
}

// ways are Go's, and the routines of the instruction sets that this machine has.
func ways[T judge.Float](t *testing.T, f function) []way[T] {
	t.Helper()
	all := []way[T]{{"go", inGo[T](f)}}
	for _, isa := range isas() {
		r := routine[T](t, f, isa)
		all = append(all, way[T]{isa.String(), func(dst, x, y []T) { call(r, dst, x, y, false) }})
	}
	return all
}

// fastest is the last of the ways.
func fastest[T judge.Float](t *testing.T, f function) way[T] {
	all := ways[T](t, f)
	return all[len(all)-1]
}

func single[T judge.Float]() bool {
	var zero T
	_, ok := any(zero).(float32)
	return ok
}

func routine[T judge.Float](t *testing.T, f function, isa kern.ISA) vmath.Routine {
	t.Helper()
	r := vmath.Find(f.Func, single[T](), isa == kern.AVX512)
	if r == nil {
		t.Fatalf("no routine of %s for %s", f.Func, isa)
	}
	return r
}

// inGo is the function of one element in a loop.
func inGo[T judge.Float](f function) func(dst, x, y []T) {
	one := scalar[T](f)
	if f.Arity == 2 {
		return func(dst, x, y []T) {
			for i := range dst {
				dst[i] = one(x[i], y[i])
			}
		}
	}
	return func(dst, x, _ []T) {
		for i := range dst {
			dst[i] = one(x[i], 0)
		}
	}
}

// scalar is the function of one element; one of one operand ignores the second.
func scalar[T judge.Float](f function) func(x, y T) T {
	switch {
	case single[T]() && f.Arity == 2:
		return func(x, y T) T { return T(f.scalar.Binary32(float32(x), float32(y))) }
	case single[T]():
		return func(x, _ T) T { return T(f.scalar.Unary32(float32(x))) }
	case f.Arity == 2:
		return func(x, y T) T { return T(f.scalar.Binary(float64(x), float64(y))) }
	}
	return func(x, _ T) T { return T(f.scalar.Unary(float64(x))) }
}

// call calls a routine for all of dst.
func call[T judge.Float](r vmath.Routine, dst, x, y []T, past bool) {
	if len(dst) == 0 {
		return
	}
	second := &array.Bytes(x)[0]
	if y != nil {
		second = &array.Bytes(y)[0]
	}
	r(&array.Bytes(dst)[0], &array.Bytes(x)[0], second, len(dst), past)
}

// bits are those of a float of either type.
func bits[T judge.Float](x T) string { return fmt.Sprintf("%x", float64(x)) }

// same reports equal bits; any NaN is another's equal.
func same[T judge.Float](x, y T) bool {
	return x == y && (x != 0 || 1/x == 1/y) || x != x && y != y
}

// isas are the instruction sets with routines that this machine has and that are asked for.
func isas() []kern.ISA {
	var all []kern.ISA
	for isa := kern.AVX2; isa <= kern.Best(); isa++ {
		if *only == "" || *only == isa.String() {
			all = append(all, isa)
		}
	}
	return all
}
