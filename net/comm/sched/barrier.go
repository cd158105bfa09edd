package sched

// barrierDissemination: in round i each rank hears from the one 2^i below it, and so from 2^(i+1) ranks by then.
// Debra Hensgen, Raphael Finkel, Udi Manber, Two algorithms for barrier synchronization, 1988.
func barrierDissemination(g *gen) { g.disseminate(g.everyone()) }

func (g *gen) disseminate(gr group) {
	for d := 1; d < gr.n; d *= 2 {
		g.send(gr.rank((gr.me+d)%gr.n), Region{})
		g.recv(gr.rank((gr.me-d+gr.n)%gr.n), Region{})
		g.next()
	}
}
