package sim_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/darray-go/darray/cuda/ptx/sim"
)

const header = ".version 7.0\n.target sm_70\n.address_size 64\n"

// parse parses or ends the test.
func parse(t testing.TB, text string) *sim.Module {
	t.Helper()
	m, err := sim.Parse(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return m
}

// device is a module in a fresh memory.
type device struct {
	t   testing.TB
	mem *sim.Memory
	m   *sim.Module
	in  *sim.Instance
}

func load(t testing.TB, text string) *device {
	t.Helper()
	d := &device{t: t, mem: sim.NewMemory(1 << 28), m: parse(t, text)}
	in, err := d.m.Load(d.mem)
	if err != nil {
		t.Fatal(err)
	}
	d.in = in
	return d
}

// words allocates a buffer of n elements of the given size and fills it with values.
func (d *device) words(size int, values ...uint64) uint64 {
	d.t.Helper()
	addr, err := d.mem.Alloc(size * len(values))
	if err != nil {
		d.t.Fatal(err)
	}
	b, err := d.mem.Bytes(addr, size*len(values))
	if err != nil {
		d.t.Fatal(err)
	}
	var w [8]byte
	for i, v := range values {
		binary.LittleEndian.PutUint64(w[:], v)
		copy(b[i*size:(i+1)*size], w[:])
	}
	return addr
}

// read returns n elements at addr.
func (d *device) read(addr uint64, size, n int) []uint64 {
	d.t.Helper()
	b, err := d.mem.Bytes(addr, size*n)
	if err != nil {
		d.t.Fatal(err)
	}
	out := make([]uint64, n)
	var w [8]byte
	for i := range out {
		w = [8]byte{}
		copy(w[:], b[i*size:(i+1)*size])
		out[i] = binary.LittleEndian.Uint64(w[:])
	}
	return out
}

// launch runs a kernel with one-dimensional grid and block.
func (d *device) launch(name string, l sim.Launch, grid, block uint32, params ...uint64) (sim.Stats, error) {
	d.t.Helper()
	k, err := d.m.Kernel(name)
	if err != nil {
		d.t.Fatal(err)
	}
	l.Grid[0], l.Block[0] = grid, block
	if l.Params, err = k.Pack(params...); err != nil {
		d.t.Fatal(err)
	}
	return d.in.Launch(context.Background(), k, l)
}

func (d *device) run(name string, grid, block uint32, params ...uint64) sim.Stats {
	d.t.Helper()
	s, err := d.launch(name, sim.Launch{Races: true, Unwritten: true}, grid, block, params...)
	if err != nil {
		d.t.Fatal(err)
	}
	return s
}

// bitsOf is the number of bits of a type's name.
func bitsOf(typ string) int {
	n := 0
	for _, c := range typ[1:] {
		n = n*10 + int(c-'0')
	}
	return n
}

func maskOf(typ string) uint64 {
	if typ == "pred" {
		return 1
	}
	return ^uint64(0) >> (64 - bitsOf(typ))
}

// evaluate runs instructions, which take operands %a, %b, %c, %e of the given types and write %d, for every row of operands.
func evaluate(t testing.TB, instr, dst string, src []string, rows [][]uint64) []uint64 {
	t.Helper()
	reg := func(typ string) string { return "b" + fmt.Sprint(max(16, bitsOf(typ))) }
	var s strings.Builder
	s.WriteString(header + ".visible .entry k(.param .u64 out, .param .u64 in, .param .u32 n) {\n")
	s.WriteString(".reg .pred %skip; .reg .b32 %i, %n, %t; .reg .b64 %w, %p, %q, %o;\n")
	names := []string{"%a", "%b", "%c", "%e"}
	for i, typ := range append([]string{dst}, src...) {
		name := "%d"
		if i > 0 {
			name = names[i-1]
		}
		if typ == "pred" {
			fmt.Fprintf(&s, ".reg .pred %s;\n", name)
		} else {
			fmt.Fprintf(&s, ".reg .%s %s;\n", reg(typ), name)
		}
	}
	s.WriteString(`ld.param.u32 %n, [n]; mov.u32 %i, %ctaid.x; mov.u32 %t, %ntid.x; mul.lo.u32 %i, %i, %t; mov.u32 %t, %tid.x;
add.u32 %i, %i, %t; setp.ge.u32 %skip, %i, %n; @%skip bra done;
ld.param.u64 %p, [in]; mul.wide.u32 %q, %i, 32; add.u64 %p, %p, %q;
ld.param.u64 %o, [out]; mul.wide.u32 %q, %i, 8; add.u64 %o, %o, %q;
`)
	for i, typ := range src {
		fmt.Fprintf(&s, "ld.global.u64 %%w, [%%p+%d]; ", 8*i)
		switch {
		case typ == "pred":
			fmt.Fprintf(&s, "setp.ne.u64 %s, %%w, 0;\n", names[i])
		case reg(typ) == "b64":
			fmt.Fprintf(&s, "mov.b64 %s, %%w;\n", names[i])
		default:
			fmt.Fprintf(&s, "cvt.u%s.u64 %s, %%w;\n", reg(typ)[1:], names[i])
		}
	}
	s.WriteString(instr + "\n")
	switch {
	case dst == "pred":
		s.WriteString("selp.u64 %w, 1, 0, %d; st.global.u64 [%o], %w;\n")
	case reg(dst) == "b64":
		s.WriteString("st.global.b64 [%o], %d;\n")
	default:
		fmt.Fprintf(&s, "cvt.u64.u%s %%w, %%d; st.global.u64 [%%o], %%w;\n", reg(dst)[1:])
	}
	s.WriteString("done: ret; }\n")
	d := load(t, s.String())
	flat := make([]uint64, 4*len(rows))
	for i, r := range rows {
		copy(flat[4*i:], r)
	}
	in, out := d.words(8, flat...), d.words(8, make([]uint64, len(rows))...)
	if _, err := d.launch("k", sim.Launch{}, uint32(len(rows)+255)/256, 256, out, in, uint64(len(rows))); err != nil {
		t.Fatal(err)
	}
	return d.read(out, 8, len(rows))
}

// edges are values worth trying for a type, as bits.
func edges(typ string) []uint64 {
	switch typ {
	case "pred":
		return []uint64{0, 1}
	case "f32":
		return []uint64{
			0, 0x80000000, 1, 0x80000001, 0x7fffff, 0x800000, 0x80800000, 0x3f800000, 0xbf800000, 0x3f800001, 0x3f7fffff, 0x40000000,
			0x3f000000, 0x3fc00000, 0x40200000, 0xc0200000, 0x4b800000, 0x4f000000, 0x4f800000, 0xcf000000, 0x5f000000, 0x5f800000,
			0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc12345, 0x7f800001,
		}
	case "f64":
		return []uint64{
			0, 1 << 63, 1, 1<<63 | 1, 1<<52 - 1, 1 << 52, 0x3ff0000000000000, 0xbff0000000000000, 0x3ff0000000000001, 0x3fefffffffffffff,
			0x3fe0000000000000, 0x4004000000000000, 0xc004000000000000, 0x41e0000000000000, 0x41dfffffffc00000, 0x41efffffffe00000,
			0xc1e0000000000000, 0x43e0000000000000, 0x43f0000000000000, 0xc3e0000000000000, 0x36a0000000000000, 0x380fffffffffffff,
			0x47efffffefffffff, 0x47effffff0000000, 0x7fefffffffffffff, 0xffefffffffffffff, 0x7ff << 52, 0xfff << 52,
			0x7ff8000000000000, 0xfff8000000000123, 0x7ff0000000000001,
		}
	}
	m, n := maskOf(typ), bitsOf(typ)
	return []uint64{0, 1, 2, 3, 7, 31, 32, 33 & m, m, m - 1, m - 2, 1 << (n - 1), 1<<(n-1) - 1, (1<<(n-1) + 1) & m, m / 3, 100 & m}
}

// operands makes rows of operands: all pairs of edges, and random ones of every size.
func operands(seed uint64, src []string, random int) [][]uint64 {
	rng := rand.New(rand.NewPCG(seed, 1))
	draw := func(typ string) uint64 {
		e := edges(typ)
		switch rng.IntN(4) {
		case 0:
			return e[rng.IntN(len(e))]
		case 1:
			return (e[rng.IntN(len(e))] + uint64(rng.IntN(9)) - 4) & maskOf(typ)
		case 2:
			return rng.Uint64() & maskOf(typ) >> rng.IntN(max(1, len(e)*2)) & maskOf(typ)
		}
		v := rng.Uint64() & maskOf(typ)
		if typ == "f32" && rng.IntN(2) == 0 { // exponents near each other, so that sums cancel
			v = v&0x807fffff | uint64(120+rng.IntN(16))<<23
		} else if typ == "f64" && rng.IntN(2) == 0 {
			v = v&0x800fffffffffffff | uint64(1016+rng.IntN(16))<<52
		}
		return v
	}
	var rows [][]uint64
	if len(src) >= 2 {
		for _, x := range edges(src[0]) {
			for _, y := range edges(src[1]) {
				row := []uint64{x, y}
				for _, typ := range src[2:] {
					row = append(row, draw(typ))
				}
				rows = append(rows, row)
			}
		}
	} else {
		for _, x := range edges(src[0]) {
			rows = append(rows, []uint64{x})
		}
	}
	for range random {
		row := make([]uint64, len(src))
		for i, typ := range src {
			row[i] = draw(typ)
		}
		rows = append(rows, row)
	}
	return rows
}

// check holds instructions against a reference that sees the operands of a row.
func check(t *testing.T, instr, dst string, src []string, want func(x []uint64) uint64) {
	t.Helper()
	t.Run(strings.Fields(instr)[0], func(t *testing.T) {
		rows := operands(uint64(len(instr)), src, 1000)
		got := evaluate(t, instr, dst, src, rows)
		bad := 0
		for i, row := range rows {
			if w := want(row); got[i] != w {
				if bad++; bad > 4 {
					break
				}
				t.Errorf("%s of %#x: %#x, want %#x", instr, row, got[i], w)
			}
		}
	})
}
