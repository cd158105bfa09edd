package exec

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/mem"
	"github.com/darray-go/darray/net/comm"
)

// Config is what an Executor works with. Comm and Device are needed.
type Config struct {
	Comm   *comm.Comm // takes one Executor a rank in its life, since tasks are numbered
	Device Device     // the processor
	// Accelerator takes the steps that the planner gives it. Nil: none. The executor asks for its Rates first, when a plan may be
	// worth it; an error then means that there is none.
	Accelerator Accelerator
	// Accelerate has it take all that it can, not what it takes less time for.
	Accelerate bool
	// Open gives a reader of a source on this rank, or says why this rank has none: the files are not here, or are not
	// of the source's Version. Nil: this rank reads no files.
	Open func(ctx context.Context, s *array.Source) (Reader, error)
	// Call does what Executor.Call asks of each rank, with this rank's parts of arrays, which stay the executor's. Nil: nothing.
	Call func(ctx context.Context, payload []byte, parts []*array.Block) ([]byte, error)
	// Progress is told on rank 0 how many elements the steps so far had, of all, and while a program runs how far it is by
	// rank 0's part; reductions' trees count nothing. Calls come one at a time. Nil: nobody asks.
	Progress func(done, total int)
	// Memory is where results and temporaries come from; the executors of one process may share it. Who made it closes it.
	// Nil: a pool of its own without a limit.
	Memory *mem.Pool
	Options
}

// Executor runs plans over the ranks of a communicator, one at a time. Rank 0 calls Collect, the others Serve; or all
// ranks call CollectSPMD with the same arrays.
type Executor struct {
	config  Config
	comm    *comm.Comm
	local   bool          // all ranks share this process
	busy    chan struct{} // one slot: the Collect or Serve under way
	readers map[string]*opened
	opens   int               // how often a reader was asked for
	access  map[string]Access // rank 0: what the other ranks have answered
	plans   planCache
	chosen  *Choice      // once it is known
	rates   *array.Rates // of this rank's accelerator, once it was asked
	group   array.Group  // of the ranks' accelerators; nil: none
	kept    map[uint64]*part
	gone    forgotten
	outline array.Outline    // of the graph that is being collected
	spare   *run             // of plans that need no other rank, one after another
	task    uint32           // rank 0: number of the last task
	held    []*comm.Incoming // other ranks: by peer, a parcel of the next task that came early
	once    sync.Once        // Close
	closed  bool
}

// New is an executor over c.Comm. Nothing is sent and nothing blocks.
func New(c Config) (*Executor, error) {
	if c.Comm == nil || c.Device == nil {
		return nil, fmt.Errorf("executor: Config.Comm and Config.Device are needed")
	}
	if c.Memory == nil {
		c.Memory = mem.New(mem.Config{})
	}
	e := &Executor{
		config: c, comm: c.Comm, local: true, busy: make(chan struct{}, 1),
		readers: make(map[string]*opened), access: make(map[string]Access), held: make([]*comm.Incoming, c.Comm.Size()),
	}
	for r := range c.Comm.Size() {
		e.local = e.local && c.Comm.InProcess(r)
	}
	return e, nil
}

// Collect computes arrays and gives their blocks, on rank 0 while the others are in Serve. After an error nothing is
// left behind, and unless a rank is lost the next Collect works. Safe for concurrent use.
func (e *Executor) Collect(ctx context.Context, roots []*array.Node) ([]*array.Block, Stats, error) {
	if err := e.collects(); err != nil {
		return nil, Stats{}, err
	}
	out, stats := make([]*array.Block, len(roots)), Stats{}
	err := e.collect(ctx, roots, out, nil, how{}, &stats)
	return whenDone(out, err), stats, err
}

// CollectOne is Collect of one array without Stats: a small array is there sooner than they are.
func (e *Executor) CollectOne(ctx context.Context, root *array.Node) (*array.Block, error) {
	if err := e.collects(); err != nil {
		return nil, err
	}
	roots, out := [1]*array.Node{root}, [1]*array.Block{}
	err := e.collect(ctx, roots[:], out[:], nil, how{}, nil)
	return out[0], err
}

// collects says where Collect is not this rank's to call.
func (e *Executor) collects() error {
	if e.comm.Rank() == 0 {
		return nil
	}
	return fmt.Errorf("collect: this is rank %d; rank 0 collects and the others serve, or all call CollectSPMD", e.comm.Rank())
}

// whenDone gives no blocks beside an error.
func whenDone(blocks []*array.Block, err error) []*array.Block {
	if err != nil {
		return nil
	}
	return blocks
}

// CollectSPMD is Collect where every rank calls it with an equal graph: rank 0, whose data counts, gets the blocks, the
// others nil. An error is the same on all ranks: ErrDiverged where the graphs differ.
func (e *Executor) CollectSPMD(ctx context.Context, roots []*array.Node) ([]*array.Block, Stats, error) {
	if e.comm.Rank() == 0 {
		out, stats := make([]*array.Block, len(roots)), Stats{}
		err := e.collect(ctx, roots, out, nil, how{spmd: true}, &stats)
		return whenDone(out, err), stats, err
	}
	wire, _, err := array.Encode(roots)
	if err != nil {
		return nil, Stats{}, err
	}
	start := time.Now()
	_, err = e.serve(ctx, called(wire, false))
	return nil, Stats{Ranks: e.comm.Size(), Elapsed: time.Since(start)}, err
}

// Explain gives the plan that Collect would run, without running it. Where files are to be read it asks the other ranks, and where
// accelerators may be worth it.
func (e *Executor) Explain(ctx context.Context, roots []*array.Node) (*Plan, error) {
	return e.explain(ctx, roots, how{})
}

// ExplainSPMD is Explain of CollectSPMD, which any rank can call by itself, so it asks nobody. Of accelerators it knows its own, until
// something has been collected; of files it knows who reaches them on rank 0, once they were collected, and else takes all ranks to.
func (e *Executor) ExplainSPMD(ctx context.Context, roots []*array.Node) (*Plan, error) {
	return e.explain(ctx, roots, how{spmd: true, alone: true})
}

func (e *Executor) explain(ctx context.Context, roots []*array.Node, how how) (*Plan, error) {
	if err := e.enter(ctx); err != nil {
		return nil, err
	}
	defer e.leave()
	if !how.alone {
		if err := e.askAbout(ctx, roots); err != nil {
			return nil, err
		}
	}
	choice, err := e.choice(ctx, roots, how)
	if err != nil {
		return nil, err
	}
	how.choice = choice
	return NewPlan(roots, e.setting(how, e.access)) // one of its own: it is the caller's
}

// Close lets the other ranks' Serve return, from rank 0, and closes what this rank reads. The communicator stays open.
// It waits for what is under way. Safe twice.
func (e *Executor) Close() error {
	var err error
	e.once.Do(func() {
		e.busy <- struct{}{}
		defer e.leave()
		e.closed = true
		e.dropAll()
		if e.comm.Rank() == 0 {
			e.tellAll(context.Background(), comm.Parcel{Flags: saysBye})
		}
		err = errors.Join(e.closeReaders(), e.leaveGroup())
	})
	return err
}

// enter waits for its turn.
func (e *Executor) enter(ctx context.Context) error {
	select {
	case e.busy <- struct{}{}: // looked at alone it costs half as much
	default:
		select {
		case e.busy <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if e.closed {
		e.leave()
		return fmt.Errorf("the cluster is closed; make another one to collect on: %w", comm.ErrClosed)
	}
	return nil
}

func (e *Executor) leave() {
	<-e.busy
	e.sweep()
}

// how is which way arrays are collected.
type how struct {
	spmd   bool    // every rank calls
	keep   bool    // Setting.Keep
	alone  bool    // and the others are not there to be asked
	choice *Choice // nil: no accelerator
}

// collect puts the blocks of roots into out, those that stay with the ranks into parts, and into stats, unless it is nil, what it did.
// Where the first of out is a block already, it stays, and gets the elements.
func (e *Executor) collect(ctx context.Context, roots []*array.Node, out []*array.Block, parts []*array.Parts, how how, stats *Stats) error {
	spmd := how.spmd
	var start time.Time
	if stats != nil {
		start = time.Now()
	}
	if err := e.enter(ctx); err != nil {
		return err
	}
	defer e.leave()
	e.sweepNow()
	plan, of, err := e.plan(ctx, roots, how)
	defer e.outline.Clear()
	var into *array.Block
	if len(out) > 0 && out[0] != nil && err == nil {
		into = out[0]
		err = fits(into, roots[0])
	}
	lent := err == nil && plan.into(into, of.blocks)
	if err == nil {
		err = e.hasRoom(plan, lent)
	}
	if err != nil {
		if spmd {
			e.refuse(ctx, err)
		}
		return err
	}
	alone := plan.alone() && (!spmd || e.comm.Size() == 1)
	var r *run
	if alone {
		r = e.again(plan)
		defer r.reset()
	} else {
		e.task++
		r = e.newRun(plan, e.task)
	}
	if plan.setting.Choice.Accelerator != nil {
		defer r.leaveFar()
	}
	if lent {
		r.lendInto(into)
	}
	if err = r.lend(); err != nil {
		if spmd {
			e.refuse(ctx, err)
		}
		return err
	}
	r.timed = stats != nil
	if err = r.bind(ctx, of); err != nil {
		if !alone {
			e.refuse(ctx, err)
		}
		return err
	}
	if alone {
		if err = r.steps(ctx); err == nil {
			err = r.failing(ctx, roots)
		}
	} else {
		err = e.drive(ctx, r, roots, of, spmd)
	}
	if fault := (*array.ElementError)(nil); err != nil && plan.setting.Choice.Linked && !errors.As(err, &fault) {
		e.chosen = nil // the group may be broken on some rank: the next plan that is worth it asks again
	}
	if err == nil && parts != nil { // before anything can go wrong: the others have theirs
		r.hold(r.keepParts(), true)
		r.partsOf(of, parts, e)
	}
	if err == nil {
		err = r.results(ctx, out)
	}
	if stats != nil {
		*stats = r.close(start)
	}
	return err
}

// setting is what plans of this executor depend on beside the graph.
func (e *Executor) setting(how how, access map[string]Access) Setting {
	s := Setting{
		Ranks: e.comm.Size(), InProcess: e.local, DealOut: how.spmd, Keep: how.keep, Access: access,
		Device: e.config.Device.Name(), Options: e.config.Options,
	}
	if how.choice != nil {
		s.Choice = *how.choice
	}
	return s
}

// errPanicked is what the other ranks hear where a call of the user's on the root did not return.
var errPanicked = errors.New("the root panicked")

// drive runs a task on all ranks. However it ends, also by a panic of Config.Progress, it ends on all of them.
func (e *Executor) drive(ctx context.Context, r *run, roots []*array.Node, of given, spmd bool) error {
	outer := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	r.guests = &guests{}
	var listener sync.WaitGroup
	listener.Go(func() { e.listen(ctx, r.task, cancel) })
	err := errPanicked
	defer func() {
		cancel(nil)
		listener.Wait()
		if err != nil {
			r.guests.dismiss()
			defer r.guests.inside.Wait()
		}
		e.end(outer, r.task, err)
	}()
	err = e.steer(ctx, r, roots, of, spmd)
	if cause := context.Cause(ctx); cause != nil && stopped(err, cause) {
		err = cause
	}
	return err
}

// steer is what the root does of a task while it listens.
func (e *Executor) steer(ctx context.Context, r *run, roots []*array.Node, of given, spmd bool) error {
	if err := e.announce(ctx, r, roots, of, spmd); err != nil {
		return err
	}
	if err := r.steps(ctx); err != nil {
		return err
	}
	if err := r.lastWords(ctx); err != nil {
		return err
	}
	return r.failing(ctx, roots)
}

// stopped reports whether err only says that its context ended, by cause. Other errors came first: what a rank complains of
// when a task breaks off around it does not hide why it broke off.
func stopped(err, cause error) bool {
	return errors.Is(err, cause) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// lastWords waits until the other ranks have done all steps.
func (r *run) lastWords(ctx context.Context) error {
	err := eachPeer(ctx, r.comm.Size(), func(ctx context.Context, peer int) error {
		in, err := r.receive(ctx, peer, r.task, r.at)
		if err != nil {
			return err
		}
		return r.hear(ctx, in)
	})
	if err != nil {
		return fmt.Errorf("end: %w", err)
	}
	return nil
}

// listen ends a task when a rank says that it has failed there.
func (e *Executor) listen(ctx context.Context, task uint32, cancel context.CancelCauseFunc) {
	for {
		in, err := comm.RecvParcel(ctx, e.comm, comm.AnySource, tagFailed)
		if err != nil {
			return // the task is over; or all ranks are lost, which the task notices itself
		}
		failure, err := readFailure(ctx, in)
		if uint32(in.Aux>>32) != task {
			continue // late news
		}
		if err == nil {
			err = failure
		}
		cancel(err)
		return
	}
}

// receive takes the parcel of a task and step from a peer. Parcels of earlier tasks are dropped; one of the next task stays for
// that. Of one peer one receive at a time.
func (e *Executor) receive(ctx context.Context, peer int, task uint32, step int) (*comm.Incoming, error) {
	for {
		in := e.held[peer]
		if in != nil {
			e.held[peer] = nil
		} else {
			var err error
			if in, err = comm.RecvParcel(ctx, e.comm, peer, tagData); err != nil {
				return nil, err
			}
		}
		switch theirs := uint32(in.Aux >> 32); {
		case theirs == task && uint32(in.Aux) == uint32(step):
			return in, nil
		case theirs == task:
			in.Discard()
			return nil, fmt.Errorf("%w: rank %d is at step %d, this rank at step %d", comm.ErrDiverged, peer, uint32(in.Aux), step)
		case theirs > task && e.comm.Rank() != 0:
			e.held[peer] = in
			return nil, fmt.Errorf("rank %d has gone on to task %d", peer, theirs)
		}
		in.Discard()
	}
}
