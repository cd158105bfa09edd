package comm

import "context"

// Barrier returns when every rank has called it. Messages: p*ceil(log2 p), without payload.
func Barrier(ctx context.Context, c *Comm) error {
	if c.Size() == 1 {
		return ctx.Err()
	}
	return c.collective(ctx, signature{op: opBarrier}, barrierDissemination)
}

// barrierDissemination: in round i each rank hears from the one 2^i below it, and so from 2^(i+1) ranks by then.
func barrierDissemination(ctx context.Context, k *call) error {
	p, r := k.size(), k.rank()
	tag := tagRound
	for d := 1; d < p; d *= 2 {
		if err := k.exchange(ctx, (r+d)%p, nil, (r-d+p)%p, nil, tag); err != nil {
			return err
		}
		tag--
	}
	return nil
}
