package cuda

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Pipeline works on pieces of what does not fit the device, or should not wait until all of it is there: while one piece is in a
// kernel the next is uploaded and the one before downloaded, by three streams. Pieces take turns in slots, which are buffers of the
// caller's. Close it.
type Pipeline struct {
	d                *Device
	in, compute, out *Stream
	slots            []slot
	running          chan struct{} // holds one value while Run runs
}

// slot has the events of the piece that was last in a slot.
type slot struct{ uploaded, launched, downloaded *Event }

// Stages is what a Pipeline does with piece k in a slot. Each queues work on the stream that it gets and none waits for it; a nil
// one has nothing to do.
type Stages struct {
	Upload   func(ctx context.Context, s *Stream, k, slot int) error // into the slot's buffers for operands
	Launch   func(ctx context.Context, s *Stream, k, slot int) error // from those to its buffers for results
	Download func(ctx context.Context, s *Stream, k, slot int) error // from those to the host
}

// Pipeline makes a pipeline with so many slots, at least 1. Two let transfers and kernels overlap, three also where their times vary.
func (d *Device) Pipeline(slots int) (*Pipeline, error) {
	if slots < 1 {
		return nil, fmt.Errorf("pipeline with %d slots; at least 1", slots)
	}
	p := &Pipeline{d: d, slots: make([]slot, slots), running: make(chan struct{}, 1)}
	var err error
	for _, s := range []**Stream{&p.in, &p.compute, &p.out} {
		if *s, err = d.Stream(); err != nil {
			return nil, errors.Join(err, p.Close())
		}
	}
	for i := range p.slots {
		for _, e := range []**Event{&p.slots[i].uploaded, &p.slots[i].launched, &p.slots[i].downloaded} {
			if *e, err = d.Event(false); err != nil {
				return nil, errors.Join(err, p.Close())
			}
		}
	}
	return p, nil
}

// Close waits for the pipeline's work and gives its streams and events back. The second call does nothing.
func (p *Pipeline) Close() error {
	var errs []error
	for _, s := range []*Stream{p.in, p.compute, p.out} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	for _, s := range p.slots {
		for _, e := range []*Event{s.uploaded, s.launched, s.downloaded} {
			if e != nil {
				errs = append(errs, e.Close())
			}
		}
	}
	return errors.Join(errs...)
}

// Run takes n pieces through the stages, in order, and waits until all are downloaded. Calls of the stages come from this goroutine,
// Upload of a piece first, then Launch, then Download; one Run runs at a time. Where a stage or the device fails, or ctx ends, what
// is queued goes on until Close, but writes only to pinned memory of the host.
func (p *Pipeline) Run(ctx context.Context, n int, st Stages) error {
	select {
	case p.running <- struct{}{}:
		defer func() { <-p.running }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// Downloads end in a copy by the host, which a goroutine does while this one queues the next pieces: it may be as many behind
	// as there are slots.
	done := make(chan mark, len(p.slots))
	var wg sync.WaitGroup
	wg.Go(func() {
		for m := range done {
			if err := p.out.syncTo(ctx, m); err != nil {
				cancel(err)
			}
		}
	})
	err := p.queue(ctx, n, st, done)
	close(done)
	if err != nil {
		cancel(err)
	}
	wg.Wait()
	if err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		p.out.drop()
	}
	return err
}

// queue queues all pieces.
func (p *Pipeline) queue(ctx context.Context, n int, st Stages, done chan<- mark) error {
	for k := range n {
		if err := p.piece(ctx, k, st); err != nil {
			return fmt.Errorf("piece %d of %d: %w", k, n, err)
		}
		m, err := p.out.fenced(mark{})
		if err != nil {
			return err
		}
		select {
		case done <- m:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// piece queues one piece: its upload behind the kernel that read the slot's operands before, its kernel behind its upload and behind
// the download of the slot's results of before, its download behind its kernel.
func (p *Pipeline) piece(ctx context.Context, k int, st Stages) error {
	i := k % len(p.slots)
	s := p.slots[i]
	for _, stage := range []struct {
		do     func(context.Context, *Stream, int, int) error
		on     *Stream
		behind []*Event
		then   *Event
	}{
		{st.Upload, p.in, []*Event{s.launched}, s.uploaded},
		{st.Launch, p.compute, []*Event{s.uploaded, s.downloaded}, s.launched},
		{st.Download, p.out, []*Event{s.launched}, s.downloaded},
	} {
		for _, e := range stage.behind {
			if err := stage.on.Wait(e); err != nil {
				return err
			}
		}
		if stage.do != nil {
			if err := stage.do(ctx, stage.on, k, i); err != nil {
				return err
			}
		}
		if err := stage.on.Record(stage.then); err != nil {
			return err
		}
	}
	return nil
}
