package exec

import (
	"context"

	"github.com/darray-go/darray/array"
)

const (
	// cachedNodes is the most nodes of a graph whose plan is kept: finding that of a larger one saves little of its run.
	cachedNodes = 128
	// cachedWords is the size of a generation of plans, in words of their outlines: 400 of one op, a dozen of a hundred. There
	// are two generations. A plan of one op, with what a device makes of it, has 3 KiB: 2 MiB in all.
	cachedWords = 4 << 10
)

// PlanCounts says how an executor came by its plans, in all its life.
type PlanCounts struct {
	Hits   int // plans that were there
	Misses int // plans that were made, also those of graphs too large to be kept
	Kept   int // plans that are there now
}

// planCache keeps plans by the outlines of their graphs; an outline's hash only says where to look. The rest of what a plan
// depends on never changes in an executor's life, but for how. It belongs to who holds Executor.busy.
type planCache struct {
	young, old generation // what is found moves to the young; when that is full the old goes
	counts     PlanCounts
}

// generation is plans by the hash of their outlines.
type generation struct {
	plans map[uint64]*keptPlan
	n     int
	words int
}

// keptPlan is a plan and what it was made for. None of it keeps a user's blocks alive.
type keptPlan struct {
	outline array.Outline
	how     how
	plan    *Plan
	next    *keptPlan // of the same hash
}

// plan is the plan of computing roots, and what it is given, which is valid until the outline is cleared.
func (e *Executor) plan(ctx context.Context, roots []*array.Node, how how) (*Plan, given, error) {
	choice, err := e.choice(ctx, roots, how)
	if err != nil {
		return nil, given{}, err
	}
	how.choice = choice
	return e.planBy(ctx, roots, how, func() (map[string]Access, error) { return e.access, e.askAbout(ctx, roots) })
}

// planBy is plan for whoever knows who can read what; what access says of a source, it says as long as the executor lives.
func (e *Executor) planBy(ctx context.Context, roots []*array.Node, how how, access func() (map[string]Access, error)) (*Plan, given, error) {
	c, o := &e.plans, &e.outline
	small := o.Of(roots, cachedNodes)
	var hash uint64
	if small {
		hash = o.Hash()
		if k := c.find(o, hash, how); k != nil {
			c.counts.Hits++
			return k.plan, given{o.Blocks(), o.Parts()}, nil
		}
	}
	c.counts.Misses++
	known, err := access()
	if err != nil {
		return nil, given{}, err
	}
	plan, of, err := newPlan(ctx, roots, e.setting(how, known))
	if err == nil && small {
		c.add(hash, &keptPlan{outline: o.Clone(), how: how, plan: plan})
	}
	return plan, of, err
}

// askAbout asks who can read what is to be read, unless all ranks see the same files.
func (e *Executor) askAbout(ctx context.Context, roots []*array.Node) error {
	if e.local {
		return nil
	}
	return e.ask(ctx, roots)
}

// find gives what is kept of an outline; nil where nothing is.
func (c *planCache) find(o *array.Outline, hash uint64, how how) *keptPlan {
	if k := c.young.find(o, hash, how); k != nil {
		return k
	}
	k := c.old.find(o, hash, how)
	if k != nil {
		c.add(hash, &keptPlan{outline: k.outline, how: k.how, plan: k.plan})
	}
	return k
}

func (g *generation) find(o *array.Outline, hash uint64, how how) *keptPlan {
	for k := g.plans[hash]; k != nil; k = k.next {
		if k.how == how && k.outline.Equal(o) {
			return k
		}
	}
	return nil
}

// add keeps a plan.
func (c *planCache) add(hash uint64, k *keptPlan) {
	if c.young.words+k.outline.Words() > cachedWords {
		c.old, c.young = c.young, generation{}
	}
	g := &c.young
	if g.plans == nil {
		g.plans = make(map[uint64]*keptPlan)
	}
	k.next = g.plans[hash]
	g.plans[hash] = k
	g.n++
	g.words += k.outline.Words()
	c.counts.Kept = c.young.n + c.old.n
}
