package sim

// class is what the bits of a type mean.
type class uint8

const (
	untyped  class = iota // .bN: no meaning
	unsigned              // .uN
	signed                // .sN
	float                 // .fN
	pred                  // .pred
)

// dtype is a fundamental type of the language.
type dtype struct {
	name  string
	class class
	size  int // bytes; 0 for .pred
}

func (t dtype) bits() int { return t.size * 8 }

func (t dtype) mask() uint64 {
	if t.class == pred {
		return 1
	}
	return maskOf(t.size)
}

func (t dtype) integer() bool { return t.class == unsigned || t.class == signed || t.class == untyped }

func maskOf(size int) uint64 {
	if size >= 8 {
		return ^uint64(0)
	}
	return 1<<(8*uint(size)) - 1
}

// dtypes are the types that variables, registers and instructions may have.
var dtypes = map[string]dtype{
	"b8": {"b8", untyped, 1}, "b16": {"b16", untyped, 2}, "b32": {"b32", untyped, 4}, "b64": {"b64", untyped, 8},
	"u8": {"u8", unsigned, 1}, "u16": {"u16", unsigned, 2}, "u32": {"u32", unsigned, 4}, "u64": {"u64", unsigned, 8},
	"s8": {"s8", signed, 1}, "s16": {"s16", signed, 2}, "s32": {"s32", signed, 4}, "s64": {"s64", signed, 8},
	"f16": {"f16", float, 2}, "f32": {"f32", float, 4}, "f64": {"f64", float, 8},
	"pred": {"pred", pred, 0},
}

// fits reports whether a register of type r may be an operand of an instruction of type t; wide allows a larger register, as
// ld, st and cvt do for integers.
func (t dtype) fits(r dtype, wide bool) bool {
	if t.class == pred || r.class == pred {
		return t.class == r.class
	}
	if r.size != t.size {
		return wide && t.class != float && r.class != float && r.size > t.size
	}
	if t.class == untyped || r.class == untyped {
		return true
	}
	return (t.class == float) == (r.class == float)
}

// signExtend widens the low bits of x, size bytes of them, by their sign.
func signExtend(x uint64, size int) uint64 {
	shift := uint(64 - 8*size)
	return uint64(int64(x<<shift) >> shift)
}

// space is a state space: where a variable lies.
type space uint8

const (
	generic space = iota
	global
	constant
	shared
	local
	param
)

var spaceNames = [...]string{"generic", "global", "const", "shared", "local", "param"}

func (s space) String() string { return spaceNames[s] }

var spaces = map[string]space{"global": global, "const": constant, "shared": shared, "local": local, "param": param}

// Where the state spaces begin. A card places them otherwise; nothing may count on a place. Shared and local memory have
// addresses of their own, and are seen in windows of the generic space. None begins at 0, so that an address never set is found.
const (
	paramBase    = 0x100
	sharedBase   = 0x400
	localBase    = 0x100
	sharedWindow = 0x7e00_0000_0000
	localWindow  = 0x7e80_0000_0000
	windowSize   = 1 << 32
)
