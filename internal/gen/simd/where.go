package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/darray-go/darray/array"
)

// sizes are the types that stand for all of their size, where elements are only moved.
var sizes = groups{
	{array.Int8, array.Uint8},
	{array.Int16, array.Uint16},
	{array.Int32, array.Uint32, array.Float32},
	{array.Int64, array.Uint64, array.Float64},
}

func whereKernels(k *kernUnit) {
	for _, isa := range isas {
		for _, group := range sizes {
			for _, f := range []form{vv, vsv, vvs, vss} {
				k.where(isa, group, f, false)
				if group[0].Size() >= 4 {
					k.where(isa, group, f, true)
				}
			}
		}
	}
}

// where writes the loop that picks elements by the bits of x.
func (k *kernUnit) where(isa isa, group []array.DType, f form, stream bool) {
	d := group[0]
	name, table, how := fmt.Sprintf("where%d%s", 8*d.Size(), f.suffix()), "where", ""
	if stream {
		name, table, how = name+"Stream", "streamWhere", streamed
	}
	words := [2]string{"y[i]", "z[i]"}
	for i := range words {
		if f.scalar[i+1] {
			words[i] = "yz"[i:i+1] + "[0]"
		}
	}
	r := k.unit.routine(name, isa, loopSignature, fmt.Sprintf("is dst[i] = %s where bit i of x is set, else %s%s.", words[0], words[1], how))
	const block = 64
	bits, dst, n := r.param("x"), r.param("dst"), r.param("n")
	in := r.inputsOf(d, f, 1, 2)
	choose := r.chooser(d, bits)
	r.loop("loop", n, block, func() {
		for at := 0; at < block; at += r.lanes(d) {
			yz := in.load(at * d.Size())
			r.put(choose(at, yz[0], yz[1]), operand.Mem{Base: dst, Disp: at * d.Size()}, stream)
		}
		in.advance(block * d.Size())
		r.ADDQ(operand.U32(uint32(block*d.Size())), dst)
		r.ADDQ(operand.U32(block/8), bits)
	})
	r.end()
	for _, s := range group {
		k.add(isa, table, name, block, "array."+goName(s), f.name)
	}
}

// chooser readies the registers for choosing by bits and gives the function that writes the choice between y and z for the
// lanes from element at on, which come in order.
func (r *routine) chooser(d array.DType, bits reg.GPVirtual) func(at int, y, z vec) vec {
	if r.isa == avx512 {
		return func(at int, y, z vec) vec {
			mask := r.loadMask(r.lanes(d), operand.Mem{Base: bits, Disp: at / 8})
			v := r.vec()
			of(d, r.VPBLENDMB, r.VPBLENDMW, r.VPBLENDMD, r.VPBLENDMQ, nil, nil)(y, z, mask, v)
			return v
		}
	}
	if d.Size() >= 4 {
		return r.chooserBySign(d, bits)
	}
	return r.chooserByByte(d, bits)
}

// loadMask loads as many bits as there are lanes.
func (r *routine) loadMask(lanes int, from operand.Mem) reg.OpmaskVirtual {
	mask := r.K()
	map[int]func(from, to operand.Op){8: r.KMOVB, 16: r.KMOVW, 32: r.KMOVD, 64: r.KMOVQ}[lanes](from, mask)
	return mask
}

// chooserBySign shifts the bit of each lane to where the blend looks for it, its sign. 32 bits are loaded at once, twice
// in a lane of 64.
func (r *routine) chooserBySign(d array.DType, bits reg.GPVirtual) func(at int, y, z vec) vec {
	width, lanes := 8*d.Size(), r.lanes(d)
	shift, blend := r.VPSLLVD, r.VBLENDVPS
	if d.Size() == 8 {
		shift, blend = r.VPSLLVQ, r.VBLENDVPD
	}
	counts := r.perLane(d.Size(), func(i int) uint64 { return uint64(width - 1 - i) })
	var left vec // the bits from the next lane on
	return func(at int, y, z vec) vec {
		if at%32 == 0 {
			left = r.vec()
			r.VPBROADCASTD(operand.Mem{Base: bits, Disp: at / 8}, left)
		} else {
			left = r.shiftRight(d.Size(), left, uint8(lanes))
		}
		v := r.vec()
		blend(r.do(shift, left, counts), y, z, v)
		return v
	}
}

// chooserByByte spreads the bits over the lanes and compares each lane with its own bit.
func (r *routine) chooserByByte(d array.DType, bits reg.GPVirtual) func(at int, y, z vec) vec {
	own := r.perLane(d.Size(), func(i int) uint64 { return 1 << (i % (8 * d.Size())) })
	if d.Size() == 2 { // 16 lanes of 16 bits
		return func(at int, y, z vec) vec {
			spread, v := r.vec(), r.vec()
			r.VPBROADCASTW(operand.Mem{Base: bits, Disp: at / 8}, spread)
			r.VPBLENDVB(r.do(r.VPCMPEQW, r.do(r.VANDPS, spread, own), own), y, z, v)
			return v
		}
	}
	bytes := r.perLane(1, func(i int) uint64 { return uint64(i / 8) })
	return func(at int, y, z vec) vec {
		spread, v := r.vec(), r.vec()
		r.VPBROADCASTD(operand.Mem{Base: bits, Disp: at / 8}, spread)
		mask := r.do(r.VPSHUFB, spread, bytes)
		r.VPBLENDVB(r.do(r.VPCMPEQB, r.do(r.VANDPS, mask, own), own), y, z, v)
		return v
	}
}
