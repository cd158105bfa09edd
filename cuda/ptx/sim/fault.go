package sim

import (
	"errors"
	"fmt"
	"strings"
)

// What a Fault is about: errors.Is tells them apart.
var (
	ErrAddress    = errors.New("ptx: bad address")                            // outside every allocation, or of another space
	ErrFreed      = errors.New("ptx: use after free")                         // of memory
	ErrMisaligned = errors.New("ptx: misaligned address")                     // not a multiple of the size of the access
	ErrUnwritten  = errors.New("ptx: read of what was never written")         // a register, or memory where it is checked
	ErrBarrier    = errors.New("ptx: barrier that not all threads reach")     // or at which they cannot meet
	ErrWarp       = errors.New("ptx: threads of a warp that are not in step") // shuffles and votes
	ErrRace       = errors.New("ptx: data race")
	ErrTrap       = errors.New("ptx: trap")
	ErrBudget     = errors.New("ptx: too many instructions")
	ErrLaunch     = errors.New("ptx: launch out of limits")
)

// Fault is a mistake of a kernel, found while it ran. What the kernel wrote until then stays written.
type Fault struct {
	Kind    error // one of Err..., which errors.Is finds
	Kernel  string
	Line    int    // of the module, counted from 1; 0 for a launch that did not begin
	Text    string // of that line
	Block   [3]uint32
	Thread  [3]uint32
	Address uint64 // 0 where the fault is about none
	Reason  string
}

// Error names all of it in one line.
func (f *Fault) Error() string {
	var s strings.Builder
	s.WriteString(f.Kind.Error())
	fmt.Fprintf(&s, ": kernel %s", f.Kernel)
	if f.Line > 0 {
		fmt.Fprintf(&s, ", line %d %q, block %s, thread %s", f.Line, f.Text, triple(f.Block), triple(f.Thread))
	}
	s.WriteString(": " + f.Reason)
	return s.String()
}

// Unwrap returns Kind.
func (f *Fault) Unwrap() error { return f.Kind }

func triple(v [3]uint32) string { return fmt.Sprintf("(%d,%d,%d)", v[0], v[1], v[2]) }

// fail ends the run with a fault of a thread at the current instruction. The first one counts.
func (b *block) fail(kind error, lane uint16, address uint64, format string, args ...any) {
	if b.fault != nil {
		return
	}
	b.fault = &Fault{
		Kind: kind, Kernel: b.k.name, Line: b.in.line, Text: b.k.m.line(b.in.line), Block: b.id, Thread: b.thread(lane),
		Address: address, Reason: fmt.Sprintf(format, args...),
	}
}

// thread returns the coordinates of a thread in its block.
func (b *block) thread(lane uint16) [3]uint32 {
	i, d := uint32(lane), b.dims
	return [3]uint32{i % d[0], i / d[0] % d[1], i / d[0] / d[1]}
}
