package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/darray-go/darray/net/comm"
)

// Step is what all ranks of one communicator do together.
type Step struct {
	Kind string // a key of kinds, or "split"
	Comm int    // 0: the one that Run was called with; else the group of this rank in the Comm-th split
	Root int    // modulo the size of the communicator
	N    int    // elements
	Salt int    // makes the values, the partners and the groups
}

// String reads "bcast of 100 on 1, root 2".
func (s Step) String() string {
	return fmt.Sprintf("%s of %d on %d, root %d", s.Kind, s.N, s.Comm, s.Root)
}

// kinds are the steps but split. Each checks what it gets.
var kinds = []struct {
	name string
	run  func(ctx context.Context, c *comm.Comm, s Step) error
}{
	{"barrier", func(ctx context.Context, c *comm.Comm, _ Step) error { return comm.Barrier(ctx, c) }},
	{"bcast", bcast},
	{"scatter", scatter},
	{"gather", gather},
	{"allgather", allgather},
	{"reduce", reduce},
	{"allreduce", allreduce},
	{"ring", ring},
	{"chain", chain},
	{"permute", permute},
	{"fan in", fanIn},
	{"fan out", fanOut},
	{"probe", probe},
}

// lengths are what N is chosen from: one message, some, and such as wait for their receiver.
var lengths = []int{1, 7, 300, 5000, 40_000}

// Program returns the steps of a program for p ranks: some splits, then steps on all of the communicators in turn.
func Program(seed uint64, p int) []Step {
	r := rand.New(rand.NewPCG(seed, uint64(p)))
	steps := make([]Step, 0, 24)
	comms := 1
	for range r.IntN(4) {
		steps = append(steps, Step{Kind: "split", Comm: r.IntN(comms), Salt: r.IntN(1 << 20)})
		comms++
	}
	for range 8 + r.IntN(12) {
		kind := kinds[r.IntN(len(kinds))].name
		if r.IntN(12) == 0 {
			kind = "split"
		}
		steps = append(steps, Step{Kind: kind, Comm: r.IntN(comms), Root: r.IntN(p), N: lengths[r.IntN(len(lengths))], Salt: r.IntN(1 << 20)})
		if kind == "split" {
			comms++
		}
	}
	return steps
}

// Outcome is how one step ended on one rank.
type Outcome struct {
	Step
	Index int
	On    *comm.Comm
	Err   error
	End   time.Time
}

// Run does the steps on this rank of c, one after another, also after errors, and leaves out those on communicators that
// this rank is in no group of. Communicators that it made are closed. It blocks as long as the steps do.
func Run(ctx context.Context, c *comm.Comm, steps []Step) []Outcome {
	comms := []*comm.Comm{c}
	var done []Outcome
	for i, s := range steps {
		on := comms[s.Comm]
		if on == nil {
			if s.Kind == "split" {
				comms = append(comms, nil)
			}
			continue
		}
		var err error
		if s.Kind == "split" {
			var d *comm.Comm
			d, err = on.Split(ctx, s.color(on.Rank()), 0)
			comms = append(comms, d)
		} else {
			err = s.run(ctx, on)
		}
		done = append(done, Outcome{s, i, on, err, time.Now()})
	}
	for _, d := range comms[1:] {
		if d != nil {
			d.Close()
		}
	}
	return done
}

func (s Step) run(ctx context.Context, c *comm.Comm) error {
	s.Root %= c.Size()
	for _, k := range kinds {
		if k.name == s.Kind {
			return k.run(ctx, c, s)
		}
	}
	return fmt.Errorf("no step %q", s.Kind)
}

// color puts a rank into one of two groups, or none.
func (s Step) color(rank int) int {
	if s.Salt%5 == 0 && rank == s.Salt%7 {
		return -1
	}
	return rand.New(rand.NewPCG(uint64(s.Salt), uint64(rank))).IntN(2)
}

// values are what a rank brings to a step.
func (s Step) values(rank int) []int {
	xs := make([]int, s.N)
	for i := range xs {
		xs[i] = s.Salt + 31*rank + i
	}
	return xs
}

func (s Step) check(got []int, rank int) error {
	if len(got) != s.N {
		return fmt.Errorf("%v: %d elements of rank %d", s, len(got), rank)
	}
	for i, x := range got {
		if x != s.Salt+31*rank+i {
			return fmt.Errorf("%v: element %d of rank %d is %d", s, i, rank, x)
		}
	}
	return nil
}

// checkAll holds got against what ranks 0 to p-1 brought, one after another.
func (s Step) checkAll(got []int, p int) error {
	if len(got) != p*s.N {
		return fmt.Errorf("%v: %d elements of %d ranks", s, len(got), p)
	}
	for r := range p {
		if err := s.check(got[r*s.N:(r+1)*s.N], r); err != nil {
			return err
		}
	}
	return nil
}

func bcast(ctx context.Context, c *comm.Comm, s Step) error {
	xs := s.values(c.Rank())
	if err := comm.Bcast(ctx, c, s.Root, xs); err != nil {
		return err
	}
	return s.check(xs, s.Root)
}

func scatter(ctx context.Context, c *comm.Comm, s Step) error {
	var all []int
	if c.Rank() == s.Root {
		for r := range c.Size() {
			all = append(all, s.values(r)...)
		}
	}
	mine, err := comm.Scatter(ctx, c, s.Root, all)
	if err != nil {
		return err
	}
	return s.check(mine, c.Rank())
}

func gather(ctx context.Context, c *comm.Comm, s Step) error {
	all, err := comm.Gather(ctx, c, s.Root, s.values(c.Rank()))
	if err != nil || c.Rank() != s.Root {
		return err
	}
	return s.checkAll(all, c.Size())
}

func allgather(ctx context.Context, c *comm.Comm, s Step) error {
	all, err := comm.Allgather(ctx, c, s.values(c.Rank()))
	if err != nil {
		return err
	}
	return s.checkAll(all, c.Size())
}

func (s Step) checkSum(got []int, p int) error {
	for i, x := range got {
		if want := p*(s.Salt+i) + 31*p*(p-1)/2; x != want {
			return fmt.Errorf("%v: element %d is %d, want %d", s, i, x, want)
		}
	}
	return nil
}

func reduce(ctx context.Context, c *comm.Comm, s Step) error {
	got, err := comm.Reduce(ctx, c, s.Root, comm.Sum, s.values(c.Rank()))
	if err != nil || c.Rank() != s.Root {
		return err
	}
	return s.checkSum(got, c.Size())
}

func allreduce(ctx context.Context, c *comm.Comm, s Step) error {
	got, err := comm.Allreduce(ctx, c, comm.Sum, s.values(c.Rank()))
	if err != nil {
		return err
	}
	return s.checkSum(got, c.Size())
}

func (s Step) tag() int { return s.Salt % 1000 }

// ring passes each rank's values to the next.
func ring(ctx context.Context, c *comm.Comm, s Step) error {
	p, r := c.Size(), c.Rank()
	in := make([]int, s.N)
	if _, err := comm.Sendrecv(ctx, c, (r+1)%p, s.tag(), s.values(r), (r-1+p)%p, s.tag(), in); err != nil {
		return err
	}
	return s.check(in, (r-1+p)%p)
}

// chain passes rank 0's values from rank to rank, so that each waits for all before it.
func chain(ctx context.Context, c *comm.Comm, s Step) error {
	p, r := c.Size(), c.Rank()
	xs := s.values(0)
	if r > 0 {
		clear(xs)
		if _, err := comm.Recv(ctx, c, r-1, s.tag(), xs); err != nil {
			return err
		}
	}
	if r < p-1 {
		if err := comm.Send(ctx, c, r+1, s.tag(), xs); err != nil {
			return err
		}
	}
	return s.check(xs, 0)
}

// permute has each rank send to another one, by requests.
func permute(ctx context.Context, c *comm.Comm, s Step) error {
	to := rand.New(rand.NewPCG(uint64(s.Salt), 0)).Perm(c.Size())
	from := 0
	for r, dst := range to {
		if dst == c.Rank() {
			from = r
		}
	}
	in := make([]int, s.N)
	got := comm.Irecv(ctx, c, from, s.tag(), in)
	sent := comm.Isend(ctx, c, to[c.Rank()], s.tag(), s.values(c.Rank()))
	if _, err := comm.WaitAll(ctx, got, sent); err != nil {
		// The buffers are in use until both are done.
		_, err2 := sent.Wait(ctx)
		return errors.Join(err, err2)
	}
	return s.check(in, from)
}

// fanIn has all send to the root, which takes whatever comes.
func fanIn(ctx context.Context, c *comm.Comm, s Step) error {
	if c.Rank() != s.Root {
		return comm.Send(ctx, c, s.Root, s.tag(), s.values(c.Rank()))
	}
	for range c.Size() - 1 {
		in := make([]int, s.N)
		st, err := comm.Recv(ctx, c, comm.AnySource, s.tag(), in)
		if err == nil {
			err = s.check(in, st.Source)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fanOut has the root send to all, in order.
func fanOut(ctx context.Context, c *comm.Comm, s Step) error {
	if c.Rank() != s.Root {
		in := make([]int, s.N)
		if _, err := comm.Recv(ctx, c, s.Root, s.tag(), in); err != nil {
			return err
		}
		return s.check(in, s.Root)
	}
	for dst := range c.Size() {
		if dst == s.Root {
			continue
		}
		if err := comm.Send(ctx, c, dst, s.tag(), s.values(s.Root)); err != nil {
			return err
		}
	}
	return nil
}

// probe has the next rank look at the root's message before it takes it.
func probe(ctx context.Context, c *comm.Comm, s Step) error {
	if c.Size() == 1 {
		return nil
	}
	switch c.Rank() {
	case s.Root:
		return comm.Send(ctx, c, (s.Root+1)%c.Size(), s.tag(), s.values(s.Root))
	case (s.Root + 1) % c.Size():
		st, err := comm.Probe(ctx, c, s.Root, s.tag())
		if err != nil {
			return err
		}
		in := make([]int, st.Count)
		if _, err := comm.Recv(ctx, c, st.Source, st.Tag, in); err != nil {
			return err
		}
		return s.check(in, s.Root)
	}
	return nil
}
