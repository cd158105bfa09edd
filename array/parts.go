package array

import (
	"fmt"
	"runtime"
	"sync/atomic"

	"github.com/darray-go/darray/partition"
)

// Parts is an array whose elements the ranks of a cluster keep, each its own, from one plan to the next.
type Parts struct {
	ID     uint64           // the ranks know it by that
	Layout partition.Layout // of the flattened elements
	Far    bool             // every part lies in the memory of its rank's accelerator

	keeper   Keeper
	cleanup  runtime.Cleanup
	released atomic.Bool
}

// Keeper is who has the ranks let go of parts.
type Keeper interface {
	// Forget is called once when nobody needs the parts any more, from any goroutine. It does not wait for the ranks.
	Forget(id uint64)
}

// NewParts names parts, which k is to forget when nothing refers to the Parts any more, or after Release. Nil: another rank sees to that.
func NewParts(id uint64, l partition.Layout, far bool, k Keeper) *Parts {
	p := &Parts{ID: id, Layout: l, Far: far, keeper: k}
	if k != nil {
		p.cleanup = runtime.AddCleanup(p, func(id uint64) { k.Forget(id) }, id)
	}
	return p
}

// Keeper is who forgets the parts; nil where that is another rank's to do.
func (p *Parts) Keeper() Keeper { return p.keeper }

// Release has the ranks let go of the parts now: arrays over them can be collected no more. Safe twice.
func (p *Parts) Release() {
	if p.keeper != nil && !p.released.Swap(true) {
		p.cleanup.Stop()
		p.keeper.Forget(p.ID)
	}
}

// InParts is an array of a shape over parts of as many elements.
func InParts(p *Parts, d DType, shape Shape, pc uintptr) *Node {
	switch {
	case p == nil || !d.Valid():
		return Failed(pc, fmt.Errorf("parts: %w: there are none, or of no element type", ErrDType))
	case p.Layout.N() != shape.Len():
		return Failed(pc, fmt.Errorf("parts: %w: of %d elements do not fill %v", ErrShape, p.Layout.N(), shape))
	}
	return &Node{kind: KindParts, dtype: d, shape: append(Shape(nil), shape...), of: p, pc: pc}
}
