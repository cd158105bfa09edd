package cuda

import (
	"context"
	"errors"
	"fmt"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/cuda/ptx"
)

// TakesProduct says why products of a type cannot be computed here; nil where they can.
func (r *Runner) TakesProduct(d array.DType) error {
	_, err := ptx.Matmul(d)
	return err
}

// Multiply computes a part of a product: see exec.Device. The operands lie on the device whole.
func (r *Runner) Multiply(ctx context.Context, p *array.Product) error {
	if err := p.Check(); err != nil {
		return err
	}
	if err := r.enter(ctx); err != nil {
		return err
	}
	defer r.leave()
	if err := r.multiply(ctx, p); err != nil {
		return fmt.Errorf("%s: %w", r.Name(), err)
	}
	return nil
}

// factor is an operand of a product on the device.
type factor struct {
	block *array.Block
	at    *remote
	first int // element of at that is the block's first
}

func (r *Runner) multiply(ctx context.Context, p *array.Product) (err error) {
	j := &job{r: r, n: p.Hi - p.Lo, s: r.compute()}
	var own []array.Far
	defer func() {
		for _, far := range own {
			far.Release()
		}
		if end := j.end(ctx, err); err == nil {
			err = end
		}
	}()
	var factors [2]factor
	for k, operand := range []**array.Block{&p.X, &p.Y} {
		b := *operand
		if err := r.reaches(b); err != nil {
			return fmt.Errorf("operand %d: %w", k, err)
		}
		far, _ := b.Far()
		if far == nil || far.(*remote).isSpilled() {
			if b, err = r.raise(ctx, b, b.HasNulls()); err != nil {
				return fmt.Errorf("operand %d: %w", k, err)
			}
			if far, _ = b.Far(); p.Again[k] {
				*operand = b
			} else {
				own = append(own, far)
			}
		}
		at, first := b.Far()
		factors[k] = factor{b, at.(*remote), first}
	}
	d := p.X.DType()
	nulls := factors[0].block.HasNulls() || factors[1].block.HasNulls()
	to, err := j.room(ctx, d, j.n, false)
	if err != nil {
		return fmt.Errorf("result: %w", err)
	}
	defer func() {
		if err != nil || !p.Stay {
			to.Release()
		}
	}()
	told, err := r.tiles(ctx, p, j.s, factors, to)
	if err != nil {
		return err
	}
	if nulls {
		if to.validity, err = r.productValidity(ctx, p, j.s, factors); err != nil {
			return fmt.Errorf("validity: %w", err)
		}
	}
	far := array.FarBlock(d, j.n, nulls, to)
	if p.Result == nil {
		p.Result = far
	} else if err := to.fetch(ctx, j.s, p.Result, 0); err != nil {
		return err
	} else if p.Stay {
		p.Twin = far
	}
	if p.Progress != nil {
		p.Progress(j.n - told)
	}
	return nil
}

// tiles queues the product itself, in bands of whole rows of tiles where it is long. It gives the number of elements that Progress
// knows of.
func (r *Runner) tiles(ctx context.Context, p *array.Product, s *Stream, factors [2]factor, to *remote) (told int, err error) {
	d := p.X.DType()
	text, err := ptx.Matmul(d)
	if err != nil {
		return 0, err
	}
	k, err := r.text(text)
	if err != nil {
		return 0, err
	}
	if d == array.Bool {
		if err := s.Fill(to.values, 0, bytesOf(d, p.Hi-p.Lo), 0); err != nil {
			return 0, err
		}
	}
	return r.bands(ctx, s, p.Lo, p.Hi, p.Progress, func(lo int) (int, error) {
		hi := r.bandEnd(p, lo)
		return hi, r.band(p, s, k, factors, to, lo, hi)
	})
}

// bandEnd is where the band ends that begins at element lo. Bits are in one: two bands could have some of one word.
func (r *Runner) bandEnd(p *array.Product, lo int) int {
	row := p.Columns * max(p.Inner, 1)
	rows := max(r.bandWork/row/ptx.TileRows, 1) * ptx.TileRows
	first, end := p.RowsOf(lo, p.Hi)
	if p.X.DType() == array.Bool || rows >= end-first {
		return p.Hi
	}
	return (first + rows) * p.Columns
}

// band queues the elements [lo, hi) of a product.
func (r *Runner) band(p *array.Product, s *Stream, k *kernel, factors [2]factor, to *remote, lo, hi int) error {
	first, _ := p.RowsOf(p.Lo, p.Hi)
	row, _ := p.RowsOf(lo, hi)
	factors[0].first += (row - first) * p.Inner
	count := ptx.MatmulTiles(p.Extents, lo, hi)
	numbers := map[ptx.ParamKind]uint64{
		ptx.Count: uint64(count), ptx.First: uint64(lo % p.Columns), ptx.Length: uint64(hi - lo),
		ptx.Inner: uint64(p.Inner), ptx.ColumnCount: uint64(p.Columns), ptx.Result: to.values.Addr() + uint64((lo-p.Lo)*p.X.DType().Size()),
	}
	params := make([]uint64, 0, len(k.Params))
	for _, param := range k.Params {
		word, ok := numbers[param.Kind]
		if !ok && (param.Kind == ptx.Values || param.Kind == ptx.ValuesBit) {
			f := factors[param.Index]
			at := place{dtype: p.X.DType(), values: f.at.values, offset: f.first}
			word = at.word(param.Kind, 0, 0)
		}
		params = append(params, word)
	}
	return r.timed(s, func() error { return k.launch(s, count, params) })
}

// productValidity is where a product is not null: where neither its row of the left operand nor its column of the right one has a null.
func (r *Runner) productValidity(ctx context.Context, p *array.Product, s *Stream, factors [2]factor) (bits *Buffer, err error) {
	first, end := p.RowsOf(p.Lo, p.Hi)
	extents := [2]array.Extent{{Outer: end - first, Length: p.Inner, Inner: 1}, {Outer: 1, Length: p.Inner, Inner: p.Columns}}
	var whole [2]*Buffer // by factor: a bit for each of its rows or columns
	for k, f := range factors {
		if !f.block.HasNulls() {
			continue
		}
		valid, err := r.allValid(ctx, f, extents[k])
		if err != nil {
			return nil, err
		}
		far, _ := valid.Far()
		defer far.Release()
		if far.(*remote).isSpilled() {
			return nil, fmt.Errorf("%w: there is no room for a bit a row", ErrOutOfMemory)
		}
		whole[k] = far.(*remote).values
	}
	k, err := r.text(ptx.ProductNulls(whole[0] != nil, whole[1] != nil))
	if err != nil {
		return nil, err
	}
	n := p.Hi - p.Lo
	if bits, err = s.Alloc(ctx, bytesOf(array.Bool, n)); err != nil {
		return nil, err
	}
	numbers := map[ptx.ParamKind]uint64{
		ptx.Count: uint64(n), ptx.First: uint64(p.Lo % p.Columns), ptx.ColumnCount: uint64(p.Columns), ptx.Result: bits.Addr(),
	}
	params := make([]uint64, 0, len(k.Params))
	for _, param := range k.Params {
		word := numbers[param.Kind]
		if param.Kind == ptx.Values {
			word = whole[param.Index].Addr()
		}
		params = append(params, word)
	}
	if err := r.timed(s, func() error { return k.launch(s, n, params) }); err != nil {
		return nil, errors.Join(err, bits.Free())
	}
	return bits, nil
}

// allValid is by run of a factor whether none of its elements is null.
func (r *Runner) allValid(ctx context.Context, f factor, e array.Extent) (*array.Block, error) {
	bits := &remote{r: r, dtype: array.Bool, values: f.at.validity} // whose buffer is the factor's
	l := &array.Launch{
		Program: &array.Program{
			Domain: array.Shape{e.Len()}, Inputs: []array.Input{{DType: array.Bool}},
			Outputs: []array.Output{{DType: array.Bool, Reduce: true, Op: array.All, Extent: e, Out: array.Bool}},
		},
		Hi:       e.Len(),
		Operands: []*array.Block{array.FarBlock(array.Bool, f.first+e.Len(), false, bits).Slice(f.first, f.first+e.Len())},
		Results:  make([]*array.Block, 1), Stay: []bool{true},
	}
	_, err := r.do(ctx, l)
	if err != nil {
		if far, _ := farOf(l.Results[0]); far != nil {
			far.Release()
		}
		return nil, err
	}
	return l.Results[0], nil
}
