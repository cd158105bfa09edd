package exec

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/partition"
)

// Plan is what a Collect does, step by step. It is data: it prints itself, and every rank of a task has the same.
type Plan struct {
	Ranks  int // that take part
	OnRoot bool
	Work   int // elements to compute, over all programs
	Steps  []Step
	Peak   []int // bytes that the plan allocates and holds at once, by rank; a device's own needs not included

	graph   *graph
	setting Setting
	beside  int // Peak of the root where it computes its only result in memory of the caller's
	named   sync.Once
	called  string // Fingerprint, once somebody has asked
}

// deal says who owns which of so many elements, and what plans call it.
type deal struct {
	shape  array.Shape // of the first value of that length
	n      int
	layout partition.Layout
	name   string

	exact int               // boundaries are multiples of it: no run of a reduction is cut
	kept  bool              // of what a filter has left: boundaries stay where they are
	loose []int             // and of these, or the end: no leaf of the reduction tree is cut
	whole bool              // all of it is reduced, in leaves
	cut   bool              // and boundaries cut leaves
	rows  int               // the extent of a row that products want whole; 0 where there are none
	tied  *deal             // lengths that are cut in proportion: the next of them, in a ring
	like  *partition.Layout // as parts of that length lie already; nil: none
}

// StepKind says what a step does.
type StepKind uint8

// The kinds of steps.
const (
	Scatter   StepKind = iota // the root deals its block out
	Bcast                     // the root gives its block whole to every rank
	Read                      // ranks read their parts of a column; the root reads for those who cannot
	Run                       // a program on the device
	Reduce                    // the root joins the trees of all ranks, and tells the values to all where they need them
	Prefix                    // the root tells each rank the tree over all elements before its part
	Gather                    // the ranks' parts become one block on the root
	Multiply                  // a matrix product on the device
	Allgather                 // every rank's part becomes all of it on every rank: each sends its own to all others
	Alltoall                  // the ranks' parts become the rows that each of them needs, sent by those who have them
	Filter                    // the elements of a part for which a mask holds
)

// Step is one step of a plan.
type Step struct {
	Kind        StepKind
	Names       []string      // of the array that is moved or of the outputs
	DType       array.DType   // of the array that is moved
	DTypes      []array.DType // of the outputs
	N           int           // elements of the array or the domain
	Split       bool          // each rank has its part; else all of it
	OnRoot      bool          // no other rank needs it
	ByReference bool          // between ranks of one process nothing is copied
	Program     *array.Program
	Device      string
	Access      Access // Read: who can

	*deal
	value      int // that is moved
	source     *array.Source
	operands   []operand
	outputs    []int       // values
	ops        []int       // Run: the values that the program's instructions compute
	faulty     bool        // Run: some of them can have no result
	run        *Step       // Reduce, Prefix: the run whose outputs it is about
	reductions []reduction // Reduce, Prefix: these outputs
	cutting    *cutting    // Run, Reduce: where boundaries cut leaves; nil where none does
	columns    bool        // Reduce: of one output whose trees are over rows
	free       []int       // values whose blocks are not needed any more

	there     bool       // Run, Multiply: on the accelerator; moves: between those of the ranks
	again     []bool     // by operand: read there again
	stay      []bool     // by output: it lies there afterwards
	back      []bool     // by output: and comes back
	reckoning *reckoning // why; nil where there was no choice

	extents array.Extents // Multiply
	of      []string      // Multiply, Filter: what plans call its operands
	pieces  *pieces       // Scatter, Read, Alltoall: what each rank gets
	stream  bool          // Read: only one run needs it, which can go over it step by step as it is read
	viewed  bool          // Read: it takes no memory
}

// alone reports whether the root needs no other rank.
func (p *Plan) alone() bool {
	for i := range p.Steps {
		if p.Ranks > 1 && (!p.Steps[i].OnRoot || p.Steps[i].Split) {
			return false
		}
	}
	return true
}

// Layout says which elements each rank has.
func (s *Step) Layout() partition.Layout { return s.layout }

// Bytes is the size of the array that a step moves, without validity; Bcast and Allgather bring as much to each rank.
func (s *Step) Bytes() int { return s.DType.BufferSize(s.N) }

// String is the step as plans print it: "scatter x0 root->block(4) 76 MiB".
func (s *Step) String() string {
	var words []string
	say := func(format string, args ...any) { words = append(words, fmt.Sprintf(format, args...)) }
	name := strings.Join(s.Names, ", ")
	if name != "" {
		name = " " + name
	}
	switch s.Kind {
	case Scatter:
		say("scatter%s root->%s %s", name, s.name, size(s.Bytes()))
	case Bcast:
		say("bcast%s root->all(%d) %s each", name, s.layout.Ranks(), size(s.Bytes()))
	case Read:
		say("read%s %s %s", name, s.place(), size(s.Bytes()))
		if apart := s.Access.apart(); len(apart) > 0 {
			say("(the root for ranks %v: %s)", apart, s.Access.Why)
		}
	case Run:
		say("run %s %s", s.text(), s.Device)
		if !s.Split {
			say("%s", s.place())
		}
		say("%s", s.staying())
	case Reduce:
		say("reduce%s %s", name, s.place())
		if s.Split && s.layout.Ranks() > 1 {
			words[0] += "->root"
			if !s.OnRoot {
				words[0] += "->all"
			}
		}
		if s.columns {
			words[0] += " " + size(s.Bytes())
		}
		return words[0]
	case Prefix:
		say("prefix%s %s->root->%s", name, s.name, s.name)
		return words[0]
	case Multiply:
		say("matmul %s", s.product())
		if s.Split && s.layout.Ranks() > 1 {
			say("%s", s.name)
		}
		if say("%s", s.Device); !s.Split {
			say("%s", s.place())
		}
		say("%s", s.staying())
	case Filter:
		say("filter %s", s.filtering())
		say("%s", s.place())
	case Gather:
		say("gather%s %s->root %s", name, s.name, size(s.Bytes()))
	case Allgather:
		say("allgather%s %s->all(%d) %s each", name, s.name, s.layout.Ranks(), size(s.Bytes()))
	case Alltoall:
		say("alltoall%s %s->%s %s", name, s.name, s.pieces.name, size(s.DType.BufferSize(s.moving())))
	}
	switch {
	case s.crosses():
		say("from device to device")
	case s.ByReference:
		say("by reference")
	}
	return strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), " ")
}

// staying names the results that stay in the accelerator's memory.
func (s *Step) staying() string {
	var names []string
	for k, stays := range s.stay {
		switch {
		case s.stays(k):
			names = append(names, s.Names[k])
		case stays:
			names = append(names, s.Names[k]+" too")
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "(there stays " + strings.Join(names, ", ") + ")"
}

// place says which ranks do it.
func (s *Step) place() string {
	switch {
	case s.Split:
		return s.name
	case s.OnRoot || s.layout.Ranks() == 1:
		return "on root"
	}
	return fmt.Sprintf("on all(%d)", s.layout.Ranks())
}

// maxText is the longest expression that a plan shows, in bytes; beyond it, the number of operations says more.
const maxText = 120

// text is the program's outputs as expressions: "x0 + x1 float64", "t0 = mean(x0) float64".
func (s *Step) text() string {
	parts := make([]string, len(s.outputs))
	for i, o := range s.Program.Outputs {
		one := *s.Program
		one.Outputs = []array.Output{o}
		text := one.String()
		if len(text) > maxText {
			text = fmt.Sprintf("%d operations on %s", len(one.Code), strings.Join(s.inputs(), ", "))
		}
		if s.Names[i] != "" {
			text = s.Names[i] + " = " + text
		}
		parts[i] = text + " " + s.DTypes[i].String()
	}
	return strings.Join(parts, "; ")
}

// inputs names the first blocks that the program reads.
func (s *Step) inputs() []string {
	const few = 4
	var names []string
	for _, in := range s.Program.Inputs {
		switch {
		case in.Name == "":
		case len(names) == few:
			return append(names, "...")
		default:
			names = append(names, in.Name)
		}
	}
	return names
}

// apart lists the ranks that cannot read for themselves.
func (a Access) apart() []int {
	var ranks []int
	for r, can := range a.Ranks {
		if !can {
			ranks = append(ranks, r)
		}
	}
	return ranks
}

// String is the plan as a text: a line a step, and the memory that it needs.
func (p *Plan) String() string {
	var out strings.Builder
	if p.OnRoot {
		by := ""
		if p.setting.OneDevice {
			by = " by all threads"
		}
		fmt.Fprintf(&out, "run on root%s: %d elements\n", by, p.Work)
	}
	for i := range p.Steps {
		fmt.Fprintln(&out, p.Steps[i].String())
		if k := p.Steps[i].reckoning; k != nil {
			fmt.Fprintf(&out, "  %s\n", k)
		}
	}
	for i, r := range p.graph.roots {
		if v := p.graph.values[r.value]; v.kept && !p.graph.again[i] {
			fmt.Fprintf(&out, "keep %s %s %s\n", v.name, v.parted().name, size(v.dtype.BufferSize(v.n)))
		}
	}
	p.devices(&out)
	if len(p.Peak) == 1 {
		fmt.Fprintf(&out, "peak memory %s\n", size(p.Peak[0]))
		return out.String()
	}
	others := 0
	for _, n := range p.Peak[1:] {
		others = max(others, n)
	}
	fmt.Fprintf(&out, "peak memory %s on the root, %s on other ranks\n", size(p.Peak[0]), size(others))
	return out.String()
}

// Fingerprint is a short name of the plan: what ranks compare before they run it.
func (p *Plan) Fingerprint() string {
	p.named.Do(func() { p.called = p.fingerprint() })
	return p.called
}

func (p *Plan) fingerprint() string {
	h := sha256.New()
	fmt.Fprintln(h, p.Ranks)
	for i := range p.Steps {
		s := &p.Steps[i]
		fmt.Fprintln(h, s.Kind, s.value, s.N, s.DType, s.Split, s.OnRoot, s.layout.Counts(), s.Access.Ranks, s.operands, s.outputs, s.extents, s.there, s.again, s.stay, s.back)
		if s.pieces != nil {
			fmt.Fprintln(h, s.pieces.of, s.pieces.spans)
		}
		if s.Program != nil {
			fmt.Fprintf(h, "%+v\n", *s.Program)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// size prints bytes as people read them: "800 B", "76 MiB", "1.5 GiB".
func size(n int) string {
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	f := float64(n)
	for _, unit := range []string{"KiB", "MiB", "GiB"} {
		if f /= 1 << 10; f < 1<<10 {
			return short(f) + " " + unit
		}
	}
	return short(f/(1<<10)) + " TiB"
}

// short keeps two digits of what is below 10.
func short(f float64) string {
	if f < 10 {
		return strings.TrimSuffix(fmt.Sprintf("%.1f", f), ".0")
	}
	return fmt.Sprintf("%.0f", f)
}
