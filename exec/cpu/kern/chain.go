package kern

import "github.com/darray-go/darray/array"

// A chain is ops one after another over elements that stay in registers: each op is a link, a routine that does its part
// for a block of elements and jumps to the next link. There are two accumulators, A and B; the other operand of a link lies in
// memory, is a cell or the other accumulator. It is threaded code (Bell, "Threaded code", 1973).

// LinkOp is what a link does, for float32 and float64.
type LinkOp uint8

// The links, by what they do to their accumulator A, with B the other one. Operands m and n lie in memory; those that the name calls
// cells are one element, spread over CellBytes.
const (
	LinkLoad                      LinkOp = iota // A = m
	LinkLoadCell                                // A = m
	LinkStore                                   // m = A
	LinkStream                                  // m = A past the caches, where m is a multiple of a vector's size; see Set.Stream
	LinkSquare                                  // A = A * A
	LinkSqrt                                    // A = sqrt(A)
	LinkAdd                                     // A = A + m
	LinkAddCell                                 // A = A + m
	LinkAddOther                                // A = A + B
	LinkSubtract                                // A = A - m
	LinkSubtractCell                            // A = A - m
	LinkSubtractOther                           // A = A - B
	LinkMultiply                                // A = A * m
	LinkMultiplyCell                            // A = A * m
	LinkMultiplyOther                           // A = A * B
	LinkDivide                                  // A = A / m
	LinkDivideCell                              // A = A / m
	LinkDivideOther                             // A = A / B
	LinkMultiplyAdd                             // A = A*m + n, the product rounded
	LinkMultiplyAddCell                         // A = A*m + n
	LinkMultiplyCellAdd                         // A = A*m + n
	LinkMultiplyCellAddCell                     // A = A*m + n
	LinkMultiplyOtherAdd                        // A = A*B + n
	LinkMultiplyOtherAddCell                    // A = A*B + n
	LinkMultiplySubtract                        // A = A*m - n
	LinkMultiplySubtractCell                    // A = A*m - n
	LinkMultiplyCellSubtract                    // A = A*m - n
	LinkMultiplyCellSubtractCell                // A = A*m - n
	LinkMultiplyOtherSubtract                   // A = A*B - n
	LinkMultiplyOtherSubtractCell               // A = A*B - n
	linkOps
)

// CellBytes is the memory of a link's cell: a vector of equal elements.
const CellBytes = 64

// Link is a link of a chain: where its routine is, and its operands in memory.
type Link struct {
	at   uintptr
	m, n *byte
}

// chains are the addresses of the links of an instruction set: by accumulator, op and type, float32 first; then the end.
type chains [2*int(linkOps)*2 + 1]uintptr

// ChainBlock is how many elements of type d the links take at once; 0 where there are none.
func (s *Set) ChainBlock(d array.DType) int {
	if s.chain[0] == 0 || !d.Float() {
		return 0
	}
	return 8 * vectorBytes[s.isa] / d.Size()
}

// Link is a link for accumulator 0 or 1 over elements of type d; m and n are its operands in memory, nil where it has none.
// Only where ChainBlock is not 0.
func (s *Set) Link(op LinkOp, accumulator int, d array.DType, m, n *byte) Link {
	if op == LinkStream && !aligned(m, vectorBytes[s.isa]) {
		op = LinkStore
	}
	double := 0
	if d == array.Float64 {
		double = 1
	}
	return Link{s.chain[(accumulator*int(linkOps)+int(op))*2+double], m, n}
}

// LinkEnd ends a chain.
func (s *Set) LinkEnd() Link { return Link{at: s.chain[len(s.chain)-1]} }

// Chain runs links, the last of which is LinkEnd, over the first n elements of type d of each operand. n is a multiple of ChainBlock(d).
func (s *Set) Chain(links []Link, d array.DType, n int) {
	if n > 0 {
		runChain(s.isa, &links[0].at, n*d.Size())
	}
}
