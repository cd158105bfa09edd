package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
	"github.com/darray-go/darray/exec/cpu/vmath"
	"github.com/darray-go/darray/internal/ref/judge"
	"github.com/darray-go/darray/internal/ref/real"
)

// measureAll measures what the options ask for, and saves after each function. It fails in the end where one broke its promise,
// whose figures are not saved.
func (m figures) measureAll(ctx context.Context, o options, save func() error) error {
	functions, err := all()
	if err != nil {
		return err
	}
	var broken []error
	for _, f := range functions {
		if len(o.only) > 0 && !o.only[f.spec.Name] {
			continue
		}
		broken = append(broken, measure[float64](ctx, m, f, o, "float64", f.ULP), measure[float32](ctx, m, f, o, "float32", f.ULP32), save())
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(broken...)
}

func measure[T judge.Float](ctx context.Context, m figures, f described, o options, d string, promise float64) error {
	name := f.spec.Name
	e := m.entry(name, f.Function, d)
	apply, err := fastest[T](f.spec)
	if err != nil {
		return err
	}
	if o.errors {
		got, err := tried(ctx, f.spec, apply, promise, o.inputs)
		if err != nil {
			return err
		}
		if got.Beyond > 0 {
			return fmt.Errorf("%s of %s promises %g ulp and breaks it for %d of %d inputs: %s", name, d, promise, got.Beyond, got.Inputs, got.Wrong[0])
		}
		e.Errors = &got
		if f.Arity == 1 {
			order := judge.Neighbours(f.spec, func(dst, x []T) { apply(dst, x, nil) }, o.inputs, 1)
			if e.Order = &order; order.Pairs == 0 {
				e.Order = nil
			}
		}
		fmt.Printf("%-12s %s  max %.4f  mean %.4f  of %d\n", name, d, got.Max, got.Mean, got.Inputs)
	}
	if o.every && d == "float32" && f.Arity == 1 {
		if e.Every, err = every(ctx, f.spec, promise); err != nil {
			return err
		}
		fmt.Printf("%-12s %s  max %.4f  mean %.4f  of all\n", name, d, e.Every.Max, e.Every.Mean)
	}
	if o.times {
		e.Times, e.Processor = times[T](f.spec), processor()
		fmt.Printf("%-12s %s", name, d)
		for _, way := range slices.Sorted(maps.Keys(e.Times)) {
			fmt.Printf("  %s %.3g ns (%.3g to %.3g)", way, e.Times[way].Median, e.Times[way].Min, e.Times[way].Max)
		}
		fmt.Println()
	}
	return ctx.Err()
}

// tried judges the function on inputs of as many seeds as there are processors, at the same time.
func tried[T judge.Float](ctx context.Context, s *judge.Spec, apply func(dst, x, y []T), promise float64, inputs int64) (judge.Figures, error) {
	n := int64(runtime.GOMAXPROCS(0))
	parts := make(chan judge.Figures, n)
	for i := range n {
		go func() { parts <- judge.Run(s, apply, promise, (inputs+n-1)/n, uint64(i)+1) }()
	}
	var sum judge.Figures
	for range n {
		sum = sum.Join(<-parts)
	}
	return sum, ctx.Err()
}

// every judges all float32 by the function's float64 routine.
func every(ctx context.Context, s *judge.Spec, promise float64) (*judge.EveryFigures, error) {
	apply32, err := fastest[float32](s)
	if err != nil {
		return nil, err
	}
	apply64, err := fastest[float64](s)
	if err != nil {
		return nil, err
	}
	got, err := judge.Every(ctx, s, func(dst, x []float32) { apply32(dst, x, nil) }, func(dst, x []float64) { apply64(dst, x, nil) }, promise, runtime.GOMAXPROCS(0))
	if err == nil && got.Beyond > 0 {
		err = fmt.Errorf("%s of float32 promises %g ulp and breaks it for %d of all inputs: %s", s.Name, promise, got.Beyond, got.Wrong[0])
	}
	return &got, err
}

// fastest is the function by the best instruction set of this machine.
func fastest[T judge.Float](s *judge.Spec) (func(dst, x, y []T), error) {
	isa := kern.Best()
	if isa == kern.Go {
		return inGo[T](s)
	}
	return routine[T](s, isa)
}

func routine[T judge.Float](s *judge.Spec, isa kern.ISA) (func(dst, x, y []T), error) {
	r := vmath.Find(s.Func, single[T](), isa == kern.AVX512)
	if r == nil {
		return nil, fmt.Errorf("package vmath has no routine of %s", s.Func)
	}
	return func(dst, x, y []T) {
		second := x
		if y != nil {
			second = y
		}
		r(&array.Bytes(dst)[0], &array.Bytes(x)[0], &array.Bytes(second)[0], len(dst), false)
	}, nil
}

func single[T judge.Float]() bool {
	var zero T
	_, ok := any(zero).(float32)
	return ok
}

// inGo is the function of one element in a loop.
func inGo[T judge.Float](s *judge.Spec) (func(dst, x, y []T), error) {
	f, ok := vmath.FindScalar(s.Func)
	if !ok {
		return nil, fmt.Errorf("package vmath has no %s", s.Func)
	}
	var apply any
	switch {
	case single[T]() && s.Arity == 1:
		apply = unary(f.Unary32)
	case single[T]():
		apply = binary(f.Binary32)
	case s.Arity == 1:
		apply = unary(f.Unary)
	default:
		apply = binary(f.Binary)
	}
	return apply.(func(dst, x, y []T)), nil
}

func unary[T judge.Float](f func(T) T) func(dst, x, y []T) {
	return func(dst, x, _ []T) {
		for i := range dst {
			dst[i] = f(x[i])
		}
	}
}

func binary[T judge.Float](f func(x, y T) T) func(dst, x, y []T) {
	return func(dst, x, y []T) {
		for i := range dst {
			dst[i] = f(x[i], y[i])
		}
	}
}

// times measures a thousand elements in cache, of the range of ordinary results, for each instruction set that is here.
func times[T judge.Float](s *judge.Spec) map[string]spread {
	const n = 1000
	x, y := ordinary[T](s, n)
	dst := make([]T, n)
	out := map[string]spread{}
	for isa := kern.Go; isa <= kern.Best(); isa++ {
		apply, err := inGo[T](s)
		if isa != kern.Go {
			apply, err = routine[T](s, isa)
		}
		if err == nil {
			out[isa.String()] = timed(func() { apply(dst, x, y) }, n)
		}
	}
	return out
}

// ordinary are n operands in the range of ordinary results that give normal numbers: what overflows in float32 is none, and
// subnormal numbers, zeros and NaN have ways, and speeds, of their own.
func ordinary[T judge.Float](s *judge.Spec, n int) (x, y []T) {
	f, rng := real.Find(s.Name), rand.New(rand.NewPCG(1, 1))
	least, most := math.SmallestNonzeroFloat64*0x1p52, math.MaxFloat64
	if single[T]() {
		least, most = math.SmallestNonzeroFloat32*0x1p23, math.MaxFloat32
	}
	a, b := make([]T, 1), make([]T, 1)
	for len(x) < n {
		judge.Fill(s, judge.Range, rng, a, b)
		if r := math.Abs(f.Round64(float64(a[0]), float64(b[0]))); r >= least && r <= most {
			x, y = append(x, a[0]), append(y, b[0])
		}
	}
	return x, y
}

// timed runs f for some milliseconds, eleven times.
func timed(f func(), n int) spread {
	reps := 1
	for {
		start := time.Now()
		for range reps {
			f()
		}
		if time.Since(start) > 2*time.Millisecond {
			break
		}
		reps *= 2
	}
	var all []float64
	for range 11 {
		start := time.Now()
		for range reps {
			f()
		}
		all = append(all, float64(time.Since(start).Nanoseconds())/float64(reps)/float64(n))
	}
	slices.Sort(all)
	return spread{all[0], all[len(all)/2], all[len(all)-1]}
}

// processor is the processor's name where the system tells it.
func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
