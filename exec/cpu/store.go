package cpu

import (
	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
)

// store makes results, from element at on, of the nodes over as many runs, as array.Partial.Value does one by one. aux is nil
// where the op has none, count where no element of the runs was null.
func (j *job) store(at int, acc, aux, count []uint64) {
	if len(acc) == 0 {
		return
	}
	values, validity, offset := j.result.Raw()
	if validity != nil || j.out.Out == array.Bool { // neighbours share bytes
		j.write.Lock()
		defer j.write.Unlock()
	}
	if count != nil || j.divisor[0] <= 0 || !j.storeAll(values, offset+at, acc, aux) {
		p := array.Partial{Count: uint64(j.extent.Length)}
		for i := range acc {
			if p.Acc = acc[i]; aux != nil {
				p.Aux = aux[i]
			}
			if count != nil {
				p.Count = count[i]
			}
			value, ok := p.Value(j.out.Op, j.acc, j.out.Out, j.out.Correction)
			j.result.SetScalar(at+i, value, ok)
		}
		return
	}
	if validity != nil {
		array.SetBits(validity, offset+at, len(acc))
	}
}

// storeAll makes results of runs none of whose elements is null, by loops over all; false where there are none. It uses up
// the nodes.
func (j *job) storeAll(values []byte, at int, acc, aux []uint64) bool {
	out, n := j.out.Out, len(acc)
	x, divided := array.Bytes(acc), false
	switch j.out.Op {
	case array.Sum, array.Prod, array.Min, array.Max:
	case array.Mean:
		divided = true
	case array.Var:
		x, divided = array.Bytes(aux), true
	default:
		return false
	}
	if !out.Float() || !j.acc.Float() {
		if out == j.acc && (out == array.Int64 || out == array.Uint64) {
			copy(values[8*at:], x)
			return true
		}
		return false
	}
	dst := values[out.Size()*at:]
	if divided {
		to := x
		if out == array.Float64 {
			to = dst
		}
		divide(j.kernels, to, x, &j.divisor, n)
		x = to
	}
	switch {
	case out == array.Float32:
		j.kernels.Cast(array.Float64, array.Float32)(dst, x, nil, nil, n)
	case !divided:
		copy(dst, x)
	}
	return true
}

// divide is dst[i] = x[i] / by[0].
func divide(kernels *kern.Set, dst, x []byte, by *[1]float64, n int) {
	kernels.Element(array.Divide, array.Float64, kern.VS)(dst, x, array.Bytes(by[:]), nil, n)
}

// wideOf is the type that an accumulator's bits are a number of, as array.Partial.Acc has them.
func wideOf(acc array.DType) array.DType {
	switch {
	case acc.Float():
		return array.Float64
	case acc.Signed():
		return array.Int64
	}
	return array.Uint64
}

// joinNodes joins the nodes over the leaves of a run as the tree of array/tree.go does, level by level, in their memory; for
// ops that keep an accumulator alone, and at least one leaf.
func joinNodes(op array.Op, acc array.DType, nodes []uint64) uint64 {
	bytes := array.Bytes(nodes)
	switch wideOf(acc) {
	case array.Float64:
		joinPairs(op, array.View[float64](bytes)[:len(nodes)])
	case array.Int64:
		joinPairs(op, array.View[int64](bytes)[:len(nodes)])
	default:
		joinPairs(op, nodes)
	}
	return nodes[0]
}

func joinPairs[T int64 | uint64 | float64](op array.Op, x []T) {
	for len(x) > 1 {
		half := x[:len(x)/2]
		switch op {
		case array.Prod:
			for i := range half {
				half[i] = x[2*i] * x[2*i+1]
			}
		case array.Min:
			for i := range half {
				half[i] = min(x[2*i], x[2*i+1])
			}
		case array.Max:
			for i := range half {
				half[i] = max(x[2*i], x[2*i+1])
			}
		default:
			for i := range half {
				half[i] = x[2*i] + x[2*i+1]
			}
		}
		if len(x)%2 > 0 { // it has no sibling
			x[len(half)] = x[len(x)-1]
		}
		x = x[:(len(x)+1)/2]
	}
}
