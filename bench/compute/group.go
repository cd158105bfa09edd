package compute

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/darray-go/darray/bench/report"
	"github.com/darray-go/darray/bench/talk"
)

// group is the turns of all contenders over operands of one kernel, type and size.
type group struct {
	*run
	k     kernel
	dtype string
	n     int
	want  reference
	turns []*turn
}

func (g *group) String() string { return fmt.Sprintf("%s %s n=%.3g", g.k.name, g.dtype, float64(g.n)) }

// need is the bytes that a contender may hold: operands, a result, and temporaries or results that were dropped and are not
// yet given back.
func (g *group) need() float64 {
	return float64(g.k.operands+1+cmp.Or(g.k.temporaries, 2)) * float64(sizeOf(g.dtype)) * float64(g.k.elements(g.n))
}

// apart reports whether the operands of all contenders at once would take too much memory, so that each has to hold them in
// its turn only.
func (g *group) apart() bool {
	room := freeMemory() / 2
	if g.o.Memory > 0 {
		room = float64(g.o.Memory)
	}
	return g.need()*float64(len(g.players())) > room
}

// players are the contenders of the group, each once.
func (g *group) players() []*contender {
	var players []*contender
	for _, t := range g.turns {
		if len(players) == 0 || players[len(players)-1] != t.c {
			players = append(players, t.c)
		}
	}
	return unique(players)
}

// runTogether has all contenders hold their operands while they take turns, round by round, one mode after the other. Each
// round begins with the next contender.
func (g *group) runTogether(ctx context.Context) {
	for _, c := range g.players() {
		g.prepare(ctx, c)
		for _, t := range g.of(c) {
			g.check(ctx, t)
			g.calibrate(ctx, t)
		}
	}
	for round := range g.o.Rounds {
		for i := range g.turns {
			g.measure(ctx, g.turns[(i+round)%len(g.turns)])
		}
	}
	for _, c := range g.players() {
		g.free(ctx, c)
	}
}

// runApart has each contender make its operands, run all modes and drop them in its turn.
func (g *group) runApart(ctx context.Context) {
	players := g.players()
	for round := range min(g.o.Rounds, apartRounds) {
		for i := range players {
			c := players[(i+round)%len(players)]
			g.prepare(ctx, c)
			for _, t := range g.of(c) {
				if round == 0 {
					g.check(ctx, t)
					g.calibrate(ctx, t)
				}
				g.measure(ctx, t)
			}
			g.free(ctx, c)
		}
	}
}

// apartRounds are enough where each turn costs seconds.
const apartRounds = 3

func (g *group) of(c *contender) []*turn {
	var own []*turn
	for _, t := range g.turns {
		if t.c == c {
			own = append(own, t)
		}
	}
	return own
}

func (g *group) prepare(ctx context.Context, c *contender) {
	if g.need() > freeMemory() {
		g.drop(ctx, c, fmt.Errorf("%w: it needs %.1f GB, and %.1f are free", talk.ErrUnavailable, g.need()/1e9, freeMemory()/1e9))
		return
	}
	if _, err := g.ask(ctx, c, g.k.prepare(g.dtype, g.n)); err != nil {
		g.drop(ctx, c, err)
	}
}

func (g *group) free(ctx context.Context, c *contender) {
	if _, err := g.ask(ctx, c, talk.Question{Do: "free"}); err != nil {
		g.drop(ctx, c, err)
	}
}

// drop takes all of a contender's turns out of the group.
func (g *group) drop(ctx context.Context, c *contender, err error) {
	for _, t := range g.of(c) {
		g.dropTurn(ctx, t, err)
	}
}

// dropTurn takes a turn out of the group: a case that a contender does not have is no failure.
func (g *group) dropTurn(ctx context.Context, t *turn, err error) {
	if t.out {
		return
	}
	t.out = true
	if ctx.Err() != nil {
		return // all of them end now, which is no contender's failure
	}
	g.row(t).Unavailable = err.Error()
	if !errors.Is(err, talk.ErrUnavailable) {
		g.fail(t.c, g.String()+" "+t.mode, err)
	}
}

// row is where a turn's times go.
func (g *group) row(t *turn) *report.Row {
	key := report.Key{Case: g.k.name, Mode: t.mode, DType: g.dtype, N: g.n}
	row := g.report.Row(key, t.c.name)
	row.Bytes = g.k.bytes(g.n, sizeOf(g.dtype))
	if g.k.flops != nil {
		row.Flops = g.k.flops(float64(g.n))
	}
	return row
}

// check holds a result against the reference, so that nobody is measured at something else. A rival whose sums in float32
// are far off is measured, but not counted among the best.
func (g *group) check(ctx context.Context, t *turn) {
	if t.out {
		return
	}
	a, err := g.ask(ctx, t.c, talk.Question{Do: "check", Mode: t.mode})
	if err != nil {
		g.dropTurn(ctx, t, err)
		return
	}
	if t.c.side == limit {
		return
	}
	d := g.k.distance(a.Check, g.want)
	switch {
	case d <= tolerance(g.dtype):
	case t.c.side == rival && g.k.reduces && g.dtype == float32s && d < 1:
		g.row(t).Inexact = d
	default:
		g.dropTurn(ctx, t, fmt.Errorf("wrong result: sum, first, middle and last are %.9g, not %.9g", a.Check, g.want.summary))
	}
}

// longCalls is the bytes above which a call takes longer than any batch has to.
const longCalls = 1 << 30

// calibrate lets the batches grow until one takes g.o.Batch.
func (g *group) calibrate(ctx context.Context, t *turn) {
	t.inner = 1
	if g.k.bytes(g.n, sizeOf(g.dtype)) > longCalls {
		return
	}
	for !t.out {
		a, err := g.ask(ctx, t.c, talk.Question{Do: "run", Mode: t.mode, Inner: t.inner, Repeat: 1})
		if err == nil && len(a.Runs) == 0 {
			err = errors.New("no times in the answer")
		}
		if err != nil {
			g.dropTurn(ctx, t, err)
			return
		}
		took := a.Runs[0] * float64(t.inner)
		if took >= g.o.Batch.Seconds() || t.inner >= maxInner {
			return
		}
		grow := min(20, max(2, 1.2*g.o.Batch.Seconds()/max(took, 1e-9)))
		t.inner = min(maxInner, int(float64(t.inner)*grow))
	}
}

// maxInner bounds the calls of a batch.
const maxInner = 1_000_000

// measure is one turn.
func (g *group) measure(ctx context.Context, t *turn) {
	if t.out {
		return
	}
	a, err := g.ask(ctx, t.c, talk.Question{Do: "run", Mode: t.mode, Inner: t.inner, Repeat: g.o.Repeat, Limit: g.o.Turn.Seconds()})
	if err != nil {
		g.dropTurn(ctx, t, err)
		return
	}
	row := g.row(t)
	row.Runs = append(row.Runs, a.Runs...)
	if t.c.side == ours {
		row.Allocs = a.Allocs
	}
}

// unique keeps the first of each, in order.
func unique(cs []*contender) []*contender {
	var out []*contender
	seen := make(map[*contender]bool)
	for _, c := range cs {
		if !seen[c] {
			seen[c], out = true, append(out, c)
		}
	}
	return out
}

// freeMemory is what contenders may take.
func freeMemory() float64 { return cmp.Or(report.FreeMemory(), usualMemory) }

// usualMemory is what a machine is taken to have free where the system does not say.
const usualMemory = 8 << 30
