package sim_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/darray-go/darray/cuda/ptx/sim"
)

// seeds are texts to begin with: what clang wrote, small kernels, and pieces that parsers fall over.
func seeds(f *testing.F) []string {
	list := []string{elementwise, header, "", "\x00", ".version 7.0 .target sm_70 .address_size 64 .entry k() { ret; }"}
	for _, compiler := range compilers {
		list = append(list, golden(f, "elements", compiler), golden(f, "blocks", compiler))
	}
	for _, body := range []string{
		"T: .branchtargets A, B; brx.idx %t, T; A: B:", "{ .reg .b32 %a<3>; mov.u32 %a2, 1; }", "bar.red.popc.u32 %r0, 0, !%p1;",
		"shfl.sync.down.b32 %r0|%p1, %t, 1, 31, -1;", "setp.lt.and.u32 %p0|%p1, %t, 5, !%p2;", "mov.b64 {%r0, %r1}, %x0;",
		"atom.global.cas.b32 %r0, [%x0], 0, 1; red.shared.add.u32 [s+4], 1;", "ld.global.v4.b8 {%h0, %h1, %h2, %h3}, [%x0];",
		"L: bra L;", ".local .align 8 .b8 v[8]; st.local.u64 [v], %x0;", "mov.f64 %d0, 1.5e3; add.rp.f64 %d0, %d0, 0d3FF0000000000000;",
	} {
		list = append(list, entry(body))
	}
	return list
}

func FuzzParse(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := sim.Parse(text)
		var syntax *sim.SyntaxError
		if err != nil && (!errors.As(err, &syntax) || syntax.Line < 1 || syntax.Reason == "") {
			t.Fatalf("%#v", err)
		}
		if err == nil {
			for _, name := range m.Kernels() {
				if k, err := m.Kernel(name); err != nil || k.Name() != name {
					t.Fatal(name, err)
				}
			}
		}
	})
}

// FuzzLaunch runs whatever parses, on buffers that may be too small for it.
func FuzzLaunch(f *testing.F) {
	for i, s := range seeds(f) {
		f.Add(s, uint16(i*7), uint8(i), int64(i))
	}
	f.Fuzz(func(t *testing.T, text string, threads uint16, grid uint8, value int64) {
		m, err := sim.Parse(text)
		if err != nil {
			return
		}
		mem := sim.NewMemory(1 << 20)
		in, err := m.Load(mem)
		if err != nil {
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		for _, name := range m.Kernels() {
			k, err := m.Kernel(name)
			if err != nil {
				t.Fatal(err)
			}
			params := buffers(k, mem, uint64(value))
			l := sim.Launch{
				Grid: [3]uint32{uint32(grid % 4)}, Block: [3]uint32{uint32(threads % 200)}, Params: params, Budget: 20000,
				Races: value&1 == 0, Unwritten: value&2 == 0, Seed: uint64(grid), Shared: int(grid),
			}
			_, err = in.Launch(ctx, k, l)
			var fault *sim.Fault
			if err != nil && !errors.As(err, &fault) {
				t.Fatal(err)
			}
			if fault != nil && (fault.Kind == nil || fault.Reason == "" || strings.Contains(fault.Error(), "%!")) {
				t.Fatalf("%v", fault)
			}
		}
		if err := in.Unload(); err != nil {
			t.Fatal(err)
		}
	})
}

// buffers makes parameters of a kernel: an address for every second one of 8 bytes, a number for the others.
func buffers(k *sim.Kernel, mem *sim.Memory, value uint64) []byte {
	size := 0
	for _, p := range k.Params() {
		size = p.Offset + p.Size
	}
	params := make([]byte, size)
	for i, p := range k.Params() {
		v := value >> (i % 8) & 0xff
		if p.Size == 8 && value>>(i%16)&1 == 0 {
			if addr, err := mem.Alloc(256); err == nil {
				v = addr
			}
		}
		for b := range min(p.Size, 8) {
			params[p.Offset+b] = byte(v >> (8 * b))
		}
	}
	return params
}
