package exec

// For the tests of what ranks say to each other.
var (
	DecodeForests = decodeForests
	EncodeForests = encodeForests
)
