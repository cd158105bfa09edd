//go:build !race

package comm

// many is how many ranks the largest test has.
const many = 1024
