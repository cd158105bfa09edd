package ptxtest

import (
	"encoding/binary"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/cuda/ptx"
	"github.com/darray-go/darray/cuda/ptx/sim"
)

// Card is a simulated card for kernels over buffers. Each buffer ends with the word of the last byte that its kernel may touch, so
// that an access behind it fails.
type Card struct {
	Races        bool   // launches look for races in global memory, which is slow
	Instructions uint64 // of threads, by all launches so far

	t       testing.TB
	memory  *sim.Memory
	modules map[string]*sim.Module
	seed    uint64
}

// NewCard gives a card with nothing on it. The seed is of the order in which blocks run.
func NewCard(t testing.TB, seed uint64) *Card {
	return &Card{t: t, memory: sim.NewMemory(1 << 30), modules: map[string]*sim.Module{}, seed: seed}
}

// Params are what a launch passes.
type Params map[ptx.Param]uint64

// Set says the value of a parameter.
func (p Params) Set(kind ptx.ParamKind, index int, value uint64) {
	p[ptx.Param{Kind: kind, Index: index}] = value
}

// Room is a new buffer, with nothing known in it.
func (c *Card) Room(bytes int) uint64 {
	c.t.Helper()
	at, err := c.memory.Alloc(max((bytes+3)/4*4, 4)) // words of bitmaps are written whole
	if err != nil {
		c.t.Fatal(err)
	}
	return at
}

// Upload copies bytes to a new buffer and gives its address.
func (c *Card) Upload(b []byte) uint64 {
	c.t.Helper()
	at := c.Room(len(b))
	copy(c.Bytes(at, len(b)), b)
	return at
}

// Bytes is a view of n bytes at an address.
func (c *Card) Bytes(at uint64, n int) []byte {
	c.t.Helper()
	b, err := c.memory.Bytes(at, n)
	if err != nil {
		c.t.Fatal(err)
	}
	return b
}

// Free gives back all buffers.
func (c *Card) Free() {
	for _, at := range c.memory.Leaks() {
		if err := c.memory.Free(at); err != nil {
			c.t.Error(err)
		}
	}
}

// Operand uploads a block's elements from at on and passes them as operand index.
func (c *Card) Operand(p Params, index int, b *array.Block, at, n int) {
	values, validity, offset := b.Raw()
	offset += at
	if b.DType() == array.Bool {
		p.Set(ptx.Values, index, c.Upload(values[offset/8:(offset+n+7)/8]))
		p.Set(ptx.ValuesBit, index, uint64(offset%8))
	} else {
		size := b.DType().Size()
		p.Set(ptx.Values, index, c.Upload(values[offset*size:(offset+n)*size]))
	}
	if validity != nil {
		p.Set(ptx.Validity, index, c.Upload(validity[offset/8:(offset+n+7)/8]))
		p.Set(ptx.ValidityBit, index, uint64(offset%8))
	}
}

// Result makes room for n elements of output 0.
func (c *Card) Result(p Params, d array.DType, n int) {
	bytes := n * d.Size()
	if d == array.Bool {
		bytes = (n + 7) / 8
	}
	p.Set(ptx.Result, 0, c.Room(bytes))
	p.Set(ptx.ResultValid, 0, c.Room((n+7)/8))
}

// Block is output 0 as a block.
func (c *Card) Block(p Params, d array.DType, shape array.Shape, validity bool) *array.Block {
	n := shape.Len()
	b := array.NewBlock(d, shape, validity)
	values, valid, _ := b.Raw()
	if bytes := n * d.Size(); d != array.Bool {
		copy(values, c.Bytes(p[ptx.Param{Kind: ptx.Result}], bytes))
	} else {
		copy(values, c.Bytes(p[ptx.Param{Kind: ptx.Result}], (n+7)/8))
	}
	if validity {
		copy(valid, c.Bytes(p[ptx.Param{Kind: ptx.ResultValid}], (n+7)/8))
	}
	return b
}

// Launch runs a kernel in a grid that need not be large enough.
func (c *Card) Launch(k *ptx.Kernel, blocks int, p Params) {
	c.t.Helper()
	m := c.modules[k.Text]
	if m == nil {
		var err error
		if m, err = sim.Parse(k.Text); err != nil {
			c.t.Fatalf("%s: %v\n%s", k.Name, err, k.Text)
		}
		c.modules[k.Text] = m
	}
	entry, err := m.Kernel(k.Name)
	if err != nil {
		c.t.Fatal(err)
	}
	instance, err := m.Load(c.memory)
	if err != nil {
		c.t.Fatal(err)
	}
	c.seed = c.seed*6364136223846793005 + 1442695040888963407
	var packed []byte
	for _, param := range k.Params {
		value, ok := p[ptx.Param{Kind: param.Kind, Index: param.Index}]
		if param.Kind == ptx.Literal {
			value, ok = param.Value, true
		}
		if !ok {
			c.t.Fatalf("%s: nothing for parameter %v", k.Name, param)
		}
		packed = binary.LittleEndian.AppendUint64(packed, value)
	}
	stats, err := instance.Launch(c.t.Context(), entry, sim.Launch{
		Grid: [3]uint32{uint32(max(blocks, 1))}, Block: [3]uint32{uint32(k.Threads)}, Shared: k.Shared, Params: packed,
		Races: c.Races, Unwritten: true, Seed: c.seed,
	})
	if err != nil {
		c.t.Fatalf("%s: %v\n%s", k.Name, err, k.Text)
	}
	c.Instructions += stats.Instructions
}

// Run does the launches of a plan, each in a grid of at most so many blocks, and gives the scratch.
func (c *Card) Run(plan *ptx.Plan, p Params, d array.DType, most int) []uint64 {
	c.t.Helper()
	var scratch []uint64
	for _, bytes := range plan.Scratch {
		scratch = append(scratch, c.Room(bytes))
	}
	for i := range plan.Stages {
		s := &plan.Stages[i]
		all := Params{}
		for key, value := range p {
			switch {
			case key.Kind == ptx.Values && d != array.Bool:
				value += uint64(s.Offset * d.Size())
			case key.Kind == ptx.ValuesBit || key.Kind == ptx.ValidityBit:
				value += uint64(s.Offset)
			case key.Kind == ptx.Before:
				value += uint64(8 * s.Level)
			}
			all[key] = value
		}
		for kind, value := range s.Numbers {
			all.Set(kind, 0, value)
		}
		for key, place := range s.Scratch {
			all[key] = scratch[place.Buffer] + uint64(place.Offset)
		}
		c.Launch(s.Kernel, min(s.Blocks, most), all)
	}
	return scratch
}

// Forest reads the nodes that a plan leaves and joins them.
func (c *Card) Forest(plan *ptx.Plan, scratch []uint64, op array.Op, acc array.DType) array.Forest {
	var f array.Forest
	for _, run := range plan.Nodes {
		words := array.View[uint64](c.Bytes(scratch[run.Buffer]+uint64(run.Offset), run.Count*ptx.NodeBytes))
		for i := range run.Count {
			f = f.Push(op, acc, array.Partial{
				Level: uint64(run.Level), Index: uint64(run.Index + i), Acc: words[3*i], Aux: words[3*i+1], Count: words[3*i+2],
			})
		}
	}
	return f
}

// Run runs a launch and gives its forests.
func (c *Processor) Run(t testing.TB, l *array.Launch) []array.Forest {
	t.Helper()
	forests, err := c.device.Run(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	return forests
}

// Multiply fills the result of a product.
func (c *Processor) Multiply(t testing.TB, p *array.Product) {
	t.Helper()
	if err := c.device.Multiply(t.Context(), p); err != nil {
		t.Fatal(err)
	}
}
