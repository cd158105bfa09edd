package kern

// What tests see of the loops over bitmaps.
var (
	AnyBit  = anyBit
	AllBits = allBits
)
