package exec

import (
	"context"
	"sync"
)

// guests are the ranks of the root's process while they work on one of its tasks: they read the root's operands and write into
// its results where these lie. The root's caller may do as it likes with both once its call returns, so a task that breaks
// off waits for them.
type guests struct {
	mu     sync.Mutex
	over   bool
	cancel []context.CancelCauseFunc
	inside sync.WaitGroup
}

// enter lets a rank begin, until it calls inside.Done; false where the task is over.
func (g *guests) enter(cancel context.CancelCauseFunc) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over {
		return false
	}
	g.cancel = append(g.cancel, cancel)
	g.inside.Add(1)
	return true
}

// dismiss ends what the ranks still do for the task, and lets nobody begin.
func (g *guests) dismiss() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.over = true
	for _, cancel := range g.cancel {
		cancel(errOver)
	}
}
