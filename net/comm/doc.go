// Package comm gives the ranks of a job messages and collectives, MPI style, over any link.Transport.
//
// A Comm is made by Join (ranks in several processes meet at rank 0) or NewLocal (ranks of one process). Send and Recv
// move typed slices between two ranks; Bcast, Scatter, Gather, Reduce and the others are called by all ranks in the
// same order. Every call takes a context and returns soon after it ends.
//
// Nothing hangs because of somebody else: a rank that dies, closes or leaves a collective half way ends the calls that
// need it, on every rank, with a *RankError that names it, and ranks that are in different collectives get ErrDiverged.
// After a failed collective the Comm is usable again, unless a rank is lost: then only messages between the others are.
//
// Reductions combine along a tree over the ranks that depends on their number alone, so the bits of a result do not
// depend on the root, the length, the algorithm or the timing.
package comm
