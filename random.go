package darray

import "github.com/darray-go/darray/array"

// Random is uniform float64 numbers in [0, 1) with 53 random bits, made where they are used. They are a function of the seed and
// of each element's index alone (Philox4x32-10): the same for any number of ranks, split and device. Arrays of one seed are not
// independent of each other: give each its own. Without a shape it is 0-D. ErrShape for a shape that is none.
func Random(seed uint64, shape ...int) Array {
	return Array{array.Random(seed, shape, caller(1))}
}

// RandomNormal is normal float64 numbers of mean 0 and standard deviation 1, made where they are used, as Random's are.
func RandomNormal(seed uint64, shape ...int) Array {
	return Array{array.RandomNormal(seed, shape, caller(1))}
}

// RandomIntegers is int64 numbers in [lo, hi), made where they are used, as Random's are: the probability of each is that of the
// others to within 2^-64. ErrShape where lo is not below hi.
func RandomIntegers(seed uint64, lo, hi int64, shape ...int) Array {
	return Array{array.RandomIntegers(seed, lo, hi, shape, caller(1))}
}
