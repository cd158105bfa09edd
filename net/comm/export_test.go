package comm

import "context"

// ByAlgorithm makes the collectives called with the context go by the algorithm of that name, on those hosts. All ranks
// must do it alike, and it must fit.
func ByAlgorithm(ctx context.Context, name string, hosts []int) context.Context {
	return context.WithValue(ctx, forced{}, way{name: name, hosts: hosts})
}
