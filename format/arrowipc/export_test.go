package arrowipc

import (
	"slices"

	"github.com/darray-go/darray/format"
)

// Repeat lists the last batch that an encoder of Format has written n times in all.
func Repeat(e format.Encoder, n int) {
	w := e.(*encoder)
	last := w.batches[len(w.batches)-1:]
	w.batches = append(w.batches, slices.Repeat(last, n-1)...)
}
