package ptx

import (
	"fmt"

	"github.com/darray-go/darray/array"
)

// store stores an output that leaves as a block.
func (k *kernel) store(s sink, o *array.Output) {
	values := k.slotsOf(s.value)
	base := k.param(Result, s.output)
	size := o.DType.Size()
	switch {
	case o.DType == array.Bool:
		k.storeBits(base, s.value)
	case k.vector:
		k.storeVector(o.DType, k.of(base, size), values)
	default:
		for slot, x := range values {
			k.when(k.inside(slot), fmt.Sprint("st.global.u", 8*size), k.slotAt(k.of(base, size), slot, size), x)
		}
	}
	if k.form.nullable(s.output) {
		k.storeBits(k.param(ResultValid, s.output), s.valid)
	}
}

// storeBits stores a bool as a bitmap, by the first lane of each warp: a word a slot, with zeros behind the part's end.
func (k *kernel) storeBits(base string, at int) {
	words := make([]string, k.slots)
	for s := range words {
		words[s] = k.vote(at, s)
	}
	bytes := k.derive(0, "bitmap", func() string { return k.word("shr.u64", k.first, "3") })
	k.storeWords(k.leader(), "u32", k.word("add.s64", base, bytes), words)
}

// leader is whether the thread is its warp's first.
func (k *kernel) leader() string {
	return k.derive(k.slots, "leader", func() string { return k.truth("setp.eq.s32", k.lane, "0") })
}

// everyLane is the mask of a warp's lanes.
const everyLane = "0xFFFFFFFF"

// vote is a bool of a slot as a word, bit by lane.
func (k *kernel) vote(at, s int) string {
	return k.derive(s, fmt.Sprint("vote", at), func() string {
		return k.half("vote.sync.ballot.b32", k.present(at, s), everyLane)
	})
}

// present is a bool of a slot, and that its element lies in the part.
func (k *kernel) present(at, s int) string {
	if at == k.truths[1] {
		return k.inside(s)
	}
	return k.derive(s, fmt.Sprint("present", at), func() string { return k.truth("and.pred", k.value(at, s), k.inside(s)) })
}
