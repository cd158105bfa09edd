package exec

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
)

// CachedWords is the size of a generation of plans.
const CachedWords = cachedWords
