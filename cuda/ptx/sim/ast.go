package sim

// variable is a name with storage: of a module, a function, a parameter.
type variable struct {
	name   string
	space  space
	typ    dtype
	align  int
	size   int // bytes in all; 0 for an extern array, whose size the launch says
	dyn    bool
	bound  bool // written with brackets
	init   []initial
	offset uint64 // in its space, once laid out; for module variables in global and const memory unset
}

// initial is one element of an initialiser: bits, or the address of a variable.
type initial struct {
	at      int // byte
	size    int
	value   uint64
	symbol  string
	generic bool
	line    int
}

// register is a declared register of a function.
type register struct {
	name string
	typ  dtype
}

type operandKind uint8

const (
	regOperand     operandKind = iota // a register, perhaps negated
	literalOperand                    // a number
	symbolOperand                     // a variable, label or function
	specialOperand                    // %tid.x
	addressOperand                    // [base+offset]
	vectorOperand                     // {a, b}
	listOperand                       // (a, b)
	sinkOperand                       // _
)

// operand is one operand as written, names resolved where they are declared before.
type operand struct {
	kind  operandKind
	name  string
	not   bool // !p
	reg   int  // of the function
	value uint64
	lit   literalKind
	minus bool
	sym   *variable
	off   int64     // of an address or symbol
	list  []operand // of a vector, list or address (one base)
	pair  *operand  // second of p|q
}

// statement is one instruction as written.
type statement struct {
	line  int
	guard int // register of the function; -1 for none
	not   bool
	op    string
	mods  []string
	args  []operand
}

// function is a .entry or .func.
type function struct {
	name    string
	entry   bool
	defined bool
	line    int
	params  []*variable
	results []*variable
	regs    []register
	body    []statement
	labels  map[string]int
	tables  map[string][]string // .branchtargets
	shared  []*variable         // static shared and local variables declared inside
	locals  []*variable
	maxntid [3]int // 0 where not given
	reqntid bool
	refs    map[string]int // line of the first use of a label
}
