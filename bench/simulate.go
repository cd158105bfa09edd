package bench

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/darray-go/darray/bench/report"
)

// Prediction is what a model says about one collective.
type Prediction struct {
	Seconds  float64
	Messages int
	Bytes    int // over all messages
}

// Model predicts the time of collectives on one kind of machine. Its functions return at once or take seconds, and give
// the same answer each time.
type Model struct {
	Name       string // "quic"
	Ops        []string
	Algorithms func(op string) []string
	// Predict is for a vector (or block) of that many bytes on each of p ranks. An error: the algorithm does not fit p,
	// or it is too much to simulate.
	Predict func(op, algorithm string, bytes, p int) (Prediction, error)
}

// SimulateOptions say what is predicted. The zero value takes everything up to 4,096 ranks.
type SimulateOptions struct {
	Ops   []string // default all of the model's
	Sizes []int    // bytes, ascending; default 8 B to 16 MiB
	Ranks []int    // ascending; default 2 to 4,096
	// Most is how many messages one prediction may follow; default 3 million, a few seconds. What would be more, judged by
	// the number for fewer ranks, is left out of the curve.
	Most int
	Log  io.Writer
}

func (o SimulateOptions) withDefaults(m Model) SimulateOptions {
	if len(o.Ops) == 0 {
		o.Ops = m.Ops
	}
	if len(o.Sizes) == 0 {
		for n := 8; n <= 16<<20; n *= 8 {
			o.Sizes = append(o.Sizes, n)
		}
	}
	if len(o.Ranks) == 0 {
		for p := 2; p <= 4096; p *= 2 {
			o.Ranks = append(o.Ranks, p)
		}
	}
	if o.Most == 0 {
		o.Most = 3_000_000
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	return o
}

// Check says what of the options makes no sense for the model.
func (o SimulateOptions) Check(m Model) error {
	if len(o.Ranks) > 0 && (!slices.IsSorted(o.Ranks) || o.Ranks[0] < 1) || len(o.Sizes) > 0 && (!slices.IsSorted(o.Sizes) || o.Sizes[0] < 0) {
		return fmt.Errorf("ranks %v, bytes %v: both go upwards, ranks from 1 and bytes from 0", o.Ranks, o.Sizes)
	}
	return allKnown("collective to simulate", o.Ops, m.Ops)
}

// Simulation is what a model said about some collectives: the curves of every algorithm.
type Simulation struct {
	Model  string
	Curves []Curve
}

// Curve is the predicted time of one algorithm over the message size at a number of ranks, or over the ranks at a size.
type Curve struct {
	Op, Algorithm string
	At            int  // ranks, or bytes
	OverRanks     bool // X is numbers of ranks; else bytes
	X             []int
	Y             []Prediction
	Left          map[int]string // why there is no prediction at some X
}

// Simulate asks the model for every algorithm of o.Ops: over the sizes at three numbers of ranks, and over the ranks at
// three sizes. It blocks until ctx ends or all is computed, which takes up to a minute for 4,096 ranks.
func Simulate(ctx context.Context, m Model, o SimulateOptions) (*Simulation, error) {
	if err := o.Check(m); err != nil {
		return nil, err
	}
	o = o.withDefaults(m)
	s := &Simulation{Model: m.Name}
	for _, op := range o.Ops {
		fmt.Fprintf(o.Log, "%s over %s\n", op, m.Name)
		sizes := o.Sizes
		if op == "barrier" {
			sizes = []int{0}
		}
		for _, alg := range m.Algorithms(op) {
			asked := asker{m: m, op: op, algorithm: alg, most: o.Most, known: make(map[[2]int]Prediction), messages: make(map[int]int)}
			for _, at := range three(sizes) {
				s.curve(ctx, Curve{Op: op, Algorithm: alg, At: at, OverRanks: true, X: o.Ranks},
					func(p int) (Prediction, error) { return asked.predict(at, p) })
			}
			for _, at := range three(bySize(o.Ranks)) {
				if len(sizes) > 1 {
					s.curve(ctx, Curve{Op: op, Algorithm: alg, At: at, X: sizes},
						func(n int) (Prediction, error) { return asked.predict(n, at) })
				}
			}
		}
	}
	return s, context.Cause(ctx)
}

// asker asks a model about one algorithm, each question once: the two families of curves cross.
type asker struct {
	m             Model
	op, algorithm string
	most          int
	known         map[[2]int]Prediction // by bytes and ranks
	messages      map[int]int           // by ranks: the most that were found, or may be
}

func (a *asker) predict(bytes, p int) (Prediction, error) {
	if found, ok := a.known[[2]int{bytes, p}]; ok {
		return found, nil
	}
	// No algorithm's messages grow faster than the square of the ranks.
	fewer := 0
	for q := range a.messages {
		if q < p {
			fewer = max(fewer, q)
		}
	}
	if fewer > 0 {
		if bound := a.messages[fewer] * p / fewer * p / fewer; bound > a.most {
			a.messages[p] = max(a.messages[p], bound)
			return Prediction{}, fmt.Errorf("up to %d messages, more than the %d that are followed", bound, a.most)
		}
	}
	found, err := a.m.Predict(a.op, a.algorithm, bytes, p)
	if err == nil {
		a.known[[2]int{bytes, p}] = found
		a.messages[p] = max(a.messages[p], found.Messages)
	}
	return found, err
}

// bySize leaves the numbers of ranks at which the size is varied: up to 1,024, where a prediction still takes a second.
func bySize(ranks []int) []int {
	if i := slices.IndexFunc(ranks, func(p int) bool { return p > 1024 }); i > 0 {
		return ranks[:i]
	}
	return ranks
}

// three are the first, a middle and the last of xs.
func three(xs []int) []int {
	return slices.Compact([]int{xs[0], xs[len(xs)/2], xs[len(xs)-1]})
}

func (s *Simulation) curve(ctx context.Context, c Curve, predict func(x int) (Prediction, error)) {
	xs := c.X
	c.X, c.Left = nil, make(map[int]string)
	for _, x := range xs {
		if ctx.Err() != nil {
			return
		}
		y, err := predict(x)
		if err != nil {
			c.Left[x] = err.Error()
			continue
		}
		c.X, c.Y = append(c.X, x), append(c.Y, y)
	}
	s.Curves = append(s.Curves, c)
}

// WriteText prints the curves as tables, the fastest algorithm of each column marked.
func (s *Simulation) WriteText(w io.Writer) error {
	p := report.NewPrinter(w)
	p.F("Predicted times over %s, in virtual time; * is the fastest, - means that an algorithm does not fit or is too much to simulate.\n", s.Model)
	for i, first := range s.Curves {
		if slices.IndexFunc(s.Curves, first.beside) != i {
			continue // printed with the algorithm that came first
		}
		group := s.group(first)
		xs := group.xs()
		p.F("\n%s\n%-12s", first.title(), "")
		for _, x := range xs {
			p.F(" %10s", first.label(x))
		}
		for _, c := range group {
			p.F("\n%-12s", c.Algorithm)
			for _, x := range xs {
				p.F(" %10s", group.cell(c, x))
			}
		}
		p.F("\n")
	}
	return p.Err
}

// curves of one collective in one table or panel: they differ in the algorithm only.
type curves []Curve

func (s *Simulation) group(like Curve) curves {
	var group curves
	for _, c := range s.Curves {
		if like.beside(c) {
			group = append(group, c)
		}
	}
	return group
}

// beside reports whether two curves belong into one table.
func (c Curve) beside(d Curve) bool {
	return c.Op == d.Op && c.At == d.At && c.OverRanks == d.OverRanks
}

func (c Curve) title() string {
	if c.OverRanks {
		return fmt.Sprintf("%s of %s, by ranks", c.Op, byteSize(c.At))
	}
	return fmt.Sprintf("%s over %d ranks, by bytes", c.Op, c.At)
}

func (c Curve) label(x int) string {
	if c.OverRanks {
		return fmt.Sprint(x)
	}
	return byteSize(x)
}

// at is the curve's value at x.
func (c Curve) at(x int) (Prediction, bool) {
	if i := slices.Index(c.X, x); i >= 0 {
		return c.Y[i], true
	}
	return Prediction{}, false
}

// xs are all places where some curve was asked.
func (g curves) xs() []int {
	var xs []int
	for _, c := range g {
		xs = append(xs, c.X...)
		for x := range c.Left {
			xs = append(xs, x)
		}
	}
	slices.Sort(xs)
	return slices.Compact(xs)
}

// cell is a time, with a star where it is the least of its column.
func (g curves) cell(c Curve, x int) string {
	own, ok := c.at(x)
	if !ok {
		return "-"
	}
	for _, other := range g {
		if y, ok := other.at(x); ok && y.Seconds < own.Seconds {
			return report.Seconds(own.Seconds)
		}
	}
	return report.Seconds(own.Seconds) + "*"
}
