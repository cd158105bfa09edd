// Package exec turns a graph of array.Node into a plan and runs it on the ranks of a communicator.
//
// The pipeline, in the order of its files: cse.go joins equal expressions into flat values; fuse.go gives them stages
// and groups; program.go makes one array.Program of each group; planner.go adds the moves and the layouts, memory.go what they
// need, and plan.go prints the result; executor.go (rank 0) and serve.go (the other ranks) run the same plan, run.go its
// steps one by one, with blocks carried by move.go and, among the ranks, exchange.go, and reductions finished by reduce.go.
//
// A plan is a pure function of the graph and its Setting, so each rank makes its own from the graph's wire form: plans
// travel, not closures, and blocks stay where they are until a step moves them.
package exec
