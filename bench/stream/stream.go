// Package stream measures what a machine's memory gives: the loops copy, add, triad and sum of McCalpin's STREAM benchmark
// (https://www.cs.virginia.edu/stream), with stores through the caches and past them, over huge pages where the system has
// them. It is the limit that an engine's a + b can reach.
package stream

//go:generate go run ../../internal/gen/stream

import (
	"fmt"
	"sync"
)

// Op is one of STREAM's loops.
type Op string

// The loops, and the bytes that STREAM counts for an element of each: 16, 24, 24 and 8.
const (
	Copy  Op = "copy"  // c[i] = a[i]
	Add   Op = "add"   // c[i] = a[i] + b[i]
	Triad Op = "triad" // c[i] = a[i] + 3*b[i]
	Sum   Op = "sum"   // the sum of a
)

// Ops lists the loops.
func Ops() []Op { return []Op{Copy, Add, Triad, Sum} }

// Bytes is what STREAM counts for n elements: what the loop reads and writes, not what a cache fetches to write it.
func (op Op) Bytes(n int) float64 {
	switch op {
	case Copy:
		return 16 * float64(n)
	case Sum:
		return 8 * float64(n)
	}
	return 24 * float64(n)
}

// round is what the loops in assembly take at a time, in elements; a part of this many starts a page of 4 KiB as well.
const round = 512

// alone is the elements below which starting a second thread costs more than it brings.
const alone = 1 << 15

// Arrays are the operands a and b and the result c of the loops, their pages in memory. Free gives them back; they are
// for one caller at a time.
type Arrays struct {
	a, b, c []float64
	sums    []float64 // by thread
	memory  mapping
}

// NewArrays makes arrays of n elements, rounded up to a multiple of 512: a[i] = i modulo 1024, b[i] = 1.
func NewArrays(n, threads int) (*Arrays, error) {
	if n < 1 || threads < 1 {
		return nil, fmt.Errorf("arrays of %d elements for %d threads: both are at least 1", n, threads)
	}
	n = (n + round - 1) / round * round
	all, memory, err := allocate(3 * n)
	if err != nil {
		return nil, err
	}
	s := &Arrays{a: all[:n], b: all[n : 2*n], c: all[2*n : 3*n], sums: make([]float64, threads), memory: memory}
	s.parts(func(_, lo, hi int) {
		for i := lo; i < hi; i++ {
			s.a[i], s.b[i], s.c[i] = float64(i%1024), 1, 0
		}
	})
	return s, nil
}

// Len is the number of elements of each array.
func (s *Arrays) Len() int { return len(s.a) }

// Result is c.
func (s *Arrays) Result() []float64 { return s.c }

// Run does one loop over the whole arrays by all threads and waits for it. past stores past the caches, where this machine
// can. The result is the sum; of the other loops, 0.
func (s *Arrays) Run(op Op, past bool) float64 {
	s.parts(func(thread, lo, hi int) {
		s.sums[thread] = run(op, past, s.c[lo:hi], s.a[lo:hi], s.b[lo:hi])
	})
	total := 0.0
	for i, sum := range s.sums {
		total, s.sums[i] = total+sum, 0
	}
	return total
}

// parts calls f with the share of each thread and waits for all.
func (s *Arrays) parts(f func(thread, lo, hi int)) {
	threads := len(s.sums)
	if len(s.a) <= alone {
		threads = 1
	}
	rounds := len(s.a) / round
	bound := func(t int) int { return t * rounds / threads * round }
	var others sync.WaitGroup
	for t := 1; t < threads; t++ {
		others.Go(func() { f(t, bound(t), bound(t+1)) })
	}
	f(0, 0, bound(1))
	others.Wait()
}

// Free gives the memory back. The arrays must not be used any more.
func (s *Arrays) Free() error {
	memory := s.memory
	*s = Arrays{}
	return memory.free()
}

// runGo is the loops on any machine.
func runGo(op Op, c, a, b []float64) float64 {
	sum := 0.0
	switch op {
	case Copy:
		copy(c, a)
	case Add:
		for i := range c {
			c[i] = a[i] + b[i]
		}
	case Triad:
		for i := range c {
			c[i] = a[i] + 3*b[i]
		}
	case Sum:
		for _, x := range a {
			sum += x
		}
	}
	return sum
}
