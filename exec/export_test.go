package exec

import (
	"context"

	"github.com/darray-go/darray/array"
)

// For the tests of what ranks say to each other.
var (
	DecodeForests = decodeForests
	EncodeForests = encodeForests

	Nodes          = nodes
	LeavesOf       = leavesOf
	CoversRows     = coversRows
	EncodeColumns  = encodeColumns
	ColumnBytes    = columnBytes
	RoomForColumns = roomForColumns

	Possible        = possible
	PossibleColumns = possibleColumns
)

// EncodeFailure and DecodeFailure are for errors on their way.
var (
	EncodeFailure = encodeFailure
	DecodeFailure = decodeFailure
)

// CachedWords is the size of a generation of plans.
const CachedWords = cachedWords

// PlanFor is NewPlan until ctx ends.
func PlanFor(ctx context.Context, roots []*array.Node, s Setting) error {
	_, _, err := newPlan(ctx, roots, s)
	return err
}

// EncodeFaults is one fault as a rank sends it.
func EncodeFaults(value, element int) []byte {
	r := run{faults: []fault{{value, element}}}
	return r.encodeFaults()[0]
}

// DecodeFaults reads faults of a graph, as values and elements.
func DecodeFaults(raw []byte, roots []*array.Node) ([][2]int, error) {
	g, _, err := join(context.Background(), roots)
	if err != nil {
		return nil, err
	}
	list, err := decodeFaults(raw, g)
	var out [][2]int
	for _, f := range list {
		out = append(out, [2]int{f.value, f.element})
	}
	return out, err
}
