package sim

import "math/bits"

// Data races are found with a shadow of each byte: who wrote and read it last, and when. Time goes on when threads wait for each
// other: a barrier of the block orders all of its threads, bar.warp.sync, shuffles and votes order threads of a warp. Two
// accesses of a byte by two threads, one of them a write, must have such a point between them, or both be atomic. Blocks are
// never ordered.

// touch is the shadow of a byte.
type touch struct {
	wTime, rTime   uint32 // 0: never
	wBlock, rBlock uint32
	writer, reader uint16
	wAtomic        bool
	rAtomic        bool   // all reads were
	rMask          uint32 // the threads that read and that nothing orders, of the reader's warp
	rCross         bool   // there are others, of other warps
	rBlocks        bool   // of several blocks
	fixed          bool   // .nc read it
}

// shades are the shadows of memory: one for each word of four bytes, and one for each byte of those words that are accessed in
// parts.
type shades struct {
	words []touch
	bytes []*[4]touch
}

// at returns the shadow of byte o for an access that takes n bytes from there, and how many bytes that shadow is for.
func (s *shades) at(o, n uint64) (*touch, uint64) {
	w := o / 4
	if n >= 4 && (s.bytes == nil || s.bytes[w] == nil) {
		return &s.words[w], 4
	}
	if s.bytes == nil {
		s.bytes = make([]*[4]touch, len(s.words))
	}
	if s.bytes[w] == nil {
		t := s.words[w]
		s.bytes[w] = &[4]touch{t, t, t, t}
	}
	return &s.bytes[w][o%4], 1
}

// shadow is the shadow of an allocation, in pages that are made as they are touched.
type shadow struct{ pages []*shades }

const shadowPage = 1 << 10 // bytes

func (s *shadow) at(o, n uint64) (*touch, uint64) {
	p := &s.pages[o/shadowPage]
	if *p == nil {
		*p = &shades{words: make([]touch, shadowPage/4)}
	}
	return (*p).at(o%shadowPage, n)
}

// ordered reports whether what a thread of this block did at a time is over for another.
func (b *block) ordered(u, t uint16, time uint32) bool {
	if time < b.blockSync || u == t {
		return true
	}
	return u/warpSize == t/warpSize && b.warpOrdered(u, t, time)
}

// touchShared notes an access of shared memory, and reports false after a race.
func (b *block) touchShared(ac *access, l uint16, o, n uint64) bool {
	for end := o + n; o < end; {
		s, size := b.sharedShadow.at(o, end-o)
		if s.wTime != 0 && s.wBlock != b.serial {
			s.wTime = 0
		}
		if s.rTime != 0 && s.rBlock != b.serial {
			s.rTime = 0
		}
		if b.unwritten && !ac.write && s.wTime == 0 {
			b.fail(ErrUnwritten, l, o+sharedBase, "reads shared memory at %#x, which no thread of the block wrote", o+sharedBase)
			return false
		}
		if other, what := b.conflict(s, ac, l); what != "" {
			b.fail(ErrRace, l, o+sharedBase, "%s shared memory at %#x, which thread %s %s with no barrier between",
				ac.verb(), o+sharedBase, triple(b.thread(other)), what)
			return false
		}
		b.note(s, ac, l)
		o += size
	}
	return true
}

// touchGlobal is the same for global memory.
func (b *block) touchGlobal(ac *access, seg *allocation, l uint16, o, n uint64) bool {
	if seg.space != global {
		return true
	}
	if seg.shadow == nil {
		seg.shadow = &shadow{make([]*shades, (seg.size+shadowPage-1)/shadowPage)}
		b.shadowed = append(b.shadowed, seg)
	}
	for end := o + n; o < end; {
		s, size := seg.shadow.at(o, end-o)
		if ac.fixed && s.wTime != 0 || ac.write && s.fixed {
			b.fail(ErrRace, l, seg.addr+o, "%s %#x in %s, which one launch both writes and reads by ld.nc", ac.verb(), seg.addr+o, seg)
			return false
		}
		s.fixed = s.fixed || ac.fixed
		if other, what := b.conflict(s, ac, l); what != "" {
			where := "the same block"
			blk := s.wBlock
			if what == "read" {
				blk = s.rBlock
			}
			if blk != b.serial {
				where = "block " + triple(b.blockAt(blk))
			}
			b.fail(ErrRace, l, seg.addr+o, "%s %#x in %s, which thread %s of %s %s with nothing that orders them",
				ac.verb(), seg.addr+o, seg, triple(b.thread(other)), where, what)
			return false
		}
		b.note(s, ac, l)
		o += size
	}
	return true
}

// conflict returns the thread that an access races with, and what that one did.
func (b *block) conflict(s *touch, ac *access, l uint16) (uint16, string) {
	if s.wTime != 0 && !(s.wAtomic && ac.atomic) && (s.wBlock != b.serial || !b.ordered(s.writer, l, s.wTime)) {
		return s.writer, "wrote"
	}
	if !ac.write || s.rTime == 0 || s.rAtomic && ac.atomic {
		return 0, ""
	}
	if s.rBlocks || !b.readsOver(s, l) {
		return s.reader, "read"
	}
	return 0, ""
}

// readsOver reports whether the noted reads of a byte are over for a thread.
func (b *block) readsOver(s *touch, l uint16) bool {
	switch {
	case s.rBlock != b.serial:
		return false
	case s.rTime < b.blockSync:
		return true
	case s.rCross || s.reader/warpSize != l/warpSize:
		return false
	}
	for left := s.rMask &^ (1 << (l % warpSize)); left != 0; left &= left - 1 {
		u := l&^(warpSize-1) + uint16(bits.TrailingZeros32(left))
		if !b.warpOrdered(u, l, s.rTime) {
			return false
		}
	}
	return true
}

// note keeps an access that raced with none.
func (b *block) note(s *touch, ac *access, l uint16) {
	if ac.write {
		*s = touch{wTime: b.now, wBlock: b.serial, writer: l, wAtomic: ac.atomic}
		return
	}
	me := uint32(1) << (l % warpSize)
	switch {
	case s.rTime == 0:
		s.rMask, s.rCross, s.rBlocks, s.rAtomic = me, false, false, ac.atomic
	case s.rBlock != b.serial:
		s.rMask, s.rCross, s.rBlocks, s.rAtomic = me, false, true, s.rAtomic && ac.atomic
	case b.readsOver(s, l): // whoever is ordered behind this read is behind those too
		s.rMask, s.rCross, s.rAtomic = me, false, s.rAtomic && ac.atomic
	default:
		if s.reader/warpSize != l/warpSize {
			s.rCross, s.rMask = true, 0
		}
		s.rMask |= me
		s.rAtomic = s.rAtomic && ac.atomic
	}
	s.rTime, s.rBlock, s.reader = b.now, b.serial, l
}
