// Package darray is a distributed, Arrow-backed array engine.
//
// An [Array] is a lazy description: a column of a file, a Go slice, a range of numbers, or an expression over other
// arrays. [Array.Collect] plans the expression as moves and fused kernels, runs it on the ranks of a [Cluster], and
// returns one contiguous [Block]:
//
//	f, err := darray.Open("flights.arrow")
//	block, err := darray.Add(f.Col("distance"), f.Col("delay")).Collect()
//
// The same program runs in one process (the default), on n processes of one host (`darray run -n 4 ./prog`) or on several
// hosts, unchanged, and gives the same bits: see [Main]. Message-passing programs in the style of MPI use [SPMD] and
// package net/comm.
//
// Element types are bool, int8 to int64, uint8 to uint64, float32 and float64; they promote by NumPy 2's rules. Null
// elements follow Arrow: null in, null out; reductions skip them. docs/ops.md lists every operation.
package darray
