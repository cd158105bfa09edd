package comm

import "context"

// The non-blocking collectives take their place in the order of collectives when they are called and go on by
// themselves; what they pass must not change, and what they get must not be used, before they are done. ctx limits the
// collective, not the wait for it. A collective that cannot begin gives a Result that is done and holds the error.

// Ibarrier is Barrier that does not wait.
func Ibarrier(ctx context.Context, c *Comm) *Request { return barrierOf().start(ctx, c).Request }

// Ibcast is Bcast that does not wait; its values are xs.
func Ibcast[T Elem](ctx context.Context, c *Comm, root int, xs []T) *Result[T] {
	return bcastOf(c, root, xs).start(ctx, c)
}

// Iscatter is Scatter that does not wait.
func Iscatter[T Elem](ctx context.Context, c *Comm, root int, xs []T) *Result[T] {
	return scatterOf(c, root, xs, balanced(c, xs), nil, true).start(ctx, c)
}

// Iscatterv is Scatterv that does not wait.
func Iscatterv[T Elem](ctx context.Context, c *Comm, root int, xs []T, counts []int) *Result[T] {
	return scatterOf(c, root, xs, counted(c, xs, counts), nil, true).start(ctx, c)
}

// Igather is Gather that does not wait.
func Igather[T Elem](ctx context.Context, c *Comm, root int, xs []T) *Result[T] {
	return gatherOf(c, root, nil, true, xs).start(ctx, c)
}

// Iallgather is Allgather that does not wait.
func Iallgather[T Elem](ctx context.Context, c *Comm, xs []T) *Result[T] {
	return allgatherOf(nil, true, xs).start(ctx, c)
}

// Ialltoall is Alltoall that does not wait.
func Ialltoall[T Elem](ctx context.Context, c *Comm, xs []T) *Result[T] {
	return alltoallOf(make([]T, len(xs)), xs).start(ctx, c)
}

// Ialltoallv is Alltoallv that does not wait. came holds how many elements came from each rank once the Result is done.
func Ialltoallv[T Elem](ctx context.Context, c *Comm, xs []T, counts []int) (r *Result[T], came *[]int) {
	j, came := alltoallvOf(xs, counts)
	return j.start(ctx, c), came
}

// Ireduce is Reduce that does not wait.
func Ireduce[T Elem](ctx context.Context, c *Comm, root int, op Op[T], xs []T) *Result[T] {
	return reduceOf(c, root, op, roomAt(c, root, xs), xs).start(ctx, c)
}

// Iallreduce is Allreduce that does not wait.
func Iallreduce[T Elem](ctx context.Context, c *Comm, op Op[T], xs []T) *Result[T] {
	return allreduceOf(op, make([]T, len(xs)), xs).start(ctx, c)
}

// Ireducescatter is ReduceScatter that does not wait.
func Ireducescatter[T Elem](ctx context.Context, c *Comm, op Op[T], xs []T, counts []int) *Result[T] {
	return reduceScatterOf(op, nil, true, xs, counts).start(ctx, c)
}

// Iscan is Scan that does not wait.
func Iscan[T Elem](ctx context.Context, c *Comm, op Op[T], xs []T) *Result[T] {
	return scanOf(op, make([]T, len(xs)), xs).start(ctx, c)
}

// Iexscan is Exscan that does not wait.
func Iexscan[T Elem](ctx context.Context, c *Comm, op Op[T], xs []T) *Result[T] {
	return exscanOf(c, op, make([]T, len(xs)), xs).start(ctx, c)
}
