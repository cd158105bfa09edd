package sched

import "math"

// Where one algorithm overtakes another, in bytes, as package sim finds it for QUIC (one-way latency 36 us, 3 ns/B). The
// other paths have a latency worth 6 KB (TCP with TLS) to 26 KB (shared memory) where QUIC has 12 KB, so these limits
// stand for them as well; inside one process every choice is fast. The test of package sim holds each choice against the
// best one over a grid of sizes and ranks.
const (
	// halfLength is alpha/beta, the bytes that take as long as a message of none.
	halfLength = 12_000
	// A broadcast down a tree is overtaken by pieces at 64 KiB for 7, 128 KiB for 16, 256 KiB for 64, 512 KiB
	// for 128 and 256.
	bcastWhole        = 64 << 10
	bcastWholePerRank = 4 << 10
	// The chain overtakes the pieces at 128 KiB for 8 ranks, 512 KiB for 16, 1 MiB for 32, 2 MiB for 64.
	bcastChainPerRank = 32 << 10
	// flatRanks: the root deals with up to so many ranks itself, whatever the sizes: a tree is 12 % ahead for 7.
	flatRanks = 8
	// treeBlock: a tree for blocks of a rank is overtaken by flat at 2 KiB for 7 ranks, 4 KiB for 32 and more.
	treeBlock = 2 << 10
	// bruckBlock: Bruck's allgather is overtaken by the ring at 128 KiB for 7 ranks, 256 KiB for 33.
	bruckBlock = 128 << 10
	// bruckPair: Bruck's alltoall is overtaken by direct messages at 2 KiB for 7 to 256 ranks.
	bruckPair = 1 << 10
	// Whole vectors up a tree are overtaken by pieces at 16 to 32 KiB for 3 to 13 ranks, 64 KiB for 33, 128 KiB for 64,
	// 256 KiB for 128.
	reduceWhole        = 16 << 10
	reduceWholePerRank = 2 << 10
	// doublingWhole: doubling is overtaken by halving at 32 KiB for 8 to 32 ranks, 16 KiB for 64 and more.
	doublingWhole = 16 << 10
	// gatherAll: all vectors on every rank are overtaken by a tree at 100 KB in all for 13, 33 and 100 ranks.
	gatherAll = 96 << 10
	// halvingBlock: halving is overtaken by pieces at 4 KiB for 8 ranks, 8 KiB for 16 to 64, 32 KiB for 128.
	halvingBlock        = 4 << 10
	halvingBlockPerRank = 128
	// reduceBlock: to reduce to one rank and scatter is overtaken by pieces at 512 B for 13 and 17 ranks, 1 KiB for 25 to
	// 300, and never ahead for 11.
	reduceBlock = 512
)

// Choose returns the algorithm for op over p ranks. Bytes counts as in sim.Time: of the vector, or of one block; 0 where
// that differs between ranks. Hosts is the host of each rank, nil where that is not known. All ranks know all of these,
// so they choose alike, and the same call goes the same way each time, whatever the load.
func Choose(op Op, bytes, p int, hosts []int) string {
	even := p&(p-1) == 0
	switch op {
	case Barrier:
		if grouped(hosts) {
			return "hosts"
		}
		return "dissemination"
	case Bcast:
		return chooseBcast(bytes, p, hosts)
	case Scatter, Gather:
		if p <= flatRanks || bytes > treeBlock {
			return "flat"
		}
		return "binomial"
	case Allgather:
		switch {
		case even:
			return "doubling"
		case bytes <= bruckBlock:
			return "bruck"
		}
		return "ring"
	case Alltoall:
		if p > 6 && bytes <= bruckPair {
			return "bruck"
		}
		return "pairwise"
	case Reduce:
		if bytes > wholeLimit(p) {
			return "pieces"
		}
		return "binomial"
	case Allreduce:
		return chooseAllreduce(bytes, p, hosts)
	case ReduceScatter:
		return chooseReduceScatter(bytes, p)
	default: // the scans
		return "doubling"
	}
}

// wholeLimit is the largest vector that goes up a tree as a whole.
func wholeLimit(p int) int {
	if p == 2 {
		return 8 * reduceWhole // one message either way; pieces only halve the combining
	}
	return max(reduceWhole, reduceWholePerRank*p)
}

func chooseBcast(bytes, p int, hosts []int) string {
	switch {
	case p > 2 && bytes >= max(bcastWhole, bcastChainPerRank*p):
		return "chain"
	case p > 2 && bytes >= max(bcastWhole, bcastWholePerRank*p):
		return "pieces"
	case grouped(hosts):
		return "hosts" // the binomial tree, but never twice between two hosts
	}
	return "binomial"
}

func chooseAllreduce(bytes, p int, hosts []int) string {
	switch {
	case p&(p-1) == 0 && bytes <= doublingWhole:
		return "doubling"
	case p&(p-1) == 0:
		return "halving"
	case bytes*p <= gatherAll && !grouped(hosts) || bytes*p <= gatherAll/4:
		return "gather" // ranks of one host have a tree that costs less
	case bytes > wholeLimit(p):
		return "pieces"
	case grouped(hosts) && runs(&Task{Size: p, Hosts: hosts}):
		return "hosts"
	}
	return "binomial"
}

func chooseReduceScatter(bytes, p int) string {
	switch {
	case p > 4 && p&(p-1) == 0 && bytes <= max(halvingBlock, halvingBlockPerRank*p):
		return "halving"
	case p > flatRanks && p&(p-1) != 0 && bytes <= reduceBlock:
		return "binomial"
	}
	return "pieces"
}

// grouped reports whether some ranks share a host and not all do.
func grouped(hosts []int) bool {
	seen := make(map[int]struct{})
	for _, h := range hosts {
		seen[h] = struct{}{}
	}
	return len(seen) > 1 && len(seen) < len(hosts)
}

// Segment is the number of bytes in one message of a pipeline for a vector of that many bytes: the least time of
// (p-2+bytes/s) steps of (alpha + s*beta) each is at s = sqrt(bytes * alpha/beta / (p-2)).
func Segment(bytes, p int) int {
	const least, most = 16 << 10, 1 << 20
	s := int(math.Sqrt(float64(bytes) * halfLength / float64(max(p-2, 1))))
	return min(max(s, least), most) &^ (least - 1)
}
