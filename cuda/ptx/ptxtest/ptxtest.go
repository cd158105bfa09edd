// Package ptxtest runs kernels of package ptx on the simulator of ptx/sim, for tests.
package ptxtest

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/cuda/ptx"
	"github.com/darray-go/darray/cuda/ptx/sim"
)

// Device is the simulator's memory, of which every buffer is as large as its padding makes it and no byte larger.
type Device struct {
	Races bool // launches look for races in global memory, which is slow
	Rest  byte // fills what Put does not write

	t      testing.TB
	memory *sim.Memory
}

// New gives an empty device.
func New(t testing.TB) *Device {
	return &Device{t: t, memory: sim.NewMemory(1 << 30)}
}

// Put copies bytes to a new buffer, from lead bytes behind its start on, and gives their address.
func (d *Device) Put(data []byte, lead int) uint64 {
	d.t.Helper()
	size := max(1, (lead+len(data)+ptx.Padding-1)/ptx.Padding) * ptx.Padding
	at, err := d.memory.Alloc(size)
	if err != nil {
		d.t.Fatal(err)
	}
	whole := d.Bytes(at, size)
	for i := range whole {
		whole[i] = d.Rest
	}
	copy(whole[lead:], data)
	return at + uint64(lead)
}

// Bytes is a view of n bytes at an address.
func (d *Device) Bytes(at uint64, n int) []byte {
	d.t.Helper()
	view, err := d.memory.Bytes(at, n)
	if err != nil {
		d.t.Fatal(err)
	}
	return view
}

// Launch runs a kernel by a grid of blocks, with the parameters that bind gives; literals aside, which it knows. It gives what was
// done.
func (d *Device) Launch(k *ptx.Kernel, grid int, bind func(ptx.Param) uint64) sim.Stats {
	d.t.Helper()
	m, err := sim.Parse(k.Text)
	if err != nil {
		d.t.Fatalf("%v\n%s", err, k.Text)
	}
	entry, err := m.Kernel(k.Name)
	if err != nil {
		d.t.Fatal(err)
	}
	var params []byte
	for _, p := range k.Params {
		value := p.Value
		if p.Kind != ptx.Literal {
			value = bind(p)
		}
		params = binary.LittleEndian.AppendUint64(params, value)
	}
	loaded, err := m.Load(d.memory)
	if err != nil {
		d.t.Fatal(err)
	}
	stats, err := loaded.Launch(d.t.Context(), entry, sim.Launch{
		Grid: [3]uint32{uint32(grid), 1, 1}, Block: [3]uint32{uint32(k.Threads), 1, 1}, Shared: k.Shared, Params: params, Races: d.Races, Unwritten: true,
	})
	if err != nil {
		d.t.Fatalf("%v\n%s", err, k.Text)
	}
	if err := loaded.Unload(); err != nil {
		d.t.Fatal(err)
	}
	return stats
}

// Options are how a fused kernel is launched.
type Options struct {
	Grid     int    // blocks; 0: one
	Lead     []int  // by slot: the bytes before an operand's values
	Nullable []bool // by output: the result has validity; nil: where it can be null
	Races    bool   // as Device has it
	Rest     byte
}

// Outcome is what a fused kernel gives.
type Outcome struct {
	Kernel  *ptx.Kernel
	Stats   sim.Stats
	Results []*array.Block    // by output; nil for reductions
	Nodes   [][]array.Partial // by output: of leaves, in order
	Faults  map[int]uint64    // by instruction: the least element, where there is one
}

// Fused builds the kernel of a launch, of which Results do not count, and runs it.
func Fused(t testing.TB, l *array.Launch, o Options) Outcome {
	t.Helper()
	d, p := New(t), l.Program
	d.Races, d.Rest = o.Races, o.Rest
	form := ptx.Form{Nullable: o.Nullable}
	if form.Nullable == nil {
		form.Nullable = p.Nullable(l.Operands)
	}
	lead := make([]int, len(l.Operands))
	copy(lead, o.Lead)
	for slot, b := range l.Operands {
		form.Nulls = append(form.Nulls, b.HasNulls())
		form.Aligned = append(form.Aligned, lead[slot]%16 == 0)
	}
	k, err := ptx.Build(p, form)
	if err != nil {
		t.Fatal(err)
	}
	f := &fused{Device: d, l: l, form: form, lead: lead, at: map[ptx.Param]uint64{}}
	stats := d.Launch(k, max(1, o.Grid), f.bind)
	out := Outcome{Kernel: k, Stats: stats, Results: make([]*array.Block, len(p.Outputs)), Nodes: make([][]array.Partial, len(p.Outputs)), Faults: map[int]uint64{}}
	for _, param := range k.Params {
		switch at := f.at[param]; param.Kind {
		case ptx.Result:
			out.Results[param.Index] = f.result(param.Index)
		case ptx.Nodes:
			out.Nodes[param.Index] = f.nodes(at)
		case ptx.Faults:
			if e := binary.LittleEndian.Uint64(d.Bytes(at, 8)); e != math.MaxUint64 {
				out.Faults[param.Index] = e
			}
		}
	}
	return out
}

// fused is a launch on its way.
type fused struct {
	*Device
	l    *array.Launch
	form ptx.Form
	lead []int
	at   map[ptx.Param]uint64
}

func (f *fused) n() int { return f.l.Hi - f.l.Lo }

// bind gives a parameter's value, for which it makes buffers.
func (f *fused) bind(p ptx.Param) uint64 {
	v, ok := f.at[p]
	if !ok {
		v = f.value(p)
		f.at[p] = v
	}
	return v
}

func (f *fused) value(p ptx.Param) uint64 {
	switch p.Kind {
	case ptx.Count:
		return uint64(f.n())
	case ptx.First:
		return uint64(f.l.Lo)
	case ptx.Result:
		return f.Put(make([]byte, f.l.Program.Outputs[p.Index].DType.BufferSize(f.n())), 0)
	case ptx.ResultValid:
		return f.Put(make([]byte, array.Bool.BufferSize(f.n())), 0)
	case ptx.Nodes:
		return f.Put(make([]byte, f.leaves()*ptx.NodeBytes), 0)
	case ptx.Faults:
		return f.Put(binary.LittleEndian.AppendUint64(nil, math.MaxUint64), 0)
	}
	b := f.l.Operands[p.Index]
	values, validity, offset := b.Raw()
	d := b.DType()
	switch p.Kind {
	case ptx.Values:
		if d == array.Bool {
			return f.Put(values[offset/8:(offset+b.Len()+7)/8], f.lead[p.Index])
		}
		return f.Put(values[offset*d.Size():(offset+b.Len())*d.Size()], f.lead[p.Index])
	case ptx.Validity:
		return f.Put(validity[offset/8:(offset+b.Len()+7)/8], f.lead[p.Index])
	case ptx.ValuesBit, ptx.ValidityBit:
		return uint64(offset % 8)
	}
	f.t.Fatalf("a fused kernel has a parameter of kind %d", p.Kind)
	return 0
}

func (f *fused) leaves() int { return (f.n() + array.LeafSize - 1) / array.LeafSize }

// result is an output's block.
func (f *fused) result(i int) *array.Block {
	f.t.Helper()
	d := f.l.Program.Outputs[i].DType
	values := f.Bytes(f.at[ptx.Param{Kind: ptx.Result, Index: i}], d.BufferSize(f.n()))
	var validity []byte
	if f.form.Nullable[i] {
		validity = f.Bytes(f.at[ptx.Param{Kind: ptx.ResultValid, Index: i}], array.Bool.BufferSize(f.n()))
		f.behind(validity)
	}
	if d == array.Bool {
		f.behind(values)
	}
	b, err := array.WrapBlock(d, f.n(), 0, values, validity, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	return b
}

// behind holds that the bits behind the part's end are zeros.
func (f *fused) behind(bitmap []byte) {
	f.t.Helper()
	if n := f.n(); n%8 != 0 && bitmap[n/8]>>(n%8) != 0 {
		f.t.Errorf("%s: a bitmap of %d elements ends with %08b", f.l.Program, n, bitmap[n/8])
	}
}

// nodes reads the nodes of a reduction's leaves.
func (f *fused) nodes(at uint64) []array.Partial {
	f.t.Helper()
	data := f.Bytes(at, f.leaves()*ptx.NodeBytes)
	out := make([]array.Partial, f.leaves())
	for i := range out {
		words := data[i*ptx.NodeBytes:]
		out[i] = array.Partial{
			Index: uint64(f.l.Lo/array.LeafSize + i),
			Acc:   binary.LittleEndian.Uint64(words), Aux: binary.LittleEndian.Uint64(words[8:]), Count: binary.LittleEndian.Uint64(words[16:]),
		}
	}
	return out
}
