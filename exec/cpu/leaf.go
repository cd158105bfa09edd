package cpu

import (
	"math"
	"math/bits"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
)

// runLeaf folds leaves of a run: array.LeafSize elements that lie one after another. It belongs to one goroutine.
type runLeaf struct {
	kernels *kern.Set
	op      array.Op
	dtype   array.DType // of the elements
	acc     array.DType
	fold    kern.Fold
	leaves  kern.Leaves // fold over many leaves, joined; nil where nodes are more than that, and for bools
	widen   kern.Loop   // to the accumulator's type, where deviations need it
	squares kern.Fold   // of deviations

	state kern.State
	mean  [1]float64
	valid [array.LeafSize / 64]uint64 // the leaf's validity, bits behind its end zero
	tile  []byte                      // a leaf of the widest type; see room
	wide  []byte                      // another
	nodes []uint64                    // the leaves of a run
}

// begin readies the leaf for a reduction or scan of elements of type d.
func (f *runLeaf) begin(kernels *kern.Set, op array.Op, d array.DType) {
	op = joins(op)
	f.kernels, f.op, f.dtype, f.acc = kernels, op, d, array.AccumulatorType(op, d)
	f.fold, f.leaves, f.widen, f.squares = nil, nil, nil, nil
	switch op {
	case array.Var:
		f.fold, f.squares = kernels.Fold(array.Sum, d, kern.OfX), kernels.Fold(array.Sum, array.Float64, kern.OfDeviation)
		f.widen = kernels.Cast(d, array.Float64)
	case array.ArgMin:
		f.fold = kernels.Fold(array.Min, d, kern.OfX)
	case array.ArgMax:
		f.fold = kernels.Fold(array.Max, d, kern.OfX)
	case array.Count:
	default:
		f.fold, f.leaves = kernels.Fold(op, d, kern.OfX), kernels.Leaves(op, d, kern.OfX)
	}
}

// room is a leaf's memory, allocated when it is first needed: short runs of numbers without nulls never do.
func room(of *[]byte) []byte {
	if *of == nil {
		*of = array.AllocBytes(8 * array.LeafSize)
	}
	return *of
}

// joins is the reduction whose running value a scan is; other ops as they are.
func joins(op array.Op) array.Op {
	switch op {
	case array.CumSum:
		return array.Sum
	case array.CumProd:
		return array.Prod
	}
	return op
}

// partial is the node over elements [at, at+n) of a block, whose first one has the given index in the run.
func (f *runLeaf) partial(b *array.Block, at, n, index int) array.Partial {
	p := array.Partial{Index: uint64(index) / array.LeafSize, Count: uint64(f.validity(b, at, n))}
	if p.Count == 0 {
		p.Acc = array.Identity(f.op, f.acc)
		return p
	}
	switch f.op {
	case array.Count:
	case array.ArgMin, array.ArgMax:
		x := f.present(b, at, n)
		best := f.position(x, n, int(p.Count))
		p.Acc, p.Aux = element(f.dtype, x, best), uint64(index+best)
	case array.Var:
		f.variance(&p, b, at, n)
	default:
		kern.Begin(f.op, f.acc, &f.state)
		f.fold(&f.state, f.elements(b, at, n, int(p.Count)), nil, n)
		p.Acc = f.kernels.Join(f.op, f.acc, &f.state)
	}
	return p
}

// validity takes up the leaf's validity and gives the number of elements that are not null.
func (f *runLeaf) validity(b *array.Block, at, n int) int {
	_, validity, offset := b.Raw()
	if validity == nil {
		for i := range f.valid {
			f.valid[i] = firstBits(n - 64*i)
		}
		return n
	}
	array.CopyBits(array.Bytes(f.valid[:]), 0, validity, offset+at, n)
	count := 0
	for i := range f.valid {
		f.valid[i] &= firstBits(n - 64*i)
		count += bits.OnesCount64(f.valid[i])
	}
	return count
}

// firstBits is a word whose first n bits are set: none where n is negative.
func firstBits(n int) uint64 {
	switch {
	case n >= 64:
		return math.MaxUint64
	case n <= 0:
		return 0
	}
	return 1<<n - 1
}

// present is elements [at, at+n) of a block as they lie there, nulls included; bools moved to the start of a word.
func (f *runLeaf) present(b *array.Block, at, n int) []byte {
	values, _, offset := b.Raw()
	if b.DType() == array.Bool {
		tile := room(&f.tile)
		array.CopyBits(tile, 0, values, offset+at, n)
		return tile[:(n+63)/64*8]
	}
	size := b.DType().Size()
	return values[(offset+at)*size : (offset+at+n)*size]
}

// elements is present with the identity in the place of nulls; count elements are not null.
func (f *runLeaf) elements(b *array.Block, at, n, count int) []byte {
	x := f.present(b, at, n)
	if count == n {
		return x
	}
	identity := array.Identity(f.op, f.acc)
	switch f.dtype {
	case array.Bool:
		words := array.View[uint64](x)
		for i := range words {
			if identity != 0 {
				words[i] |= ^f.valid[i]
			} else {
				words[i] &= f.valid[i]
			}
		}
		return x
	case array.Float32:
		identity = uint64(math.Float32bits(float32(math.Float64frombits(identity))))
	}
	tile := room(&f.tile)
	fillNulls(f.dtype, tile, x, f.valid[:], identity)
	return tile[:len(x)]
}

// fillNulls is dst[i] = x[i] where bit i of valid is set, else the value with these bits; not for bools. dst may be x.
func fillNulls(d array.DType, dst, x []byte, valid []uint64, value uint64) {
	switch d.Size() {
	case 1:
		fillNullsOf[uint8](dst, x, valid, value)
	case 2:
		fillNullsOf[uint16](dst, x, valid, value)
	case 4:
		fillNullsOf[uint32](dst, x, valid, value)
	default:
		fillNullsOf[uint64](dst, x, valid, value)
	}
}

func fillNullsOf[T uint8 | uint16 | uint32 | uint64](dst, x []byte, valid []uint64, value uint64) {
	if &dst[0] != &x[0] {
		copy(dst, x)
	}
	d := array.View[T](dst[:len(x)])
	for lo := 0; lo < len(d); lo += 64 {
		for nulls := ^valid[lo/64] & firstBits(len(d)-lo); nulls != 0; nulls &= nulls - 1 {
			d[lo+bits.TrailingZeros64(nulls)] = T(value)
		}
	}
}

// variance fills in the sum of a leaf's elements and of their squared deviations from its mean.
func (f *runLeaf) variance(p *array.Partial, b *array.Block, at, n int) {
	x := f.elements(b, at, n, int(p.Count))
	kern.Begin(array.Sum, array.Float64, &f.state)
	f.fold(&f.state, x, nil, n)
	p.Acc = f.kernels.Join(array.Sum, array.Float64, &f.state)
	f.mean[0] = math.Float64frombits(p.Acc) / float64(p.Count)
	mean := array.Bytes(f.mean[:])
	if f.dtype != array.Float64 {
		wide := room(&f.wide)
		f.widen(wide, x, nil, nil, n)
		x = wide[:8*n]
	}
	kern.Begin(array.Sum, array.Float64, &f.state)
	if int(p.Count) == n {
		f.squares(&f.state, x, mean, n)
	} else {
		wide := room(&f.wide)
		f.kernels.Element(array.Subtract, array.Float64, kern.VS)(wide, x, mean, nil, n)
		f.kernels.Element(array.Square, array.Float64, kern.VV)(wide, wide, nil, nil, n)
		fillNulls(array.Float64, wide, wide[:8*n], f.valid[:], array.Identity(array.Sum, array.Float64))
		f.kernels.Fold(array.Sum, array.Float64, kern.OfX)(&f.state, wide, nil, n)
	}
	p.Aux = f.kernels.Join(array.Sum, array.Float64, &f.state)
}

// position is the index of the first least or greatest of n elements, the first NaN if there is one; count are not null.
func (f *runLeaf) position(x []byte, n, count int) int {
	if count < n || f.dtype == array.Bool || n <= 4*array.Lanes { // a fold costs its lanes
		return position(f.op, f.dtype, x, f.valid[:], n)
	}
	op := array.Min
	if f.op == array.ArgMax {
		op = array.Max
	}
	kern.Begin(op, f.acc, &f.state)
	f.fold(&f.state, x, nil, n)
	return firstOf(f.dtype, x, f.kernels.Join(op, f.acc, &f.state), n)
}

// element is an element of a buffer as the bits of a Scalar.
func element(d array.DType, x []byte, i int) uint64 {
	switch d {
	case array.Bool:
		return uint64(x[i/8] >> (i % 8) & 1)
	case array.Int8:
		return uint64(int8(x[i]))
	case array.Int16:
		return uint64(array.View[int16](x)[i])
	case array.Int32:
		return uint64(array.View[int32](x)[i])
	case array.Uint8:
		return uint64(x[i])
	case array.Uint16:
		return uint64(array.View[uint16](x)[i])
	case array.Uint32:
		return uint64(array.View[uint32](x)[i])
	case array.Float32:
		return math.Float64bits(float64(array.View[float32](x)[i]))
	}
	return array.View[uint64](x)[i]
}
