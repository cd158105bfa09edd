package main

import (
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress is a bar on a terminal for what takes longer than a second; elsewhere it is nothing.
type progress struct {
	start time.Time
	mu    sync.Mutex
	bar   *progressbar.ProgressBar
	off   bool
}

func newProgress(quiet bool) *progress {
	return &progress{start: time.Now(), off: quiet || !term.IsTerminal(int(os.Stderr.Fd()))}
}

// shown reports whether there may be a bar to see.
func (p *progress) shown() bool { return !p.off }

// set is darray.Config.Progress.
func (p *progress) set(done, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.off || p.bar == nil && time.Since(p.start) < time.Second {
		return
	}
	if p.bar == nil {
		p.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(os.Stderr), progressbar.OptionClearOnFinish(),
			progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false),
			progressbar.OptionThrottle(100*time.Millisecond))
	}
	p.bar.ChangeMax(total)
	_ = p.bar.Set(done)
}

// close takes the bar away. Safe to call twice.
func (p *progress) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil && !p.off {
		_ = p.bar.Clear()
	}
	p.off = true
}
