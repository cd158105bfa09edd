package array

import "fmt"

// Concat joins 1-D blocks of one type end to end: the block itself where there is only one, else a copy.
func Concat(blocks []*Block) (*Block, error) {
	switch len(blocks) {
	case 0:
		return nil, fmt.Errorf("%w: no blocks to join", ErrShape)
	case 1:
		return blocks[0], nil
	}
	n, nulls := 0, false
	for _, b := range blocks {
		if b.dtype != blocks[0].dtype {
			return nil, fmt.Errorf("%w: blocks of %s and %s do not join", ErrDType, blocks[0].dtype, b.dtype)
		}
		n += b.n
		nulls = nulls || b.HasNulls()
	}
	out := NewBlock(blocks[0].dtype, Shape{n}, nulls)
	lo := 0
	for _, b := range blocks {
		out.Put(lo, b)
		lo += b.n
	}
	return out, nil
}

// Clone is a copy of b in memory of its own.
func (b *Block) Clone() *Block {
	out := NewBlock(b.dtype, b.shape, b.HasNulls())
	out.Put(0, b)
	return out
}

// Put copies src, of the same type, into elements [lo, lo+src.Len()) of b while b is being filled: values, and validity
// where b has any. b must have validity if src has.
func (b *Block) Put(lo int, src *Block) {
	if b.dtype == Bool {
		CopyBits(b.values, b.offset+lo, src.values, src.offset, src.n)
	} else {
		size := b.dtype.Size()
		copy(b.values[(b.offset+lo)*size:], src.bytes())
	}
	switch {
	case src.validity != nil:
		CopyBits(b.validity, b.offset+lo, src.validity, src.offset, src.n)
	case b.validity != nil:
		SetBits(b.validity, b.offset+lo, src.n)
	}
}
