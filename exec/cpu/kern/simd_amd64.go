package kern

// routines are those of an instruction set; nil for Go.
func routines(isa ISA) *kernels {
	switch isa {
	case AVX2:
		return &kernelsAVX2
	case AVX512:
		return &kernelsAVX512
	}
	return nil
}

// copyBlock is what copyStreamAVX2 and copyStreamAVX512 move at once, bytes.
const copyBlock = 256

// copyStream is copy, past the caches from the first multiple of a vector's size on.
func copyStream(isa ISA, dst, x []byte) {
	before := min(missing(dst, vectorBytes[max(isa, AVX2)]), len(dst))
	m := (len(dst) - before) &^ (copyBlock - 1)
	if isa == Go || m == 0 {
		copy(dst, x)
		return
	}
	copy(dst[:before], x)
	run := copyStreamAVX2
	if isa == AVX512 {
		run = copyStreamAVX512
	}
	run(&dst[before], &x[before], m)
	copy(dst[before+m:], x[before+m:])
}

func fenceStores(isa ISA) {
	if isa > Go {
		fence()
	}
}

// cacheLine is the bytes of a line.
const cacheLine = 64

func prefetchLines(isa ISA, x []byte) {
	if lines := (len(x) + cacheLine - 1) / cacheLine; isa > Go && lines > 0 {
		prefetch(&x[0], lines)
	}
}

// takeChains finds the links of an instruction set.
func (s *Set) takeChains(isa ISA) {
	switch isa {
	case AVX2:
		linkAddressesAVX2(&s.chain[0])
	case AVX512:
		linkAddressesAVX512(&s.chain[0])
	}
}

func runChain(isa ISA, first *uintptr, bytes int) {
	if isa == AVX512 {
		chainAVX512(first, bytes)
	} else {
		chainAVX2(first, bytes)
	}
}
