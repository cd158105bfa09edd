package exec

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/darray-go/darray/array"
)

// Choice is what a plan knows of a device beside the processor. The zero value is a process without one. All ranks have an equal one,
// but for the accelerator itself, which is each rank's own.
type Choice struct {
	Accelerator Accelerator `json:"-"`                // nil: none
	Why         string      `json:"-"`                // why there is none, where one was asked for
	Always      bool        `json:"always,omitempty"` // use it for all that it takes, whatever the cost
	// Rates are those of the slowest accelerator, Processor those of the slowest Setting.Device. Only with Accelerator.
	Rates     array.Rates `json:"rates"`
	Processor array.Rates `json:"processor"`
	Linked    bool        `json:"linked,omitempty"` // what lies on devices goes from one to another
	Apart     string      `json:"-"`                // why not
}

// reckoning is what a step takes by each device, as the planner sees it.
type reckoning struct {
	processor time.Duration
	there     time.Duration // on the accelerator, all included: Up and Down are its moves
	up, down  time.Duration
	refused   error // why the accelerator cannot
}

// String is the reckoning as plans print it.
func (k *reckoning) String() string {
	if k.refused != nil {
		return "not on the accelerator: " + k.refused.Error()
	}
	moves := ""
	if k.up+k.down > 0 {
		moves = fmt.Sprintf(" (up %s, down %s)", brief(k.up), brief(k.down))
	}
	return fmt.Sprintf("accelerator %s%s, processor %s", brief(k.there), moves, brief(k.processor))
}

// brief is a time in three digits.
func brief(d time.Duration) string {
	for _, unit := range []struct {
		time.Duration
		name string
	}{{time.Second, "s"}, {time.Millisecond, "ms"}} {
		if d >= unit.Duration {
			return fmt.Sprintf("%.3g %s", float64(d)/float64(unit.Duration), unit.name)
		}
	}
	return fmt.Sprintf("%.3g us", float64(d)/float64(time.Microsecond))
}

// chooser gives each run and product of a plan its device: the choice that takes the least time in all, found from the
// two that use one device alone by changing one step at a time. Parts and wholes of a value are blocks of their own.
type chooser struct {
	*planner
	may   []bool  // by step: the accelerator takes it
	uses  [][]use // by slot: who reads the block, in order
	bytes []int   // by slot: of rank 0's elements
	there []bool  // by slot: it lies in the accelerator's memory
}

// use is a step that reads a block: on which device it reads it, its own where step is that of a run.
type use struct {
	step  int
	host  bool // whatever device the step has
	kept  bool // a result that stays where it was computed
	moves bool // to other ranks, from device to device if that is where it is read then
}

// slot is the number of a rank's part of a value, or of all of it. Where one rank has all, that is one block.
func (c *chooser) slot(o operand) int { return 2*o.value + int(bit(o.whole && c.Ranks > 1)) }

// maxTries bounds the choices that are looked at: beyond it a plan is too long for one step to matter.
const maxTries = 512

// choose sets the devices of the steps, and what stays there.
func (p *planner) choose() {
	if p.setting.Choice.Accelerator == nil {
		for _, v := range p.values {
			v.near = v.near || v.far
		}
		return
	}
	c := &chooser{planner: p, may: make([]bool, len(p.Steps))}
	steps := c.look()
	best := make([]bool, len(p.Steps))
	all := make([]bool, len(p.Steps))
	for _, i := range steps {
		all[i] = c.may[i]
	}
	if p.setting.Choice.Always {
		best = all
	} else {
		least := c.time(best, false)
		if t := c.time(all, false); t < least {
			best, least = all, t
		}
		for better, tries := true, 0; better && tries < maxTries; {
			better = false
			for _, i := range steps {
				if !c.may[i] || tries >= maxTries {
					continue
				}
				tries++
				best[i] = !best[i]
				if t := c.time(best, false); t < least {
					least, better = t, true
				} else {
					best[i] = !best[i]
				}
			}
		}
	}
	c.time(best, true)
}

// look finds the steps that run something, who reads each block and how large it is.
func (c *chooser) look() []int {
	c.uses, c.bytes = make([][]use, 2*len(c.values)), make([]int, 2*len(c.values))
	for at, v := range c.values {
		whole := v.dtype.BufferSize(min(v.n, addressable))
		c.bytes[2*at], c.bytes[2*at+1] = whole, whole
		switch {
		case c.Ranks == 1 || v.whole:
		case v.pieces != nil:
			c.bytes[2*at] = v.dtype.BufferSize(v.pieces.spans[0].Len())
		case v.deal != nil:
			c.bytes[2*at] = v.dtype.BufferSize(v.parted().layout.Range(0).Len())
		}
	}
	var steps []int
	for i := range c.Steps {
		switch s := &c.Steps[i]; s.Kind {
		case Run, Multiply:
			s.reckoning = &reckoning{refused: c.takes(s)}
			c.may[i] = s.reckoning.refused == nil
			steps = append(steps, i)
			for _, o := range s.operands {
				c.read(o, use{step: i})
			}
		case Filter:
			for _, o := range s.operands {
				c.read(o, use{step: i, host: true})
			}
		case Scatter, Bcast, Gather, Allgather, Alltoall:
			from, _ := s.ends()
			moves := c.setting.Choice.Linked && s.byDevices()
			c.read(from, use{step: i, host: !moves, moves: moves})
		}
	}
	for at, v := range c.values {
		given := c.slot(operand{at, v.lies == nil})
		v.near = v.near || v.far && slices.ContainsFunc(c.uses[given], func(u use) bool { return u.host })
	}
	for _, r := range c.roots {
		v := c.values[r.value]
		v.near = v.near || v.far && !c.setting.Keep
		kept := c.setting.Keep && (c.Ranks == 1 || v.kept)
		c.read(operand{r.value, !v.kept}, use{step: len(c.Steps), host: !kept, kept: kept})
	}
	return steps
}

func (c *chooser) read(o operand, u use) { c.uses[c.slot(o)] = append(c.uses[c.slot(o)], u) }

// takes says why the accelerator cannot do a step.
func (c *chooser) takes(s *Step) error {
	if s.Kind == Multiply {
		return c.setting.Choice.Accelerator.TakesProduct(s.DTypes[0])
	}
	return c.setting.Choice.Accelerator.Takes(s.Program)
}

// later reports whether a step behind i reads a block on the host, and whether one does on the accelerator.
func (c *chooser) later(slot, i int, on []bool) (host, there bool) {
	for _, u := range c.uses[slot] {
		switch {
		case u.step <= i:
		case u.kept || u.moves && c.across(u.step, on):
			there = true
		case u.host || u.moves || !on[u.step]:
			host = true
		default:
			there = true
		}
	}
	return host, there
}

// across reports whether a move goes from device to device: where what it brings is read on devices alone.
func (c *chooser) across(i int, on []bool) bool {
	_, to := c.Steps[i].ends()
	host, there := c.later(c.slot(to), i, on)
	return there && !host
}

// time is what the plan's runs take together where on says by step which of them the accelerator has. With settle it is
// what the steps are given. Moves between ranks are taken to cost the same either way.
func (c *chooser) time(on []bool, settle bool) time.Duration {
	choice := &c.setting.Choice
	c.there = make([]bool, 2*len(c.values))
	for at, v := range c.values {
		c.there[c.slot(operand{at, v.lies == nil})] = v.far
	}
	var total time.Duration
	for i := range c.Steps {
		s := &c.Steps[i]
		if s.Kind != Run && s.Kind != Multiply {
			total += c.timeMove(s, i, on, settle)
			continue
		}
		var up, down int
		read, written, later := 0, 0, 0
		again, stay, back := make([]bool, len(s.operands)), make([]bool, len(s.outputs)), make([]bool, len(s.outputs))
		for k, o := range s.operands {
			slot := c.slot(o)
			bytes := c.bytes[slot]
			read += bytes
			if c.there[slot] {
				continue
			}
			if up += bytes; on[i] {
				_, again[k] = c.later(slot, i, on)
				c.there[slot] = again[k]
			}
		}
		for k, v := range s.outputs {
			if s.Kind == Run && s.Program.Outputs[k].Tree() {
				continue
			}
			slot := c.slot(operand{v, !s.Split})
			written += c.bytes[slot]
			host, there := c.later(slot, i, on)
			stay[k] = there && s.cutting == nil
			if back[k] = host || !stay[k]; back[k] {
				down += c.bytes[slot]
			}
			if c.isKept(slot) { // what is kept is taken to be read there once more
				later += c.bytes[slot]
			}
			c.there[slot] = on[i] && stay[k]
		}
		work := c.effort(s)
		here := spend(&choice.Processor, read+written, work)
		r := &choice.Rates
		moves := [2]time.Duration{seconds(up, r.Up), seconds(down, r.Down)}
		there := spend(r, read+written, work) + moves[0] + moves[1]
		if on[i] {
			total += there
		} else {
			total += here + seconds(later, r.Up) + seconds(c.fetched(s, i), r.Down)
		}
		if settle {
			s.reckoning.processor, s.reckoning.there, s.reckoning.up, s.reckoning.down = here, there, moves[0], moves[1]
			for _, o := range s.operands {
				v := c.values[o.value]
				v.near = v.near || v.far && !on[i]
			}
			if on[i] {
				s.Device, s.there, s.again, s.stay, s.back = choice.Accelerator.Name(), true, again, stay, back
			}
		}
	}
	return total
}

// timeMove is the time that a move takes beside the moving: of bringing to the device what goes from there.
func (c *chooser) timeMove(s *Step, i int, on []bool, settle bool) time.Duration {
	if !c.setting.Choice.Linked || !s.byDevices() {
		return 0
	}
	from, to := s.ends()
	across := c.across(i, on)
	up := 0
	if across && !c.there[c.slot(from)] {
		up = c.bytes[c.slot(from)]
	}
	c.there[c.slot(to)] = c.there[c.slot(to)] || across
	if settle {
		v := c.values[from.value]
		s.there, v.near = across, v.near || v.far && !across
	}
	return seconds(up, c.setting.Choice.Rates.Up)
}

// isKept reports whether a block stays where it is computed.
func (c *chooser) isKept(slot int) bool {
	return slices.ContainsFunc(c.uses[slot], func(u use) bool { return u.kept })
}

// fetched is the bytes that step i of the processor needs from the accelerator's memory, and nothing before it.
func (c *chooser) fetched(s *Step, i int) int {
	bytes := 0
	for _, o := range s.operands {
		if first := c.uses[c.slot(o)][0]; c.values[o.value].far && first.step == i {
			bytes += c.bytes[c.slot(o)]
		}
	}
	return bytes
}

// spend is the time of a launch that reads and writes so many bytes and has so much work.
func spend(r *array.Rates, bytes int, work float64) time.Duration {
	return r.Launch + max(seconds(bytes, r.Memory), time.Duration(work/max(r.Ops, 1)*float64(time.Second)))
}

// seconds is the time of bytes at so many a second; none at 0.
func seconds(bytes int, rate float64) time.Duration {
	if rate <= 0 {
		return 0
	}
	return time.Duration(float64(bytes) / rate * float64(time.Second))
}

// effort is the work of rank 0's part of a step, in additions of float64.
func (c *chooser) effort(s *Step) float64 {
	n := float64(s.span(0).Len())
	if s.Kind == Multiply {
		return n * float64(s.extents.Inner)
	}
	each := 0.0
	for _, code := range s.Program.Code {
		each += weight(code.Op, code.In)
	}
	for _, o := range s.Program.Outputs {
		if o.Reduce || o.Scan {
			each++
		}
	}
	return n * each
}

// weight is what an op costs an element, in additions of float64: the times of docs/numerics.md, which are those of loops in
// the cache, over that of an addition. Devices differ in these ratios, but by far less than the functions do.
func weight(op array.Op, d array.DType) float64 {
	w := 1.0
	switch op {
	case array.Divide, array.Sqrt, array.Reciprocal:
		w = 4
	case array.FloorDivide, array.Remainder, array.Fmod:
		w = 24
	case array.Exp, array.Exp2, array.Expm1, array.Cbrt, array.Hypot:
		w = 12
	case array.Log, array.Log2, array.Log10, array.Log1p, array.Sin, array.Cos, array.Asin, array.Acos, array.Atan, array.Sinh, array.Cosh, array.Tanh, array.Erf:
		w = 24
	case array.Tan, array.Atan2, array.Asinh, array.Acosh, array.Atanh, array.Erfc, array.Pow, array.LogAddExp:
		w = 56
	}
	if d.Size() <= 4 && d != array.Bool { // twice as many in a vector
		w /= 2
	}
	return w
}

// devices is what a plan prints of the choice: nothing where there was none.
func (p *Plan) devices(out *strings.Builder) {
	switch choice := &p.setting.Choice; {
	case choice.Accelerator == nil && choice.Why != "":
		fmt.Fprintf(out, "device: %s alone; %s\n", p.setting.Device, choice.Why)
	case choice.Accelerator != nil && choice.Always:
		fmt.Fprintf(out, "device: %s, as it was asked for\n", choice.Accelerator.Name())
	}
	if p.Ranks > 1 && p.setting.Choice.Apart != "" {
		fmt.Fprintf(out, "moves between devices go through their hosts; %s\n", p.setting.Choice.Apart)
	}
}

// small reports whether no array of a graph has so many elements that another device could be worth it.
func small(roots []*array.Node) bool {
	most := 0
	array.Walk(roots, func(n *array.Node) {
		if n.Err() == nil {
			most = max(most, n.Shape().Len())
		}
	})
	return most < smallWork
}

// Refused is why steps of the plan are not for the accelerator, each of them; none where it takes all, or there is none.
func (p *Plan) Refused() []error {
	var why []error
	for i := range p.Steps {
		if k := p.Steps[i].reckoning; k != nil && k.refused != nil {
			why = append(why, k.refused)
		}
	}
	return why
}

// Staying is how many results of steps lie in the accelerator's memory for later ones, whether they come back too or not.
func (p *Plan) Staying() int {
	n := 0
	for i := range p.Steps {
		for _, stays := range p.Steps[i].stay {
			n += int(bit(stays))
		}
	}
	return n
}
