package array

import (
	"context"
	"runtime"
)

// Far is memory of a device that holds the elements of blocks, in its own layout.
type Far interface {
	// Device names the device, as plans do: "cuda".
	Device() string
	// Fetch copies elements [lo, lo+dst.Len()) to dst, a block of their type in this process's memory, with validity where the
	// elements have it. It blocks until they are there, and returns soon after ctx ends.
	Fetch(ctx context.Context, dst *Block, lo int) error
	// Own says that a user has the memory from now on, who may keep it until the device is closed, which then releases it.
	Own()
	// Release lets the device use the memory again; the blocks over it are not to be read any more. Safe twice.
	Release()
}

// far is where the elements of a block lie, and whether they have validity there.
type far struct {
	Far
	nulls bool
}

// FarBlock is a 1-D block of n elements that lie in a device's memory. It is handed from one launch of the device to the next:
// who wants the elements here calls Far.Fetch.
func FarBlock(d DType, n int, nulls bool, at Far) *Block {
	b := &Block{dtype: d, n: n, keep: &far{at, nulls}, few: [2]int{n}}
	b.shape = b.few[:1]
	return b
}

// Own has the garbage collector release b's device memory when b and all blocks made of it are gone. It is called once, by who
// hands a far block to a user.
func (b *Block) Own() {
	if f, ok := b.keep.(*far); ok {
		f.Own()
		runtime.AddCleanup(f, Far.Release, f.Far)
	}
}

// Far is where the elements of a far block lie, and which of them is the block's first; nil where they are here.
func (b *Block) Far() (at Far, offset int) {
	if f, ok := b.keep.(*far); ok {
		return f.Far, b.offset
	}
	return nil, 0
}

// farNulls reports whether the block is far and its elements have validity.
func (b *Block) farNulls() bool {
	f, ok := b.keep.(*far)
	return ok && f.nulls
}
