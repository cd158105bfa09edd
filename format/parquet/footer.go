package parquet

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/parquet/metadata"

	"github.com/darray-go/darray/format"
)

// tailBytes end a file: the size of its footer and the magic.
const tailBytes = 8

var (
	magic          = []byte("PAR1")
	magicEncrypted = []byte("PARE")
)

var (
	errEncrypted = errors.New("is encrypted; write it again without encryption")
	errNoFooter  = errors.New("does not end as a Parquet file does; it is cut short, copy or write it again")
)

// readFooter gives a file's metadata, and where its footer begins.
func readFooter(ctx context.Context, in *format.Input, budget int) (*metadata.FileMetaData, int, error) {
	if in.Size < len(magic)+tailBytes {
		return nil, 0, errNoFooter
	}
	tail, err := in.View(ctx, in.Size-tailBytes, tailBytes)
	if err != nil {
		return nil, 0, err
	}
	switch {
	case bytes.Equal(tail[4:], magicEncrypted):
		return nil, 0, errEncrypted
	case !bytes.Equal(tail[4:], magic):
		return nil, 0, errNoFooter
	}
	size := int(binary.LittleEndian.Uint32(tail))
	if size > in.Size-len(magic)-tailBytes {
		return nil, 0, fmt.Errorf("has a footer of %d bytes in a file of %d", size, in.Size)
	}
	at := in.Size - tailBytes - size
	raw, err := in.View(ctx, at, size)
	if err != nil {
		return nil, 0, err
	}
	if err := checkFooter(raw, budget); err != nil {
		return nil, 0, fmt.Errorf("the footer %w", err)
	}
	meta, err := metadata.NewFileMetaData(raw, nil)
	if err != nil {
		return nil, 0, err
	}
	if meta.IsSetEncryptionAlgorithm() {
		return nil, 0, errEncrypted
	}
	return meta, at, nil
}

// objectBytes is what the library takes for a value of the footer, at most: its largest structs are of columns.
const objectBytes = 400

// maxNested is how deep columns are nested in each other, at most; what reads them calls itself.
const maxNested = 100

// checkFooter goes through a footer as the library will, which takes what it claims for true.
func checkFooter(raw []byte, budget int) error {
	c := &compact{b: raw}
	var children []int
	c.fields(func(id int, kind byte) {
		if id != 2 || kind != thriftList || children != nil {
			c.skip(kind, true)
			return
		}
		kind, n := c.list()
		if kind != thriftStruct {
			c.fail(errThriftType)
		}
		for i := 0; i < n && c.err == nil; i++ {
			nested := 0
			c.fields(func(id int, kind byte) {
				if id == 5 && kind == thriftI32 {
					nested = c.int()
				} else {
					c.skip(kind, true)
				}
			})
			children = append(children, nested)
		}
	})
	if c.err != nil {
		return c.err
	}
	if c.cost > budget/objectBytes {
		return fmt.Errorf("holds %d values, more than the budget of %d bytes allows; raise Options.Budget", c.cost, budget)
	}
	return checkTree(children)
}

// checkTree checks the shape of the schema: elements in depth-first order, each with the number of its children.
func checkTree(children []int) error {
	var open []int // children still to come of each level
	for i, n := range children {
		if n < 0 || n >= len(children) {
			return fmt.Errorf("has a column with %d columns in it", n)
		}
		for len(open) > 0 && open[len(open)-1] == 0 {
			open = open[:len(open)-1]
		}
		if len(open) == 0 && i > 0 {
			return fmt.Errorf("has a schema of %d elements of which only %d are connected", len(children), i)
		}
		if len(open) > 0 {
			open[len(open)-1]--
		}
		if open = append(open, n); len(open) > maxNested {
			return fmt.Errorf("has columns nested more than %d deep", maxNested)
		}
	}
	for _, left := range open {
		if left > 0 {
			return errors.New("has a schema that lacks elements")
		}
	}
	if len(children) == 0 {
		return errors.New("has no schema")
	}
	return nil
}
