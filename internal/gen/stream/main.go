// Command stream writes the assembly of bench/stream with avo. Run it by `go generate ./bench/stream`.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
	"github.com/mmcloughlin/avo/reg"
)

// step is the elements of one round of a loop: two cache lines.
const step = 16

// loop is one of STREAM's.
type loop struct {
	name, doc string
	reads     int // arrays: x, or x and y
	triad     bool
}

func loops() []loop {
	return []loop{
		{"copy", "dst[i] = x[i]", 1, false},
		{"add", "dst[i] = x[i] + y[i]", 2, false},
		{"triad", "dst[i] = x[i] + 3*y[i]", 2, true},
	}
}

func main() {
	dir := flag.String("dir", ".", "the `folder` of package stream")
	flag.Parse()
	asm, stubs, err := generate()
	if err == nil {
		err = os.WriteFile(filepath.Join(*dir, "zstream_amd64.s"), asm, 0o644)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(*dir, "zstream_amd64.go"), stubs, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "stream:", err)
		os.Exit(1)
	}
}

// generate gives the assembly and its declarations in Go.
func generate() (asm, stubs []byte, err error) {
	c := build.NewContext()
	three := c.ConstData("three", operand.U64(0x4008000000000000)) // the bits of 3
	for _, l := range loops() {
		write(c, l, three, false)
		write(c, l, three, true)
	}
	sum(c)
	file, err := c.Result()
	if err == nil {
		err = pass.Compile.Execute(file)
	}
	if err != nil {
		return nil, nil, err
	}
	cfg := printer.Config{Name: "internal/gen/stream", Pkg: "stream"}
	if asm, err = printer.NewGoAsm(cfg).Print(file); err != nil {
		return nil, nil, err
	}
	stubs, err = printer.NewStubs(cfg).Print(file)
	return asm, stubs, err
}

// write makes a loop that stores, past the caches or through them. VMOVNTPD wants memory at multiples of 32 bytes.
func write(c *build.Context, l loop, constant operand.Mem, past bool) {
	name, doc, store := l.name+"AVX", "", func(v, to operand.Op) { c.VMOVUPD(v, to) }
	if past {
		name, doc, store = l.name+"PastAVX", " with stores past the caches,", c.VMOVNTPD
	}
	c.Function(name)
	c.Pragma("noescape")
	c.Attributes(attr.NOSPLIT)
	c.SignatureExpr("func(dst, x, y []float64)")
	c.Doc(fmt.Sprintf("%s is %s for i below len(dst), a multiple of %d,%s on memory at multiples of 64 bytes.", name, l.doc, step, doc))
	dst, x, y := c.Load(c.Param("dst").Base(), c.GP64()), c.Load(c.Param("x").Base(), c.GP64()), reg.Register(nil)
	if l.reads == 2 {
		y = c.Load(c.Param("y").Base(), c.GP64())
	}
	n := c.Load(c.Param("dst").Len(), c.GP64())
	three := c.YMM()
	if l.triad {
		c.VBROADCASTSD(constant, three)
	}
	i := c.GP64()
	c.XORQ(i, i)
	c.Label("loop")
	c.CMPQ(i, n)
	c.JGE(operand.LabelRef("done"))
	for lane := range step / 4 {
		at := func(base reg.Register) operand.Mem {
			return operand.Mem{Base: base, Index: i, Scale: 8, Disp: 32 * lane}
		}
		v := c.YMM()
		switch {
		case l.triad:
			c.VMULPD(at(y), three, v)
			c.VADDPD(at(x), v, v)
		case l.reads == 2:
			c.VMOVUPD(at(x), v)
			c.VADDPD(at(y), v, v)
		default:
			c.VMOVUPD(at(x), v)
		}
		store(v, at(dst))
	}
	c.ADDQ(operand.Imm(step), i)
	c.JMP(operand.LabelRef("loop"))
	c.Label("done")
	if past {
		c.SFENCE()
	}
	c.VZEROUPPER()
	c.RET()
}

// sum makes the loop that only reads.
func sum(c *build.Context) {
	c.Function("sumAVX")
	c.Pragma("noescape")
	c.Attributes(attr.NOSPLIT)
	c.SignatureExpr("func(x []float64) float64")
	c.Doc(fmt.Sprintf("sumAVX is the sum of x, whose length is a multiple of %d, in %d lanes.", step, step))
	x, n := c.Load(c.Param("x").Base(), c.GP64()), c.Load(c.Param("x").Len(), c.GP64())
	var lanes [step / 4]reg.VecVirtual
	for lane := range lanes {
		lanes[lane] = c.YMM()
		c.VXORPD(lanes[lane], lanes[lane], lanes[lane])
	}
	i := c.GP64()
	c.XORQ(i, i)
	c.Label("loop")
	c.CMPQ(i, n)
	c.JGE(operand.LabelRef("done"))
	for lane, v := range lanes {
		c.VADDPD(operand.Mem{Base: x, Index: i, Scale: 8, Disp: 32 * lane}, v, v)
	}
	c.ADDQ(operand.Imm(step), i)
	c.JMP(operand.LabelRef("loop"))
	c.Label("done")
	c.VADDPD(lanes[1], lanes[0], lanes[0])
	c.VADDPD(lanes[3], lanes[2], lanes[2])
	c.VADDPD(lanes[2], lanes[0], lanes[0])
	low, high := c.XMM(), c.XMM()
	c.VEXTRACTF128(operand.Imm(1), lanes[0], high)
	c.VADDPD(lanes[0].AsX(), high, low)
	c.VHADDPD(low, low, low)
	c.Store(low, c.ReturnIndex(0))
	c.VZEROUPPER()
	c.RET()
}
