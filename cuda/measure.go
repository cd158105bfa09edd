package cuda

import (
	"context"
	"errors"
	"time"
)

// span is two timed events around a kernel.
type span struct{ from, to *Event }

// Measure has the device take the time of each kernel from now on, or no more. It costs some microseconds a launch.
func (r *Runner) Measure(on bool) {
	_ = r.enter(context.Background()) // which does not end
	defer r.leave()
	r.measures = on
}

// Kernels is the time that kernels took on the device since the last call, and how many there were. It waits for their end.
func (r *Runner) Kernels(ctx context.Context) (total time.Duration, n int, err error) {
	if err := r.enter(ctx); err != nil {
		return 0, 0, err
	}
	defer r.leave()
	spans := r.spans
	r.spans = nil
	for _, s := range spans {
		if err == nil {
			err = s.to.Sync(ctx)
		}
		if err == nil {
			var t time.Duration
			t, err = s.to.Since(s.from)
			total += t
		}
		err = errors.Join(err, s.from.Close(), s.to.Close())
	}
	return total, len(spans), err
}

// timed is launch between two events where times are taken.
func (r *Runner) timed(s *Stream, launch func() error) error {
	if !r.measures {
		return launch()
	}
	from, err := r.d.Event(true)
	if err != nil {
		return err
	}
	to, err := r.d.Event(true)
	if err != nil {
		return errors.Join(err, from.Close())
	}
	if err = s.Record(from); err == nil {
		if err = launch(); err == nil {
			err = s.Record(to)
		}
	}
	if err != nil {
		return errors.Join(err, from.Close(), to.Close())
	}
	r.spans = append(r.spans, span{from, to})
	return nil
}
