package cpu_test

import (
	"context"
	"testing"

	"github.com/darray-go/darray/exec/cpu"
	"github.com/darray-go/darray/internal/leak"
)

// brief is a context that ends as soon as it was looked at.
type brief struct {
	context.Context
	seen bool
}

func (b *brief) Err() error {
	if b.seen {
		return context.DeadlineExceeded
	}
	b.seen = true
	return nil
}

func (b *brief) Done() <-chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}

// TestRatesInBriefCalls: calls of which each has time for next to nothing get the rates together.
func TestRatesInBriefCalls(t *testing.T) {
	leak.Check(t)
	d := cpu.New(cpu.Config{Threads: 2})
	defer d.Close()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Rates(ended); err == nil {
		t.Error("it measured under a context that had ended")
	}
	const most = 20 // three runs of each of three figures, and some
	calls := 1
	r, err := d.Rates(&brief{Context: t.Context()})
	for ; err != nil && calls < most; calls++ {
		r, err = d.Rates(&brief{Context: t.Context()})
	}
	if err != nil || r.Launch <= 0 || r.Memory <= 0 || r.Ops <= 0 {
		t.Fatalf("after %d calls %+v: %v", calls, r, err)
	}
	if calls == 1 {
		t.Error("the context ended, and the call went on")
	}
	if again, err := d.Rates(t.Context()); err != nil || again != r {
		t.Errorf("%+v, then %+v: %v", r, again, err)
	}
}
