// Package ptx writes kernels as PTX text, NVIDIA's assembly language for a virtual machine ("Parallel Thread Execution ISA"),
// which the driver compiles for the card that it finds. Nothing else is needed where kernels run.
//
// Every instruction rounds as the processor's does, and fma stands only where the processor has it, so a kernel gives the
// same bits as exec/cpu (a NaN's payload and sign aside).
package ptx

// Target is the oldest card that kernels are for (compute capability 7.0, of 2017), Version the language they are written in.
const (
	Version = "7.0"
	Target  = "sm_70"
)

// Kernel is a module with one entry, and how it is launched. It does not change, so that it may be kept and shared.
type Kernel struct {
	Name   string // of the entry
	Text   string // the module: equal for programs that differ in constants alone, and in extents and strides that broadcast likewise
	Params []Param
	// Threads is the size of a block, one-dimensional. Unit is how many elements of the domain (rows, nodes: what Count counts)
	// a block takes at a time; blocks go on with a stride of the grid, so that any number of blocks works.
	Threads, Unit int
	Shared        int // bytes of dynamic shared memory
}

// Param is one parameter of a kernel, always 64 bits wide.
type Param struct {
	Kind  ParamKind
	Index int    // of the slot, the output or the instruction that it is about
	Value uint64 // Literal
}

// ParamKind says what a parameter is. Addresses are of the device's memory. Values and bitmaps are laid out as Arrow has them,
// and what is written begins at element 0 of its buffer; every buffer may be read and written up to the next multiple of
// Padding bytes behind its end.
type ParamKind uint8

// The kinds of parameters.
const (
	Count       ParamKind = iota // elements to take
	First                        // index in the domain of the first of them
	Values                       // address of operand Index's values
	ValuesBit                    // bool operands: the bit of the first element from that address
	Validity                     // address of its validity
	ValidityBit                  // the bit of its first element from that address
	Result                       // address of output Index's values
	ResultValid                  // address of its validity
	Nodes                        // address of a node for each leaf that the launch has of the reduction of output Index, in order
	Faults                       // address of a word for instruction Index: the least element without a result, all ones for none
	Literal                      // Value
	Length                       // elements or nodes of a run; rows of a block
	Inner                        // columns of a block: the elements from a run's element to its next
	ColumnCount                  // columns of a matrix
	Outer                        // blocks of an array.Extent
	Sums                         // address of words: the accumulators of nodes alone
	Before                       // address of 64 words: the accumulators of the nodes of what comes before, by their levels
	Segment                      // rows or nodes of a run that one thread takes
)

// Padding is what buffers on the device are rounded up to, in bytes.
const Padding = 256

// NodeBytes is the size of a reduction's node in memory: Acc, Aux and Count of an array.Partial, three words.
const NodeBytes = 24
