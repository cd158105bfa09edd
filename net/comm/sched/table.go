package sched

// algorithm is one way to do a collective.
type algorithm struct {
	op      Op
	name    string
	fits    func(t *Task) bool // nil: any number of ranks and any blocks
	scratch func(t *Task) int  // elements of Tmp; nil: none
	rounds  func(g *gen)
}

// table: to add an algorithm, write its function and a line here; the tests take it from here.
var table = [...]algorithm{
	{Barrier, "dissemination", nil, nil, barrierDissemination},
	{Barrier, "hosts", known, nil, barrierHosts},

	{Bcast, "binomial", nil, nil, bcastBinomial},
	{Bcast, "chain", nil, nil, bcastChain},
	{Bcast, "pieces", nil, nil, bcastPieces},
	{Bcast, "hosts", known, nil, bcastHosts},

	{Scatter, "flat", nil, nil, scatterFlat},
	{Scatter, "binomial", nil, scratchSubtree, scatterBinomial},

	{Gather, "flat", nil, nil, gatherFlat},
	{Gather, "binomial", nil, scratchSubtree, gatherBinomial},

	{Allgather, "bruck", nil, scratchAll, allgatherBruck},
	{Allgather, "doubling", powerOfTwo, nil, allgatherDoubling},
	{Allgather, "ring", nil, nil, allgatherRing},

	{Alltoall, "bruck", equalBlocks, scratchAlltoallBruck, alltoallBruck},
	{Alltoall, "pairwise", nil, nil, alltoallPairwise},

	{Reduce, "binomial", nil, scratchReduceBinomial, reduceBinomial},
	{Reduce, "pieces", nil, scratchDirect, reducePieces},

	{Allreduce, "doubling", powerOfTwo, scratchN, allreduceDoubling},
	{Allreduce, "halving", powerOfTwo, scratchHalf, allreduceHalving},
	{Allreduce, "pieces", nil, scratchDirect, allreducePieces},
	{Allreduce, "binomial", nil, scratchAllreduceBinomial, allreduceBinomial},
	{Allreduce, "gather", nil, scratchAllreduceGather, allreduceGather},
	{Allreduce, "hosts", runs, scratchAllreduceHosts, allreduceHosts},

	{ReduceScatter, "pieces", nil, scratchReduceScatterPieces, reduceScatterPieces},
	{ReduceScatter, "binomial", nil, scratchReduceScatterBinomial, reduceScatterBinomial},
	{ReduceScatter, "halving", powerOfTwo, scratchReduceScatterHalving, reduceScatterHalving},

	{Scan, "doubling", nil, scratchScanDoubling, scanDoubling},
	{Scan, "linear", nil, scratchScanLinear, scanLinear},
	{Exscan, "doubling", nil, scratchScanDoubling, exscanDoubling},
	{Exscan, "linear", nil, scratchExscanLinear, exscanLinear},
}

func find(op Op, name string) (*algorithm, bool) {
	for i := range table {
		if a := &table[i]; a.op == op && a.name == name {
			return a, true
		}
	}
	return nil, false
}

// Ops lists the collectives.
func Ops() []Op {
	var ops []Op
	for _, a := range table {
		if len(ops) == 0 || ops[len(ops)-1] != a.op {
			ops = append(ops, a.op)
		}
	}
	return ops
}

// Algorithms lists the names of the algorithms for op.
func Algorithms(op Op) []string {
	var names []string
	for _, a := range table {
		if a.op == op {
			names = append(names, a.name)
		}
	}
	return names
}
