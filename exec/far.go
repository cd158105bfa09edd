package exec

import (
	"context"
	"fmt"
	"slices"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/partition"
)

// distant marks the root's data that lies in a device's memory. Ranks of other processes plan without knowing: then it is fetched first.
func (g *graph) distant(blocks []*array.Block, alike bool) {
	for i, at := range g.data {
		if blocks[i] == nil {
			continue
		}
		if far, _ := blocks[i].Far(); far != nil {
			g.values[at].far, g.values[at].near = alike, !alike
		}
	}
}

// keep has results that are given computed anew, as blocks of their own that a device may hold.
func (g *graph) keep() {
	g.known = make(map[key]int)
	defer func() { g.known = nil }()
	for i := range g.roots {
		if v := g.values[g.roots[i].value]; (v.kind == array.KindData || v.kind == array.KindFile) && !v.far {
			g.roots[i].value = g.store(g.roots[i].value, v.n == 1)
		}
	}
}

// bind gives the plan this rank's operands: the root's data, and the parts that the rank keeps. What lies in a device's memory and is
// read by others too is fetched.
func (r *run) bind(ctx context.Context, of given) error {
	if r.rank == 0 {
		for i, at := range r.plan.graph.data {
			if err := r.bindOne(ctx, operand{at, true}, of.blocks[i]); err != nil {
				return err
			}
		}
	}
	for i, at := range r.plan.graph.parts {
		b, err := r.mine(of.parts[i])
		if err == nil {
			err = r.bindOne(ctx, operand{at, false}, b)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bindOne is bind of one of them.
func (r *run) bindOne(ctx context.Context, o operand, b *array.Block) error {
	r.set(o, b)
	if b == nil {
		return nil
	}
	far, _ := b.Far()
	if far == nil {
		return nil
	}
	if r.plan.graph.values[o.value].near {
		return r.lower(ctx, o, b)
	}
	if a := r.config.Accelerator; a == nil || !a.Holds(far) {
		return fmt.Errorf("an operand lies in the memory of device %s of another cluster; collect it there", far.Device())
	}
	return nil
}

// set stores a block where steps look for an operand.
func (r *run) set(o operand, b *array.Block) {
	if o.whole {
		r.wholes[o.value] = b
	} else {
		r.parts[o.value] = b
	}
}

// lower fetches an operand that lies in a device's memory, where it stays too.
func (r *run) lower(ctx context.Context, o operand, b *array.Block) error {
	far, offset := b.Far()
	if far == nil {
		return nil
	}
	v := r.plan.graph.values[o.value]
	span := partition.Range{Lo: 0, Hi: v.n}
	if !o.whole {
		span = v.parted().layout.Range(r.rank)
	}
	near, _, err := r.room(o.value, v.dtype, span, b.HasNulls())
	if err == nil {
		err = far.Fetch(ctx, near, offset)
	}
	if err != nil {
		return fmt.Errorf("fetch an operand from %s: %w", far.Device(), err)
	}
	if r.set(o, near); r.plan.setting.Choice.Accelerator != nil && r.config.Accelerator.Holds(far) {
		r.twin(o, b)
	}
	return nil
}

// twin notes that a value lies in the accelerator's memory too. Where one rank has all, a part is all of it.
func (r *run) twin(o operand, b *array.Block) {
	if r.twins == nil {
		r.twins = make(map[operand]*array.Block)
	}
	r.twins[o] = b
	if r.plan.Ranks == 1 {
		r.twins[operand{o.value, !o.whole}] = b
	}
}

// handFar gives a result that stays in a device's memory to the user.
func (r *run) handFar(b *array.Block) {
	at, _ := b.Far()
	if at == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.own)
	r.own = slices.DeleteFunc(r.own, func(o owned) bool { return o.far == at })
	if len(r.own) < n { // else it is the user's already
		b.Own()
	}
}

// device is what runs a step.
func (r *run) device(s *Step) Device {
	if s.there {
		return r.config.Accelerator
	}
	return r.config.Device
}

// stays reports whether output i of a run lies in the accelerator's memory alone.
func (s *Step) stays(i int) bool { return s.stay != nil && s.stay[i] && !s.back[i] }

// twins is room for the results that lie there and come back too; nil where there are none.
func (s *Step) twins() []*array.Block {
	for i := range s.stay {
		if s.stay[i] && s.back[i] {
			return make([]*array.Block, len(s.stay))
		}
	}
	return nil
}

// onDevice is an operand as the step's device reads it best: where the accelerator has it already, from there.
func (r *run) onDevice(s *Step, o operand) *array.Block {
	if s.there {
		if twin := r.twins[o]; twin != nil {
			return twin
		}
	}
	return r.block(o)
}

// holdFar keeps what a launch left in the accelerator's memory, to be let go with its values.
func (r *run) holdFar(s *Step, operands, results, twins []*array.Block) {
	if !s.there {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	hold := func(value int, b *array.Block) bool {
		if b == nil {
			return false
		}
		at, _ := b.Far()
		if at == nil || slices.ContainsFunc(r.own, func(o owned) bool { return o.far == at }) {
			return false
		}
		r.own = append(r.own, owned{value: value, far: at})
		return true
	}
	for i, v := range s.outputs {
		if s.stays(i) {
			hold(v, results[i])
		} else if i < len(twins) && hold(v, twins[i]) {
			r.twin(operand{v, !s.Split}, twins[i])
		}
	}
	for k, o := range s.operands {
		if k < len(s.again) && s.again[k] && hold(o.value, operands[k]) {
			r.twin(o, operands[k])
		}
	}
}

// noted is the Note of a step's launches; nil where nobody can have anything to say.
func (r *run) noted(s *Step) func(string) {
	if !s.there {
		return nil
	}
	return func(text string) { r.remark = text }
}

// leaveFar lets go of what still lies in the accelerator's memory when the steps are over, however they ended.
func (r *run) leaveFar() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.own = slices.DeleteFunc(r.own, func(o owned) bool {
		if o.far != nil {
			o.far.Release()
		}
		return o.far != nil
	})
	clear(r.twins)
}
