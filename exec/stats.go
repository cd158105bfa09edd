package exec

import "time"

// Stats says what a Collect did, as rank 0 saw it.
type Stats struct {
	Rows        int            // elements of the first result along axis 0
	Ranks       int            // that took part
	Moved       map[string]int // bytes of blocks to and from rank 0, by link scheme; "devices": to its accelerator from others
	ByReference int            // blocks handed over inside the process
	Elapsed     time.Duration
	Steps       []StepTime
	Plans       PlanCounts // of this and all runs before it
	// NoAccelerator says why there is none, where one was asked for. Which device ran a step stands in Steps.
	NoAccelerator string
}

// StepTime is how long rank 0 spent in one step.
type StepTime struct {
	Step    *Step // of a plan that other runs share; not to be changed
	Elapsed time.Duration
	Note    string // the device's, on how it went; "" where there is nothing to say
}

// count notes a block that went to or came from a peer.
func (r *run) count(peer, bytes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.comm.InProcess(peer) {
		r.stats.ByReference++
		return
	}
	if r.moved == nil {
		r.moved = make([]int, r.plan.Ranks)
	}
	r.moved[peer] += bytes
}

// close fills in what is known at the end.
func (r *run) close(start time.Time) Stats {
	r.stats.Elapsed = time.Since(start)
	r.stats.Ranks = r.plan.Ranks
	r.stats.Plans = r.plans.counts
	r.stats.NoAccelerator = r.plan.setting.Choice.Why
	if r.moved != nil {
		r.stats.Moved = make(map[string]int)
		for _, peer := range r.comm.Stats() {
			if n := r.moved[peer.Rank]; n > 0 {
				r.stats.Moved[peer.Scheme] += n
			}
		}
	}
	if r.crossed > 0 {
		if r.stats.Moved == nil {
			r.stats.Moved = make(map[string]int)
		}
		r.stats.Moved["devices"] = r.crossed
	}
	for _, root := range r.plan.graph.roots[:min(1, len(r.plan.graph.roots))] {
		r.stats.Rows = 1
		if len(root.shape) > 0 {
			r.stats.Rows = root.shape[0]
		}
	}
	return r.stats
}
