package sched

// Fan is the largest number of messages that a round has in one direction where ranks deal with many others directly:
// enough to keep a link busy, few enough not to flood a receiver.
const Fan = 8

// gen makes the rounds of one rank: an algorithm adds messages and steps, and ends each round by next.
type gen struct {
	Task
	round Round
	yield func(*Round) bool
	over  bool // nobody wants more

	// Room for the rounds of most algorithms, so that they cost one allocation.
	sends, recvs [2]Message
	steps        [4]Step
}

func (g *gen) send(peer int, what Region) { g.round.Sends = append(g.round.Sends, Message{peer, what}) }

func (g *gen) recv(peer int, what Region) { g.round.Recvs = append(g.round.Recvs, Message{peer, what}) }

// sendSome and recvSome leave out what is empty, where both ranks know that.
func (g *gen) sendSome(peer int, what Region) {
	if what.Len() > 0 {
		g.send(peer, what)
	}
}

func (g *gen) recvSome(peer int, what Region) {
	if what.Len() > 0 {
		g.recv(peer, what)
	}
}

func (g *gen) copy(dst, src Region) {
	if dst != src && src.Len() > 0 {
		g.round.Steps = append(g.round.Steps, Step{Dst: dst, Src: src})
	}
}

func (g *gen) combine(dst, src Region) {
	if src.Len() > 0 {
		g.round.Steps = append(g.round.Steps, Step{Combine: true, Dst: dst, Src: src})
	}
}

// next ends the round. False: nobody wants more; an algorithm with many rounds then returns, others may go on in vain.
func (g *gen) next() bool {
	r := &g.round
	if !g.over && len(r.Sends)+len(r.Recvs)+len(r.Steps) > 0 {
		g.over = !g.yield(r)
	}
	r.Sends, r.Recvs, r.Steps = r.Sends[:0], r.Recvs[:0], r.Steps[:0]
	return !g.over
}

// group is the ranks that take part in one phase: those listed, or else all.
type group struct {
	ranks []int
	n     int // how many
	me    int // this rank's place among them
}

func (g *gen) everyone() group { return group{n: g.Size, me: g.Rank} }

func (gr group) rank(i int) int {
	if gr.ranks == nil {
		return i
	}
	return gr.ranks[i]
}

// hang is the distance from position v of the binomial tree over n to its parent: its lowest set bit. The children of v
// are v+d for each power of two d below that; v is responsible for the positions up to v+hang, cut at n.
func hang(v, n int) int {
	if v != 0 {
		return v & -v
	}
	d := 1
	for d < n {
		d *= 2
	}
	return d
}

// down passes what from the group's member root to all others along the binomial tree.
func (g *gen) down(gr group, root int, what Region) {
	v := (gr.me - root + gr.n) % gr.n
	at := func(v int) int { return gr.rank((v + root) % gr.n) }
	d := hang(v, gr.n)
	if v != 0 {
		g.recv(at(v-d), what)
		g.next()
	}
	for d /= 2; d > 0; d /= 2 { // the child with the most ranks behind it first: it has the longest way to go
		if v+d < gr.n {
			g.send(at(v+d), what)
		}
	}
	g.next()
}

// ring hands the pieces of v, v-1, ... around: each position has its own and gets the others from its left.
func (g *gen) ring(v, left, right int, piece func(i int) Region) {
	at := v
	for range g.Size - 1 {
		g.sendSome(right, piece(at))
		if at--; at < 0 {
			at = g.Size - 1
		}
		g.recvSome(left, piece(at))
		if !g.next() {
			return
		}
	}
}

func powerOfTwo(t *Task) bool { return t.Size&(t.Size-1) == 0 }
