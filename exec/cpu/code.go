package cpu

import (
	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
)

const (
	// registerBytes is a register: so small that those of a program stay in the first level of cache, so large that the
	// cost of a step is small against its elements.
	registerBytes = 4096
	// leaf is the most elements of a tile: a leaf of the reduction tree.
	leaf = array.LeafSize
	// morsel is the most elements that a goroutine takes at a time: large against the cost of taking them, small against an
	// array. leastMorsel is the fewest where there are more, which several goroutines are worth.
	morsel      = 128 * leaf
	leastMorsel = 16 * leaf
	// perThread is how many morsels each goroutine should find, so that all come to the end together.
	perThread = 8
	// wakeElements is from how many elements on it pays to wake a goroutine that sleeps. It and leastMorsel are for
	// elements that cost simpleWeight sums at most; of those that cost more, fewer do.
	wakeElements = 64 * leaf
	simpleWeight = 8
	// mostAtOnce is the elements of a call that cannot be interrupted, where each costs several nanoseconds.
	mostAtOnce = 16 * leaf
)

// code is a program for one instruction set and one choice of operands that can hold nulls: steps over places. It does
// not change once it is made.
type code struct {
	program  *array.Program
	nullable []bool // by input: what it was made for
	kernels  *kern.Set

	places  []place
	flat    []window // operands and results of numbers
	bits    []window // bitmaps
	cells   []uint64 // constants as elements; 0 for what a launch fills in
	scalars []scalarCell
	setup   []step // once a launch, on cells
	fills   []step // once a goroutine, on registers that keep their value
	steps   []step // for each tile
	folds   []fold
	spread  []int          // cells that links read
	block   int            // elements that chains take at once, the fewest; 0: there are none
	valid   []int          // outputs whose validity no step writes: it is all ones
	forests []array.Forest // what a run gives where nothing reduces

	registers int  // of numbers
	masks     int  // of bools
	tile      int  // elements that a register holds
	single    bool // it goes over whole morsels
	leaves    bool // it folds operands as they lie, many leaves at a time
	weight    int  // what an element costs, in sums of what lies in the cache
	ahead     bool // it computes so much that asking for the next tile pays, where that is in memory
}

// placeKind is where a step finds an operand or leaves a result.
type placeKind uint8

// The kinds of places.
const (
	nowhere placeKind = iota
	inCell            // one element, or a word of equal bits
	inRegister
	inMask // a register of bools
	inOperand
	inOperandValidity
	inResult
	inResultValidity
)

// place is an operand or a result of steps.
type place struct {
	kind  placeKind
	index int // cell, register, operand or output
	dtype array.DType
}

// bitmap reports whether the place holds bits.
func (p place) bitmap() bool { return p.dtype == array.Bool }

// window is a place in a block, which moves with the tile.
type window struct {
	place, index int
	size         int // bytes an element of a flat one
	validity     bool
	result       bool
}

// scalarCell is a cell that a launch fills with an operand's first element, or with whether that is not null.
type scalarCell struct {
	cell, slot int
	validity   bool
}

// step is one thing to do for a tile: a kernel, or else what do says.
type step struct {
	loop, stream kern.Loop
	do           func(*worker, *step)
	dst, x, y, z int // places; 0: none
	out          int // the result that stream may write, else none
	fold         int
	check        bool // it finds elements of x for which instruction instr has no result
	instr        int
	of           operation
	chain        *chain
	slow         bool // it takes several times as long as reading its operands
	input        *array.Input
	axes         axes
	name         string // in dumps, and the type of dst
	dtype        array.DType
}
