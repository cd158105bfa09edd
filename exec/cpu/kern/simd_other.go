//go:build !amd64

package kern

// routines are those of an instruction set; this processor's have none.
func routines(ISA) *kernels { return nil }

func copyStream(_ ISA, dst, x []byte) { copy(dst, x) }

func fenceStores(ISA) {}

func prefetchLines(ISA, []byte) {}

func (s *Set) takeChains(ISA) {}

func runChain(ISA, *uintptr, int) {}
