package kern

// What tests see of the loops over bitmaps, and of the random words.
var (
	AnyBit  = anyBit
	AllBits = allBits

	Philox4x32 = philox4x32
)
