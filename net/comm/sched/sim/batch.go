package sim

import (
	"iter"

	"github.com/darray-go/darray/net/comm/sched"
)

// batch is some rounds of one rank, reduced to what takes time. Rounds come in batches because to change to the
// coroutine that makes them costs more than to make one.
type batch struct {
	rounds []round
	sends  []message
	recvs  []int32 // sources
}

// round is as many of the next sends and receives, then steps of that cost in nanoseconds.
type round struct {
	sends, recvs int
	cost         float64
}

// message is bytes for another rank.
type message struct {
	peer  int32
	bytes int
}

// batchMessages is about how many messages make a batch.
const batchMessages = 64

// batches reduces the rounds of s.
func (p *Params) batches(s sched.Schedule) iter.Seq[*batch] {
	return func(yield func(*batch) bool) {
		var b batch
		for r := range s.Rounds {
			for _, m := range r.Sends {
				b.sends = append(b.sends, message{int32(m.Peer), m.Len()})
			}
			for _, m := range r.Recvs {
				b.recvs = append(b.recvs, int32(m.Peer))
			}
			b.rounds = append(b.rounds, round{len(r.Sends), len(r.Recvs), p.cost(r.Steps)})
			if len(b.sends)+len(b.recvs)+len(b.rounds) < batchMessages {
				continue
			}
			if !yield(&b) {
				return
			}
			b.rounds, b.sends, b.recvs = b.rounds[:0], b.sends[:0], b.recvs[:0]
		}
		if len(b.rounds) > 0 {
			yield(&b)
		}
	}
}

func (p *Params) cost(steps []sched.Step) float64 {
	var sum float64
	for _, s := range steps {
		c := p.Copy
		if s.Combine {
			c = p.Combine
		}
		sum += float64(s.Dst.Len()) * c
	}
	return sum
}
