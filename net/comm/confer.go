package comm

import (
	"context"
	"fmt"

	"github.com/darray-go/darray/net/link"
)

// Confer brings the values of all ranks together by reference and gives each rank what decide, on rank 0, makes for it.
// It is for the ranks of one process (see InProcess); elsewhere it is an error on all of them.
//
// Every rank passes its value, which must not change any more; only rank 0's decide is called, with the values by rank. It
// returns one value for each rank. 2*(p-1) messages without payload.
func Confer(ctx context.Context, c *Comm, value any, decide func(values []any) []any) (got any, err error) {
	err = c.collective(ctx, signature{op: opConfer}, func(ctx context.Context, k *call) error {
		for r := range k.size() {
			if !c.InProcess(r) {
				return fmt.Errorf("rank %d is in another process, where references mean nothing", r)
			}
		}
		if k.rank() > 0 {
			if err := k.sendRef(ctx, 0, tagUp, value); err != nil {
				return err
			}
			got, err = k.recvRef(ctx, 0, tagDown)
			return err
		}
		values := make([]any, k.size())
		values[0] = value
		for r := 1; r < k.size(); r++ {
			if values[r], err = k.recvRef(ctx, r, tagUp); err != nil {
				return err
			}
		}
		decided := decide(values)
		if len(decided) != k.size() {
			return fmt.Errorf("%d values were decided on for %d ranks", len(decided), k.size())
		}
		for r := 1; r < k.size(); r++ {
			if err := k.sendRef(ctx, r, tagDown, decided[r]); err != nil {
				return err
			}
		}
		got = decided[0]
		return nil
	})
	if err != nil {
		return nil, err
	}
	return got, nil
}

// reference is what travels for a value, which itself may be nil.
type reference struct{ value any }

func (k *call) sendRef(ctx context.Context, dst int, tag int32, value any) error {
	return k.c.send(ctx, dst, k.header(tag), link.Payload{Ref: &reference{value}})
}

func (k *call) recvRef(ctx context.Context, src int, tag int32) (any, error) {
	l, err := k.next(ctx, src, tag)
	if err != nil {
		return nil, err
	}
	defer l.Discard()
	ref, ok := l.Ref()
	if box, is := ref.(*reference); ok && is {
		return box.value, nil
	}
	return nil, fmt.Errorf("%w: in %v rank %d sent no reference", ErrDiverged, k.signature, src)
}
