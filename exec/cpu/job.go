package cpu

import (
	"context"
	"sync"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
)

// job is one output over axes under way. It is used again when it is done.
type job struct {
	device  *Device
	kernels *kern.Set
	launch  *array.Launch
	out     *array.Output
	source  source
	result  *array.Block // nil where a tree leaves
	acc     array.DType
	extent  array.Extent // of the output; runs of one element are seen as the columns of the part's one row

	divisor [1]float64 // of the mean or variance of a run without nulls; where it is not positive, that is null

	write  sync.Mutex // of bits in the result, which neighbours share bytes of
	forest array.Forest
	slot   int // the output's number
	trees  inOrder

	runs runs // the pieces of what goes by runs
	grid grid // of what goes by columns
}

// runs is a job's work by runs of elements, in pieces.
type runs struct {
	job    *job
	f      func(ctx context.Context, w *rowWorker, k int) error // does piece k
	length int                                                  // elements of a run
	rows   int                                                  // runs, where pieces are many of them
	most   int                                                  // of a piece
}

// begin takes up output i of a launch.
func (j *job) begin(d *Device, l *array.Launch, parts *parts, i int) {
	o := &l.Program.Outputs[i]
	j.device, j.kernels, j.launch, j.out, j.slot = d, d.kernels, l, o, i
	j.result, j.acc, j.forest = l.Results[i], array.AccumulatorType(o.Op, o.DType), nil
	if j.extent = o.Extent; j.extent.Length == 1 {
		j.extent = array.Extent{Outer: 1, Length: 1, Inner: l.Hi - l.Lo}
	}
	if j.divisor[0] = float64(o.Extent.Length); o.Op == array.Var {
		j.divisor[0] -= o.Correction
	}
	j.source = source{j, parts.registers[i], nil}
	if parts.registers[i] == nil {
		j.source.direct = l.Operands[l.Program.Inputs[o.Reg].Slot]
	}
	j.runs.job, j.grid.job = j, j
}

// end lets go of the launch. Goroutines that have done their last piece do not look at the job any more.
func (j *job) end() {
	d := j.device
	j.device, j.launch, j.out, j.source, j.result, j.forest, j.runs.f = nil, nil, nil, source{}, nil, nil, nil
	d.jobs.put(j)
}

func (j *job) do(ctx context.Context) error {
	switch e := j.extent; {
	case j.out.Scan && j.out.Extent.Inner > 1:
		return j.scanColumns(ctx)
	case j.out.Scan:
		return j.scan(ctx)
	case e.Inner > 1:
		return j.columns(ctx)
	}
	return j.rows(ctx)
}

// each calls f for 0 to n-1, on the goroutines of the device where so many elements are worth it.
func (j *job) each(ctx context.Context, n, elements int, f func(ctx context.Context, w *rowWorker, k int) error) error {
	j.runs.f = f
	return j.device.each(ctx, n, elements, &j.runs)
}

func (r *runs) begin() hands {
	w := r.job.device.rowWorkers.take()
	w.begin(r.job)
	return w
}

// source gives the elements of an output's register.
type source struct {
	job     *job
	program *array.Program // the register alone, as a block
	direct  *array.Block   // the operand that the register is, if it is one
}

// elements gives elements [lo, hi) of the domain as those of a block from element at on: a part of the operand, or computed
// into room, which is made where it is nil or too small and is the caller's alone.
func (s *source) elements(ctx context.Context, lo, hi int, room **array.Block) (b *array.Block, at int, err error) {
	if s.direct != nil {
		return s.direct, lo - s.job.launch.Lo, nil
	}
	err = s.into(ctx, lo, hi, 0, 0, room)
	return *room, 0, err
}

// into computes elements [lo, hi) of the domain into those from at on of the room, which is made for so many at most.
func (s *source) into(ctx context.Context, lo, hi, at, most int, room **array.Block) error {
	from := s.job.launch
	l := array.Launch{Program: s.program, Lo: lo, Hi: hi, Fault: from.Fault, Operands: make([]*array.Block, len(from.Operands))}
	copy(l.Operands, from.Operands)
	for _, in := range s.program.Inputs {
		if in.Kind == array.InputBlock {
			l.Operands[in.Slot] = from.Operands[in.Slot].Slice(lo-from.Lo, hi-from.Lo)
		}
	}
	nulls := s.program.Nullable(from.Operands)[0]
	if r := *room; r == nil || r.Len() < max(most, at+hi-lo) || r.DType() != s.program.Outputs[0].DType || r.HasNulls() != nulls {
		*room = array.NewBlock(s.program.Outputs[0].DType, array.Shape{max(most, at+hi-lo)}, nulls)
	}
	l.Results = []*array.Block{(*room).Slice(at, at+hi-lo)}
	_, err := s.job.device.Run(ctx, &l)
	return err
}
