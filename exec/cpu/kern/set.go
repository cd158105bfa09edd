package kern

import "github.com/darray-go/darray/array"

// Set is the kernels of an instruction set. It is read only and serves any number of goroutines.
type Set struct {
	isa                ISA
	element, stream    [len(elements)][array.Float64 + 1][SV + 1]Loop
	fused, streamFused [NegMulAdd + 1][array.Float64 + 1][VSS + 1]Loop
	where, streamWhere [array.Float64 + 1][VSS + 1]Loop
	casts              [array.Float64 + 1][array.Float64 + 1]Loop
	folds              foldLoops
	leaves             leavesLoops
	joins              [array.Max + 1][array.Float64 + 1]func(s *byte)
	chain              chains
	rows               [array.Max + 1][array.Float64 + 1][OfDeviation + 1]Rows
}

// New gives the kernels of an instruction set, those of the next lower one where it has none, those in Go at last. The
// machine must have it (see Best): its instructions end the program elsewhere.
func New(isa ISA) *Set {
	s := &Set{isa: isa}
	s.take(&kernels{}, 0)
	for level := AVX2; level <= isa; level++ {
		if k := routines(level); k != nil {
			s.take(k, vectorBytes[level])
			s.takeLibrary(level, vectorBytes[level])
		}
	}
	s.takeChains(isa)
	for op := range elements {
		for d := array.Int8; d <= array.Float64; d++ {
			if s.element[op][d][VV] != nil && keeps(array.Op(op), d) {
				s.element[op][d][VV] = copies(d.Size())
			}
		}
	}
	return s
}

// keeps reports whether the op of one operand of type d, a number, is that operand.
func keeps(op array.Op, d array.DType) bool {
	switch op {
	case array.Positive:
		return true
	case array.Abs:
		return d.Unsigned()
	case array.Floor, array.Ceil, array.Trunc, array.Round:
		return d.Integer()
	}
	return false
}

// copies are the loops that only move elements, by their size.
func copies(size int) Loop {
	return func(dst, x, _, _ []byte, n int) { copy(dst[:n*size], x[:n*size]) }
}

// vectorBytes are the sizes of a vector.
var vectorBytes = [...]int{AVX2: 32, AVX512: 64}

// take puts the routines of k, with vectors of width bytes, in the place of what is there, and the loops in Go where
// nothing is.
func (s *Set) take(k *kernels, width int) {
	s.takeCasts(k)
	s.takeFolds(k)
	s.takeLeaves(k)
	s.takeRows(k)
	for op := range elements {
		for d := range elements[op] {
			for f, rest := range elements[op][d] {
				at := elementSpans(array.Op(op), array.DType(d), Form(f))
				var run, stream kernel
				if op < len(k.element) {
					run = k.element[op][d][f]
				}
				if op < len(k.stream) {
					stream = k.stream[op][d][f]
				}
				put(&s.element[op][d][f], &s.stream[op][d][f], run, stream, at, width, rest)
			}
		}
	}
	for d := array.Bool; d <= array.Float64; d++ {
		for f := range VSS + 1 {
			for op := range fusedOps {
				put(&s.fused[op][d][f], &s.streamFused[op][d][f], k.fused[op][d][f], k.streamFused[op][d][f],
					spansOf(f, d, d, d, d), width, fusedOps[op][d][f])
			}
			put(&s.where[d][f], &s.streamWhere[d][f], k.where[d][f], k.streamWhere[d][f],
				spansOf(f, d, array.Bool, d, d), width, picks[d][f])
		}
	}
}

// put makes loops of routines; where there is none, what was there stays, and the loop in Go comes where nothing was.
func put(loop, streamed *Loop, run, stream kernel, at spans, width int, rest Loop) {
	if *loop == nil || run.run != nil {
		*loop = run.loop(at, rest)
	}
	if stream.run != nil {
		*streamed = stream.streamed(at, width, rest)
	}
}

// ISA is the instruction set that the kernels are for.
func (s *Set) ISA() ISA { return s.isa }

// Element is the loop of an element-wise op that computes in d; nil where there is none. VV is there wherever the op is
// defined; of the others, VS for every binary op of numbers but those of
// package vmath, SV for those that are not VS, or another op's VS, with the
// operands exchanged. The result of a comparison is a bitmap, operands of d Bool are bitmaps.
func (s *Set) Element(op array.Op, d array.DType, f Form) Loop {
	if int(op) >= len(elements) || d > array.Float64 || f > SV {
		return nil
	}
	return s.element[op][d][f]
}

// Stream is Element with stores that go past the caches: for results that are not read again soon and are much larger
// than them, in memory whose pages are there already. Call Fence before another goroutine reads the result. nil where
// there is none; then take Element.
func (s *Set) Stream(op array.Op, d array.DType, f Form) Loop {
	if int(op) >= len(elements) || d > array.Float64 || f > SV {
		return nil
	}
	return s.stream[op][d][f]
}

// Fused is the loop of a fused op of floats of type d; nil where there is none. VV stands for three vectors.
func (s *Set) Fused(op Fused, d array.DType, f Form) Loop {
	if op > NegMulAdd || d > array.Float64 || f > VSS {
		return nil
	}
	return s.fused[op][d][f]
}

// StreamFused is Fused as Stream is Element.
func (s *Set) StreamFused(op Fused, d array.DType, f Form) Loop {
	if op > NegMulAdd || d > array.Float64 || f > VSS {
		return nil
	}
	return s.streamFused[op][d][f]
}

// Where is dst[i] = y[i] where bit i of the bitmap x is set, else z[i]. Values of type d, for Bool bitmaps too. The forms
// are VV, VSV, VVS and VSS; for Bool VV alone, else nil.
func (s *Set) Where(d array.DType, f Form) Loop {
	if d > array.Float64 || f > VSS {
		return nil
	}
	return s.where[d][f]
}

// StreamWhere is Where as Stream is Element.
func (s *Set) StreamWhere(d array.DType, f Form) Loop {
	if d > array.Float64 || f > VSS {
		return nil
	}
	return s.streamWhere[d][f]
}

// CopyStream copies len(dst) bytes of x, at least as long, as Stream stores; they must not overlap. copy is for the rest.
func (s *Set) CopyStream(dst, x []byte) {
	copyStream(s.isa, dst, x[:len(dst)])
}

// Fence makes what Stream, StreamFused, StreamWhere and CopyStream stored before visible to who is told of it after.
func (s *Set) Fence() { fenceStores(s.isa) }

// Prefetch asks for the cache lines of x. It is a hint: it waits for nothing and does not fail.
func (s *Set) Prefetch(x []byte) { prefetchLines(s.isa, x) }
