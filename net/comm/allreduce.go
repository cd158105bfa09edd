package comm

import (
	"context"
	"slices"

	"github.com/darray-go/darray/partition"
)

// Allreduce is Reduce with the result on every rank: a fresh slice each, with the bits that Reduce gives.
//
// Every rank passes a slice of the same length. With n bytes: p*log2 p messages of n bytes where p is a power of two,
// 2*(p-1) otherwise; above 64 KiB 2*p*(p-1) messages of n/p bytes.
func Allreduce[T Elem](ctx context.Context, c *Comm, op Op[T], xs []T) ([]T, error) {
	if c.Size() == 1 {
		return slices.Clone(xs), nil
	}
	var out []T
	sig := signature{op: opAllreduce, dtype: dtypeOf[T](), count: len(xs)}
	err := c.collective(ctx, sig, func(ctx context.Context, k *call) (err error) {
		switch choose(opAllreduce, len(bytesOf(xs)), c.Size()) {
		case pieces:
			out, err = allreducePieces(ctx, k, op, xs)
		case doubling:
			out, err = allreduceDoubling(ctx, k, op, xs)
		default:
			out, err = allreduceBinomial(ctx, k, op, xs)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// allreduceDoubling, for p a power of two: in round i ranks that differ in bit i exchange what their groups have.
func allreduceDoubling[T Elem](ctx context.Context, k *call, op Op[T], xs []T) ([]T, error) {
	r := k.rank()
	acc, other := slices.Clone(xs), make([]T, len(xs))
	tag := tagRound
	for d := 1; d < k.size(); d *= 2 {
		partner := r ^ d
		if err := k.exchange(ctx, partner, bytesOf(acc), partner, bytesOf(other), tag); err != nil {
			return nil, err
		}
		if r < partner {
			op(acc, other)
		} else {
			op(other, acc)
			acc, other = other, acc
		}
		tag--
	}
	return acc, nil
}

// allreduceBinomial reduces to rank 0 and sends the result down the tree.
func allreduceBinomial[T Elem](ctx context.Context, k *call, op Op[T], xs []T) ([]T, error) {
	out, err := reduceBinomial(ctx, k, 0, op, xs)
	if err != nil {
		return nil, err
	}
	if out == nil {
		out = make([]T, len(xs))
	}
	return out, bcastBinomial(ctx, k, bytesOf(out))
}

// allreducePieces: each rank combines one piece, and the pieces go around a ring.
func allreducePieces[T Elem](ctx context.Context, k *call, op Op[T], xs []T) ([]T, error) {
	cut := partition.Balanced(len(xs), k.size())
	mine, err := combinePiece(ctx, k, op, xs, cut)
	if err != nil {
		return nil, err
	}
	out := make([]T, len(xs))
	piece := func(r int) []T { g := cut.Range(r); return out[g.Lo:g.Hi] }
	copy(piece(k.rank()), mine)
	return out, ring(ctx, k, func(r int) []byte { return bytesOf(piece(r)) })
}
