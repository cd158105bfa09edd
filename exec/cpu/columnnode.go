package cpu

import (
	"sync"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
)

// nodes is memory of nodes over rows, to be used again.
type nodes struct {
	mu   sync.Mutex
	list []array.Columns
}

func (s *nodes) take() (c array.Columns) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.list); n > 0 {
		c, s.list[n-1] = s.list[n-1], c
		s.list = s.list[:n-1]
	}
	return c
}

func (s *nodes) put(all []array.Columns) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, all...)
}

// ownNodes is how many nodes a worker keeps that nothing is in.
const ownNodes = 4

// node is memory for a node of the tile, whose contents mean nothing.
func (w *columnWorker) node() (c array.Columns) {
	if n := len(w.free); n > 0 {
		c, w.free = w.free[n-1], w.free[:n-1]
	} else {
		c = w.device.nodes.take()
	}
	if c.Acc, c.Count = sized(c.Acc, w.n), nil; !w.job.out.Op.HasAux() {
		c.Aux = nil
	} else {
		c.Aux = sized(c.Aux, w.n)
	}
	return c
}

// release takes back a node's memory.
func (w *columnWorker) release(c array.Columns) {
	c.Count = nil
	w.free = append(w.free, c)
}

// push is ColumnForest.Push that keeps the memory of joined nodes.
func (w *columnWorker) push(c array.Columns) {
	for len(w.nodes) > 0 {
		left := w.nodes[len(w.nodes)-1]
		if left.Level != c.Level || left.Index%2 != 0 || left.Index+1 != c.Index {
			break
		}
		w.release(c)
		c = w.combine(left, c)
		c.Level, c.Index = left.Level+1, left.Index/2
		w.nodes = w.nodes[:len(w.nodes)-1]
	}
	w.nodes = append(w.nodes, c)
}

// store closes the tree over all rows of a cell and stores what comes of it.
func (w *columnWorker) store(cell int) {
	g := w.grid
	last := len(w.nodes) - 1
	total := w.nodes[last]
	for i := last - 1; i >= 0; i-- {
		w.release(total)
		total = w.combine(w.nodes[i], total)
	}
	at := cell/g.tiles*w.job.extent.Inner + cell%g.tiles*g.width
	w.job.store(at, total.Acc, total.Aux, total.Count)
	w.release(total)
}

// combine is array.CombineColumns, by loops over all columns where there are some.
func (w *columnWorker) combine(x, y array.Columns) array.Columns {
	op, acc := w.job.out.Op, w.job.acc
	if x.Count != nil || y.Count != nil || w.join == nil {
		return array.CombineColumns(op, acc, x, y)
	}
	switch { // of bits in words
	case op == array.Var:
		w.combineDeviations(&x, &y)
	case acc == array.Bool && op == array.Any:
		op = array.Max
	case acc == array.Bool && op == array.All:
		op = array.Min
	}
	left, right := array.Bytes(x.Acc), array.Bytes(y.Acc)
	switch wide := wideOf(acc); {
	case w.n > fewWide:
		w.job.kernels.Element(elementOf(op), wide, kern.VV)(left, left, right, nil, w.n)
	case wide == array.Float64:
		joinInto(op, array.View[float64](left), array.View[float64](right))
	case wide == array.Int64:
		joinInto(op, array.View[int64](left), array.View[int64](right))
	default:
		joinInto(op, x.Acc, y.Acc)
	}
	x.Rows += y.Rows
	return x
}

// combineDeviations joins the sums of squared deviations into x, as array.Combine does where nothing is null: Mx + My +
// (Sy/ny - Sx/nx)^2 * (nx*ny/(nx+ny)).
func (w *columnWorker) combineDeviations(x, y *array.Columns) {
	nx, ny, n := float64(x.Rows), float64(y.Rows), len(x.Acc)
	left, right, kernels := w.buffer(&w.mean), w.buffer(&w.wide), w.job.kernels
	w.number[0] = nx
	divide(kernels, left, array.Bytes(x.Acc), &w.number, n)
	w.number[0] = ny
	divide(kernels, right, array.Bytes(y.Acc), &w.number, n)
	element := func(op array.Op, f kern.Form) kern.Loop { return kernels.Element(op, array.Float64, f) }
	element(array.Subtract, kern.VV)(right, right, left, nil, n)
	element(array.Square, kern.VV)(right, right, nil, nil, n)
	w.number[0] = float64(nx*ny) / (nx + ny)
	element(array.Multiply, kern.VS)(right, right, array.Bytes(w.number[:]), nil, n)
	mx := array.Bytes(x.Aux)
	element(array.Add, kern.VV)(mx, mx, array.Bytes(y.Aux), nil, n)
	element(array.Add, kern.VV)(mx, mx, right, nil, n)
}

// buffer is memory for a row of words, made when it is first needed.
func (w *columnWorker) buffer(of *[]byte) []byte {
	if len(*of) == 0 {
		*of = array.AllocBytes(len(w.acc))
	}
	return *of
}
