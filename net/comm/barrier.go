package comm

import (
	"context"

	"github.com/darray-go/darray/net/comm/sched"
)

// Barrier returns when every rank has called it. Messages: p*ceil(log2 p), without payload; where ranks share hosts
// about 2*p and h*ceil(log2 h) between h hosts.
func Barrier(ctx context.Context, c *Comm) error { return barrierOf().into(ctx, c) }

func barrierOf() *job[bool] {
	return &job[bool]{sig: signature{op: opBarrier}, body: func(ctx context.Context, k *call) error {
		return perform[bool](ctx, k, sched.Barrier, 0, sched.Task{}, nil, nil, nil)
	}}
}
