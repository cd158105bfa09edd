package array

import "fmt"

// Overwrite gives b the elements of another block of its type and length: the one way in which a block changes. Values are
// copied, unless they lie where b's are; what else was made over b's memory sees them too. b then has the validity of from
// (or none): slices and Arrow arrays that were made of b before keep the old one.
func (b *Block) Overwrite(from *Block) error {
	if b.dtype != from.dtype || b.n != from.n {
		return fmt.Errorf("overwrite %d %s: %w: with %d %s", b.n, b.dtype, ErrDType, from.n, from.dtype)
	}
	if b.dtype == Bool {
		bits, at := from.values, from.offset
		if b.Overlaps(from) { // CopyBits goes upwards, and would read what it has written
			bits, at = AllocBytes(bitmapBytes(b.n)), 0
			CopyBits(bits, 0, from.values, from.offset, b.n)
		}
		CopyBits(b.values, b.offset, bits, at, b.n)
	} else if to, values := b.bytes(), from.bytes(); len(to) > 0 && &to[0] != &values[0] {
		copy(to, values)
	}
	switch {
	case from.validity == nil || from.offset == b.offset && from.keep == nil: // else it goes with its owner, whom b does not know
		b.validity = from.validity
	default:
		b.validity = AllocBytes(bitmapBytes(b.offset + b.n))
		CopyBits(b.validity, b.offset, from.validity, from.offset, b.n)
	}
	return nil
}
