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

// CachedWords is the size of a generation of plans.
const CachedWords = cachedWords

// PlanFor is NewPlan until ctx ends.
func PlanFor(ctx context.Context, roots []*array.Node, s Setting) error {
	_, _, err := newPlan(ctx, roots, s)
	return err
}
