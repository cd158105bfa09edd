package sim

// warpSize is the number of threads of a warp.
const warpSize = 32

// syncBlock notes that all threads of the block met.
func (b *block) syncBlock() {
	b.now++
	b.blockSync = b.now
}

// syncWarp notes that threads of one warp met. Where they are all of the warp, one number says it; else a table of who knows
// of whom, as vector clocks do.
func (b *block) syncWarp(w int, members uint32) {
	b.now++
	all := b.warpMask(w)
	if members == all {
		b.warpFull[w] = b.now
		return
	}
	if b.known == nil {
		b.known = make([]*[warpSize][warpSize]uint32, len(b.warpFull))
	}
	if b.known[w] == nil {
		b.known[w] = new([warpSize][warpSize]uint32)
	}
	k := b.known[w]
	var union [warpSize]uint32
	for i := range warpSize {
		if members>>i&1 == 0 {
			continue
		}
		for j := range warpSize {
			union[j] = max(union[j], k[i][j])
		}
	}
	for i := range warpSize {
		if members>>i&1 == 1 {
			union[i] = b.now
		}
	}
	for i := range warpSize {
		if members>>i&1 == 1 {
			k[i] = union
		}
	}
}

// warpOrdered reports whether t, of the same warp, met u since the time.
func (b *block) warpOrdered(u, t uint16, time uint32) bool {
	w := int(t / warpSize)
	if time < b.warpFull[w] {
		return true
	}
	return b.known != nil && b.known[w] != nil && time < b.known[w][t%warpSize][u%warpSize]
}

// warpMask has a bit for each thread of a warp that exists.
func (b *block) warpMask(w int) uint32 {
	n := min(b.n-w*warpSize, warpSize)
	return uint32(1<<uint(n) - 1)
}
