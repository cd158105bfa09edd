package comm

import (
	"context"
	"fmt"

	"github.com/darray-go/darray/net/comm/sched"
)

// Alltoall cuts each rank's slice into p equal runs and gives rank r the r-th run of every rank, in rank order.
//
// Every rank passes a slice of the same length, which p divides, and gets a fresh one of that length. With n bytes a rank
// over p ranks: p*(p-1) messages of n/p bytes; above 6 ranks, where n/p is at most 1 KiB, p*ceil(log2 p) messages of about
// n/2 bytes.
func Alltoall[T Elem](ctx context.Context, c *Comm, xs []T) ([]T, error) {
	return alltoallOf(make([]T, len(xs)), xs).do(ctx, c)
}

// AlltoallInto is Alltoall into dst, which has the length of xs. It may be xs, which costs a copy. After an error it holds
// nothing of use.
func AlltoallInto[T Elem](ctx context.Context, c *Comm, dst, xs []T) error {
	return alltoallOf(dst, xs).into(ctx, c)
}

func alltoallOf[T Elem](dst, xs []T) *job[T] {
	return &job[T]{
		sig: signature{op: opAlltoall, dtype: dtypeOf[T](), count: len(xs)}, out: dst,
		body: func(ctx context.Context, k *call) error {
			if len(xs)%k.size() != 0 {
				return fmt.Errorf("%d elements are not divided by %d ranks; use Alltoallv for uneven runs", len(xs), k.size())
			}
			if err := checkRoom(dst, len(xs)); err != nil {
				return err
			}
			in := xs
			if len(xs) > 0 && &dst[0] == &xs[0] {
				in = append([]T(nil), xs...)
			}
			n := len(xs) / k.size()
			return perform(ctx, k, sched.Alltoall, n, sched.Task{N: n}, in, dst, nil)
		},
	}
}

// Alltoallv gives rank r the r-th run of every rank, in rank order, where the runs of a rank have counts[0], counts[1],
// ... elements, which sum to len(xs). It returns what came, in a fresh slice, and how many elements from each rank.
//
// Messages over p ranks: p*(p-1), which carry the lengths and runs of at most 4 KiB; above 8 ranks p*ceil(log2 p), in
// which each such run moves up to log2 p times. Larger runs then go straight, one message each.
func Alltoallv[T Elem](ctx context.Context, c *Comm, xs []T, counts []int) ([]T, []int, error) {
	j, came := alltoallvOf(xs, counts)
	out, err := j.do(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	return out, *came, nil
}

func alltoallvOf[T Elem](xs []T, counts []int) (*job[T], *[]int) {
	var came []int
	j := &job[T]{sig: signature{op: opAlltoallv, dtype: dtypeOf[T]()}}
	j.body = func(ctx context.Context, k *call) error {
		p := k.size()
		if err := checkCounts(counts, p, len(xs)); err != nil {
			return err
		}
		to := boundsOf(counts)
		out, in := make([]part, p), make([]part, p)
		for r := range out {
			out[r] = partOf(bytesOf(xs[to[r]:to[r+1]]))
		}
		if err := k.runParts(ctx, sched.Alltoall, out, in); err != nil {
			return err
		}
		from, _, err := k.boundsOfParts(in)
		if err != nil {
			return err
		}
		came = make([]int, p)
		for r := range came {
			came[r] = from[r+1] - from[r]
		}
		j.out = make([]T, from[p])
		fill(bytesOf(j.out), in)
		return k.exchangeLarge(ctx, bytesOf(xs), bytesOf(j.out), to, from)
	}
	return j, &came
}

// exchangeLarge sends the runs that did not ride along straight to where they belong.
func (k *call) exchangeLarge(ctx context.Context, out, in []byte, to, from []int) error {
	size := dtypeSize(k.dtype)
	s, err := sched.New(sched.Alltoall, "pairwise", sched.Task{
		Rank: k.rank(), Size: k.size(), To: to, From: from, Skip: inline / size,
	})
	if err != nil {
		return err
	}
	return k.run(ctx, s, &memory{bufs: [sched.Buffers][]byte{sched.In: out, sched.Out: in}, size: size})
}
