package cuda

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/cuda/ptx"
)

// runParts runs a program that is taken apart: the fused kernel first, then each other output from its buffer.
func (r *Runner) runParts(ctx context.Context, l *array.Launch, p *parts) (forests []array.Forest, err error) {
	var own []array.Far // buffers between the two
	defer func() {
		for _, far := range own {
			far.Release()
		}
	}()
	forests = make([]array.Forest, len(l.Program.Outputs))
	operands := append([]*array.Block(nil), l.Operands...)
	for slot, b := range l.Operands {
		if b == nil || !p.reads(slot) {
			continue
		}
		if far, _ := b.Far(); far != nil && !far.(*remote).isSpilled() {
			continue
		}
		if operands[slot], err = r.raise(ctx, b, b.HasNulls()); err != nil {
			return nil, err
		}
		far, _ := operands[slot].Far()
		if slot < len(l.Again) && l.Again[slot] {
			l.Operands[slot] = operands[slot]
		} else {
			own = append(own, far)
		}
	}
	fused := *l
	fused.Operands = operands
	if p.fused != nil {
		fused.Program, fused.Before, fused.Columns, fused.Resident, fused.Progress = p.fused, nil, nil, nil, nil
		fused.Results, fused.Stay = make([]*array.Block, len(p.fused.Outputs)), make([]bool, len(p.fused.Outputs))
		fused.Twins = make([]*array.Block, len(p.fused.Outputs))
		for k := range p.fused.Outputs {
			if k >= len(p.plain) {
				fused.Stay[k] = true
				continue
			}
			i := p.plain[k]
			fused.Results[k], fused.Stay[k] = l.Results[i], i < len(l.Stay) && l.Stay[i]
		}
		some, err := r.run(ctx, &fused)
		for k, b := range fused.Results {
			switch far, _ := farOf(b); {
			case k < len(p.plain):
				l.Results[p.plain[k]] = b
				if i := p.plain[k]; i < len(l.Twins) {
					l.Twins[i] = fused.Twins[k]
				}
			case far != nil:
				own = append(own, far)
			}
		}
		for slot := range l.Again {
			if l.Again[slot] {
				l.Operands[slot] = fused.Operands[slot]
			}
		}
		if err != nil {
			return nil, err
		}
		for k := range some {
			if k < len(p.plain) {
				forests[p.plain[k]] = some[k]
			}
		}
	}
	for _, at := range p.over {
		var b *array.Block
		if at.slot < 0 {
			b = fused.Results[at.reg]
		} else {
			b = operands[at.slot]
		}
		if forests[at.output], err = r.over(ctx, l, at.output, b); err != nil {
			return nil, fmt.Errorf("output %d: %w", at.output, err)
		}
	}
	if l.Progress != nil {
		l.Progress(l.Hi - l.Lo)
	}
	return forests, nil
}

func farOf(b *array.Block) (array.Far, int) {
	if b == nil {
		return nil, 0
	}
	return b.Far()
}

// raise copies a block to the device, with validity if nulls says so.
func (r *Runner) raise(ctx context.Context, b *array.Block, nulls bool) (*array.Block, error) {
	if far, offset := b.Far(); far != nil {
		b = far.(*remote).spilled.Slice(offset, offset+b.Len())
	}
	j := &job{r: r, s: r.compute()}
	m, err := j.lift(ctx, b, nulls)
	if err != nil {
		return nil, err
	}
	if err := j.s.Sync(ctx); err != nil { // the host's memory is the caller's again
		m.Release()
		return nil, err
	}
	return array.FarBlock(b.DType(), b.Len(), nulls, m), nil
}

// sweep is one output that is computed from a buffer, under way.
type sweep struct {
	job
	out      *array.Output
	from     *remote
	offset   int // element of from that is the part's first
	to       *remote
	before   *Buffer
	scratch  []*Buffer
	validity bool // of the result
}

// over computes an output of a launch from a block on the device.
func (r *Runner) over(ctx context.Context, l *array.Launch, i int, b *array.Block) (forest array.Forest, err error) {
	far, offset := b.Far()
	w := &sweep{job: job{r: r, l: l, n: l.Hi - l.Lo, s: r.compute()}, out: &l.Program.Outputs[i], from: far.(*remote), offset: offset}
	if w.from.isSpilled() {
		return nil, fmt.Errorf("%w: there is no room for its %d elements", ErrOutOfMemory, b.Len())
	}
	defer func() {
		if end := w.end(ctx, err); err == nil {
			err = end
		}
	}()
	dst := l.Results[i]
	stays := !w.out.Tree() && dst == nil
	w.validity = dst != nil && dst.HasNulls()
	if stays {
		w.validity = l.Program.Nullable(l.Operands)[i]
	}
	part := ptx.Part{Lo: l.Lo, N: w.n, Nulls: b.HasNulls(), Validity: w.validity}
	plan := ptx.Reduction
	if w.out.Scan {
		plan = ptx.Running
	}
	todo, err := plan(w.out, part)
	if err != nil {
		return nil, err
	}
	results := w.out.Results(l.Hi) - w.out.Results(l.Lo)
	if !w.out.Tree() {
		if w.to, err = w.room(ctx, w.out.Result(), results, w.validity); err != nil {
			return nil, err
		}
		switch both := i < len(l.Twins) && l.Stay[i]; {
		case stays:
			l.Results[i] = array.FarBlock(w.out.Result(), results, w.validity, w.to)
		case both:
			l.Twins[i] = array.FarBlock(w.out.Result(), results, w.validity, w.to)
		default:
			w.own = append(w.own, w.to.values)
			if w.to.validity != nil {
				w.own = append(w.own, w.to.validity)
			}
		}
	}
	for _, bytes := range todo.Scratch {
		buffer, err := w.s.Alloc(ctx, bytes)
		if err != nil {
			return nil, err
		}
		w.scratch, w.own = append(w.scratch, buffer), append(w.own, buffer)
	}
	if err := w.begin(ctx, i); err != nil {
		return nil, err
	}
	for k := range todo.Stages {
		if err := w.stage(&todo.Stages[k]); err != nil {
			return nil, err
		}
	}
	if w.out.Scan && w.validity {
		if err := w.moveValidity(b.HasNulls(), results); err != nil {
			return nil, err
		}
	}
	if dst != nil {
		return nil, w.bring(ctx, dst, results)
	}
	if stays {
		if w.before != nil { // which was copied from memory of the host
			return nil, w.s.Sync(ctx)
		}
		return nil, nil
	}
	return w.trees(ctx, todo.Nodes, i)
}

// levelsBefore is the words of what comes before a part of a scan, by level of the tree.
const levelsBefore = 64

// begin brings what comes before the part of a scan to the device.
func (w *sweep) begin(ctx context.Context, i int) error {
	if !w.out.Scan || i >= len(w.l.Before) || w.l.Before[i] == nil {
		return nil
	}
	words := make([]byte, 8*levelsBefore)
	for _, p := range w.l.Before[i] {
		if p.Level >= levelsBefore {
			return fmt.Errorf("%w: a node of level %d before a running sum", array.ErrGraph, p.Level)
		}
		binary.LittleEndian.PutUint64(words[8*p.Level:], p.Acc)
	}
	var err error
	if w.before, err = w.s.Alloc(ctx, len(words)); err != nil {
		return err
	}
	w.own = append(w.own, w.before)
	return w.s.Upload(ctx, w.before, 0, words)
}

// stage queues one launch of a plan.
func (w *sweep) stage(s *ptx.Stage) error {
	k, err := w.r.text(s.Kernel)
	if err != nil {
		return err
	}
	params := make([]uint64, 0, len(s.Kernel.Params))
	for _, p := range s.Kernel.Params {
		word, ok := s.Numbers[p.Kind]
		if at, there := s.Scratch[ptx.Param{Kind: p.Kind, Index: p.Index}]; there {
			word = w.scratch[at.Buffer].Addr() + uint64(at.Offset)
		} else if !ok {
			word = w.word(p, s)
		}
		params = append(params, word)
	}
	return w.r.timed(w.s, func() error {
		return k.f.Launch(w.s, Dim{max(min(s.Blocks, 4*max(k.blocks, 1)), 1)}, Dim{k.Threads}, k.Shared, params)
	})
}

// word is a parameter that is the operand's or the result's.
func (w *sweep) word(p ptx.Param, s *ptx.Stage) uint64 {
	at := place{dtype: w.from.dtype, values: w.from.values, validity: w.from.validity, offset: w.offset + s.Offset}
	switch p.Kind {
	case ptx.Values, ptx.ValuesBit, ptx.Validity, ptx.ValidityBit:
		return at.word(p.Kind, 0, 0)
	case ptx.Result:
		return w.to.values.Addr()
	case ptx.ResultValid:
		return w.to.validity.Addr()
	case ptx.Before:
		if w.before == nil {
			return w.scratch[0].Addr() // nothing is read there
		}
		return w.before.Addr() + uint64(8*s.Level)
	}
	return p.Value
}

// moveValidity gives the result of a scan its operand's validity.
func (w *sweep) moveValidity(nulls bool, n int) error {
	if !nulls {
		return w.s.Fill(w.to.validity, 0, (n+7)/8, 0xff)
	}
	k, err := w.r.text(ptx.Bits())
	if err != nil {
		return err
	}
	at := place{dtype: array.Bool, values: w.from.validity, offset: w.offset}
	params := make([]uint64, 0, len(k.Params))
	for _, p := range k.Params {
		switch p.Kind {
		case ptx.Count:
			params = append(params, uint64(n))
		case ptx.Result:
			params = append(params, w.to.validity.Addr())
		default:
			params = append(params, at.word(p.Kind, 0, 0))
		}
	}
	return k.launch(w.s, n, params)
}

// bring copies a result to the host.
func (w *sweep) bring(ctx context.Context, dst *array.Block, n int) error {
	if dst.Len() != n {
		return fmt.Errorf("%w: a result of %d elements, not %d", array.ErrShape, dst.Len(), n)
	}
	return w.to.fetch(ctx, w.s, dst, 0)
}

// trees reads the nodes that a plan leaves.
func (w *sweep) trees(ctx context.Context, runs []ptx.Run, i int) (array.Forest, error) {
	raw := make([][]byte, len(runs))
	for k, run := range runs {
		raw[k] = make([]byte, run.Count*ptx.NodeBytes)
		if err := w.s.Download(ctx, raw[k], w.scratch[run.Buffer], run.Offset); err != nil {
			return nil, err
		}
	}
	if err := w.s.Sync(ctx); err != nil {
		return nil, err
	}
	left := make([]nodes, 0, len(runs))
	for k, run := range runs {
		if w.out.Partial {
			w.l.Columns[i] = append(w.l.Columns[i], columns(w.out, run, raw[k]))
			continue
		}
		left = append(left, nodes{run.Level, run.Index, raw[k]})
	}
	if w.out.Partial {
		return nil, nil
	}
	one := &array.Program{Outputs: []array.Output{*w.out}}
	return forests(one, [][]nodes{left})[0], nil
}

// columns is one node of each of so many columns.
func columns(o *array.Output, run ptx.Run, raw []byte) array.Columns {
	c := array.Columns{Level: uint64(run.Level), Index: uint64(run.Index), Rows: uint64(run.Rows), Acc: make([]uint64, run.Count)}
	if o.Op.HasAux() {
		c.Aux = make([]uint64, run.Count)
	}
	for n := range run.Count {
		p := nodeAt(raw, n)
		if c.Acc[n] = p.Acc; c.Aux != nil {
			c.Aux[n] = p.Aux
		}
		if p.Count != c.Rows && c.Count == nil {
			c.SpreadCount()
		}
		if c.Count != nil {
			c.Count[n] = p.Count
		}
	}
	return c
}

// text gives the kernel of a text, which the driver compiles once.
func (r *Runner) text(k *ptx.Kernel) (*kernel, error) {
	if known := r.texts[k.Text]; known != nil {
		return known, nil
	}
	loaded, err := r.load(k)
	if err != nil {
		return nil, err
	}
	if len(r.texts) >= mostKernels {
		var errs []error
		for text, old := range r.texts {
			errs = append(errs, old.module.Close())
			delete(r.texts, text)
		}
		if err := errors.Join(errs...); err != nil {
			return nil, err
		}
	}
	r.texts[k.Text] = loaded
	return loaded, nil
}
