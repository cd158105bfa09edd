package comm

import (
	"context"

	"github.com/darray-go/darray/net/comm/sched"
	"github.com/darray-go/darray/net/link"
)

// inline is the largest share of a rank, in bytes, that rides along in a message of many shares; a larger one goes by
// itself without being copied on the way.
const inline = 4 << 10

// way is how a collective goes.
type way struct {
	name  string // the algorithm, as package sched calls it
	hosts []int  // by rank; nil: not known
}

// forced is the key of a context's value that takes the place of what is chosen; tests set it.
type forced struct{}

// way chooses from the bytes, the number of ranks and their hosts alone, which all ranks know, so that they choose alike
// and the same call goes the same way each time. Bytes are 0 where they may differ between ranks.
func (k *call) way(ctx context.Context, op sched.Op, bytes int) way {
	if w, ok := ctx.Value(forced{}).(way); ok {
		return w
	}
	var hosts []int
	if op == sched.Barrier || op == sched.Bcast || op == sched.Allreduce {
		hosts = k.hosts()
	}
	return way{name: sched.Choose(op, bytes, k.size(), hosts), hosts: hosts}
}

// hosts is the host of each rank, where some share one and not all do; else nil.
func (k *call) hosts() []int {
	c, p := k.c, k.size()
	if p <= 2 || c.m.transport.Scheme() == inProcess {
		return nil
	}
	numbers := make(map[string]int)
	hosts := make([]int, p)
	for r := range hosts {
		name := c.Host(r)
		n, ok := numbers[name]
		if !ok {
			n = len(numbers)
			numbers[name] = n
		}
		hosts[r] = n
	}
	if len(numbers) == 1 || len(numbers) == p {
		return nil
	}
	return hosts
}

// small reports whether messages of so many bytes are sent without waiting for their receiver.
func small(bytes int) bool { return bytes <= link.EagerLimit }
