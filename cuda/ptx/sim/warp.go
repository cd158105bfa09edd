package sim

import "math/bits"

// syncer decides at an instruction that waits for other threads. It returns the threads that go on, having done their work,
// and those that must wait here for others to come.
type syncer func(b *block, lanes []uint16) (ready, waiting []uint16)

// members finds, for each warp of the given threads, the mask of those that wait for each other at a warp instruction. all is
// called with the threads of one mask that are complete. A thread that is not in its own mask is a fault.
func (b *block) members(maskRow int, lanes []uint16, all func(w int, mask uint32, group []uint16)) (ready, waiting []uint16) {
	masks := b.regs[maskRow]
	for i := 0; i < len(lanes); {
		w := int(lanes[i] / warpSize)
		j := i
		var here uint32
		for j < len(lanes) && int(lanes[j]/warpSize) == w {
			here |= 1 << (lanes[j] % warpSize)
			j++
		}
		group := lanes[i:j]
		if m := uint32(masks[group[0]]) & b.alive(w); m == here && sameMask(masks, group) { // the usual case
			all(w, here, group)
			ready = append(ready, group...)
			i = j
			continue
		}
		for _, l := range group {
			if masks[l]>>(l%warpSize)&1 == 0 {
				b.fail(ErrWarp, l, 0, "the thread is not in its own member mask %#08x", uint32(masks[l]))
				return nil, nil
			}
		}
		for left := here; left != 0; {
			l := uint16(w*warpSize + bits.TrailingZeros32(left))
			mask := uint32(masks[l]) & b.alive(w)
			var part []uint16
			for _, o := range group {
				if mask>>(o%warpSize)&1 == 1 {
					if masks[o] != masks[l] {
						b.fail(ErrWarp, o, 0, "member mask %#08x, but thread %s, which it names or that names it, has %#08x",
							uint32(masks[o]), triple(b.thread(l)), uint32(masks[l]))
						return nil, nil
					}
					part = append(part, o)
				}
			}
			if mask&^here == 0 {
				all(w, mask, part)
				ready = append(ready, part...)
			} else {
				waiting = append(waiting, part...)
			}
			left &^= mask
		}
		i = j
	}
	return ready, waiting
}

func sameMask(masks []uint64, group []uint16) bool {
	for _, l := range group {
		if masks[l] != masks[group[0]] {
			return false
		}
	}
	return true
}

// alive has a bit for each thread of a warp that has not ended.
func (b *block) alive(w int) uint32 { return b.warpMask(w) &^ b.exited[w] }

// buildShuffle is shfl.sync: each thread reads a register of another of its warp.
func buildShuffle(b *builder, got []string) {
	if !b.args(5) {
		return
	}
	t, u, p := dtypes["b32"], dtypes["u32"], dtypes["pred"]
	x, lane, clamp, mask := b.src(1, t), b.src(2, u), b.src(3, u), b.src(4, u)
	dst := b.s.args[0]
	pair := dst.pair
	dst.pair = nil
	d := b.dstOf(&dst, t, false)
	q := -1
	if pair != nil {
		q = b.dstOf(pair, p, false)
	}
	mode := got[1]
	b.in.control = meet
	b.in.sync = func(b *block, lanes []uint16) (ready, waiting []uint16) {
		return b.members(mask, lanes, func(w int, members uint32, group []uint16) {
			b.shuffle(mode, members, group, x, lane, clamp, d, q)
			b.syncWarp(w, members)
		})
	}
}

func (b *block) shuffle(mode string, members uint32, group []uint16, x, lane, clamp, d, q int) {
	var old [warpSize]uint64 // d may be x
	base := group[0] &^ (warpSize - 1)
	for _, l := range group {
		old[l%warpSize] = b.regs[x][l]
	}
	for _, l := range group {
		from, ok := source(mode, uint32(l%warpSize), uint32(b.regs[lane][l]), uint32(b.regs[clamp][l]))
		if members>>from&1 == 0 {
			b.fail(ErrWarp, l, 0, "reads a register of thread %s, which takes no part (members %#08x)", triple(b.thread(base+uint16(from))), members)
			return
		}
		b.regs[d][l] = old[from]
		if q >= 0 {
			b.regs[q][l] = boolean(ok)
		}
	}
}

// source is the thread of the warp that a shuffle reads, and whether it lies in the segment that c describes.
func source(mode string, lane, n, c uint32) (from uint32, ok bool) {
	n &= 31
	limit, segment := c&31, c>>8&31
	last, first := lane&segment|limit&^segment, lane&segment
	switch mode {
	case "up":
		from = lane - n
		ok = int32(from) >= int32(last)
	case "down":
		from = lane + n
		ok = from <= last
	case "bfly":
		from = lane ^ n
		ok = from <= last
	default:
		from = first | n&^segment
		ok = from <= last
	}
	if !ok {
		from = lane
	}
	return from, ok
}

// buildVote is vote.sync: all, any, uni and ballot over the predicates of a warp.
func buildVote(b *builder, got []string) {
	if !b.args(3) {
		return
	}
	p, not := b.predicate(1)
	mask := b.src(2, dtypes["u32"])
	d := b.dst(0, dtypes[got[2]], false)
	mode, flip := got[1], boolean(not)
	b.in.control = meet
	b.in.sync = func(b *block, lanes []uint16) (ready, waiting []uint16) {
		return b.members(mask, lanes, func(w int, members uint32, group []uint16) {
			var ballot uint32
			for _, l := range group {
				ballot |= uint32(b.regs[p][l]^flip) << (l % warpSize)
			}
			out := uint64(ballot)
			switch mode {
			case "all":
				out = boolean(ballot == members)
			case "any":
				out = boolean(ballot != 0)
			case "uni":
				out = boolean(ballot == 0 || ballot == members)
			}
			for _, l := range group {
				b.regs[d][l] = out
			}
			b.syncWarp(w, members)
		})
	}
}

// buildMatch is match.any.sync: the threads of the warp that have the same value.
func buildMatch(b *builder, got []string) {
	if !b.args(3) {
		return
	}
	x, mask := b.src(1, dtypes[got[2]]), b.src(2, dtypes["u32"])
	d := b.dst(0, dtypes["b32"], false)
	b.in.control = meet
	b.in.sync = func(b *block, lanes []uint16) (ready, waiting []uint16) {
		return b.members(mask, lanes, func(w int, members uint32, group []uint16) {
			var out [warpSize]uint32
			for _, l := range group {
				for _, o := range group {
					out[l%warpSize] |= uint32(boolean(b.regs[x][l] == b.regs[x][o])) << (o % warpSize)
				}
			}
			for _, l := range group {
				b.regs[d][l] = uint64(out[l%warpSize])
			}
			b.syncWarp(w, members)
		})
	}
}

// buildWarpBarrier is bar.warp.sync.
func buildWarpBarrier(b *builder, got []string) {
	if !b.args(1) {
		return
	}
	mask := b.src(0, dtypes["u32"])
	b.in.control = meet
	b.in.sync = func(b *block, lanes []uint16) (ready, waiting []uint16) {
		return b.members(mask, lanes, func(w int, members uint32, group []uint16) { b.syncWarp(w, members) })
	}
}

// buildActive is activemask: the threads of the warp that stand at this instruction.
func buildActive(b *builder, got []string) {
	if !b.args(1) {
		return
	}
	d := b.dst(0, dtypes["b32"], false)
	b.in.run = func(b *block, lanes []uint16) {
		masks := make(map[uint16]uint64)
		for _, l := range lanes {
			masks[l/warpSize] |= 1 << (l % warpSize)
		}
		for _, l := range lanes {
			b.regs[d][l] = masks[l/warpSize]
		}
	}
}
