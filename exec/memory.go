package exec

import (
	"fmt"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/mem"
)

// ErrMemory: a plan needs more memory on one rank than Options.MemoryLimit, or in one process than its pool may have beside
// what is in use. Nothing has run.
var ErrMemory = mem.ErrLimit

// addressable is more memory than any machine has, in bytes: what needs as much is refused before Go panics over it.
const addressable = 1 << 46

// release says after which step a value's blocks are let go: the last one to touch it. Results stay.
func (p *planner) release() {
	seen := make([]bool, len(p.values))
	for _, r := range p.roots {
		seen[r.value] = true
	}
	for i := len(p.Steps) - 1; i >= 0; i-- {
		s := &p.Steps[i]
		release := func(value int) {
			if !seen[value] {
				seen[value] = true
				s.free = append(s.free, value)
			}
		}
		switch s.Kind {
		case Run, Reduce, Prefix, Multiply, Filter:
			for _, o := range s.operands {
				release(o.value)
			}
			for _, v := range s.outputs {
				release(v)
			}
		default:
			release(s.value)
			if s.pieces != nil {
				release(s.pieces.of)
			}
		}
	}
}

// measure fills in Peak, in what buffers count for in a pool, and holds it against the limit. Validity counts as if every
// array had nulls; what a device needs for itself does not count.
func (p *planner) measure() error {
	p.Peak = make([]int, p.Ranks)
	held := make([][2]int, len(p.values))
	limit := p.setting.MemoryLimit
	if limit <= 0 || limit >= addressable {
		limit = addressable - 1
	}
	for r := range p.Ranks {
		clear(held)
		p.Peak[r] = p.peak(r, held, false)
		if p.Peak[r] > limit {
			return fmt.Errorf("%w: the plan needs %s at once on rank %d of %d, the limit is %s; use more ranks, reduce the result or raise the limit (DARRAY_MEMORY_LIMIT)",
				ErrMemory, size(p.Peak[r]), r, p.Ranks, size(limit))
		}
	}
	if len(p.roots) == 1 {
		clear(held)
		p.beside = p.peak(0, held, true)
	}
	return nil
}

// peak walks the steps and adds up what rank r allocates: held has the bytes of each value's part and whole. With lent, the
// values of the first result have memory of the caller's.
func (p *planner) peak(r int, held [][2]int, lent bool) int {
	now, most := 0, 0
	add := func(bytes int) {
		now = min(now+bytes, addressable)
		most = max(most, now)
	}
	hold := func(o operand) {
		v, slot := p.values[o.value], int(bit(o.whole))
		inPlace := !o.whole && v.gathered && v.dtype != array.Bool && (r == 0 || p.setting.InProcess)
		if held[o.value][slot] == 0 && !inPlace {
			held[o.value][slot] = p.bytes(o, r)
			if lent && o.value == p.roots[0].value && (v.kind != array.KindFile || v.gathered) { // a reader has its own
				held[o.value][slot] -= mem.Size(v.dtype.BufferSize(v.n))
			}
			add(held[o.value][slot])
		}
	}
	for at, v := range p.values {
		if v.gathered && r == 0 {
			hold(operand{at, true}) // allocated before the first step, for the ranks of this process to write into
		}
	}
	for i := range p.Steps {
		s := &p.Steps[i]
		switch views := r == 0 || s.ByReference; s.Kind {
		case Scatter, Bcast:
			if !views {
				hold(operand{s.value, !s.Split})
			}
		case Read:
			if o := (operand{s.value, !s.Split}); r == 0 || !s.OnRoot {
				if n := s.atOnce(p.part(o, r)); n < p.part(o, r) {
					bytes := blockBytes(s.DType, n)
					held[o.value][bit(o.whole)] = bytes
					add(bytes)
				} else {
					hold(o)
				}
			}
		case Run:
			for k, v := range s.outputs {
				switch o := &s.Program.Outputs[k]; {
				case o.Partial:
					add(treeBytes(o, s.span(r)))
				case !o.Tree() && (r == 0 || !s.OnRoot):
					hold(operand{v, !s.Split})
				}
			}
		case Gather, Allgather, Alltoall:
			if s.Kind != Gather { // for which there is room since the beginning
				hold(operand{s.value, !s.Split})
			}
			if !p.setting.InProcess {
				beside := s.beside(r)
				add(beside)
				now -= beside
			}
		case Multiply, Filter:
			if r == 0 || !s.OnRoot {
				hold(operand{s.outputs[0], !s.Split})
			}
		case Reduce:
			if s.columns && (r == 0 || !s.OnRoot) {
				hold(operand{s.value, true})
			}
			if s.columns && r == 0 {
				add(s.incoming())
				now -= s.incoming()
			}
			if s.columns {
				now -= treeBytes(s.output(), s.layout.Range(r))
			}
		}
		for _, v := range s.free {
			now -= held[v][0] + held[v][1]
			held[v] = [2]int{}
		}
	}
	if r == 0 {
		for i, root := range p.roots {
			if (p.values[root.value].copied() || p.again[i]) && !lent {
				add(p.bytes(operand{root.value, true}, r))
			}
		}
	}
	return most
}

// beside is what a rank takes to put a block together beside the block: the other ranks' validity, and of bools the values, on
// their way to where they belong.
func (s *Step) beside(r int) int {
	bytes := 0
	for peer := range s.layout.Ranks() {
		span := s.layout.Range(peer).Intersect(s.wanted(r))
		if peer == r || span.Empty() {
			continue
		}
		bits := mem.Size(array.Bool.BufferSize(min(span.Len(), addressable)))
		if s.DType == array.Bool {
			bits *= 2
		}
		bytes = min(bytes+bits, addressable)
	}
	return bytes
}

// atOnce is how many of n elements of a column that is read are in memory at once: fewer where they are views of a file, or used as they
// are read.
func (s *Step) atOnce(n int) int {
	switch {
	case s.viewed:
		return 0
	case s.stream && s.source.Step > 0:
		return min(n, s.source.Step)
	}
	return n
}

// bytes is what a block on rank r with its validity takes of a pool.
func (p *planner) bytes(o operand, r int) int {
	return blockBytes(p.values[o.value].dtype, p.part(o, r))
}

// part is the elements of a value that rank r has.
func (p *planner) part(o operand, r int) int {
	switch v := p.values[o.value]; {
	case v.pieces != nil:
		return v.pieces.spans[r].Len()
	case !o.whole:
		return v.parted().layout.Range(r).Len()
	default:
		return v.n
	}
}

// blockBytes is what n elements and their validity take of a pool.
func blockBytes(d array.DType, n int) int {
	if n >= addressable {
		return addressable
	}
	return mem.Size(d.BufferSize(n)) + mem.Size(array.Bool.BufferSize(n))
}
