//go:build race

package comm

// many is how many ranks the largest test has: the race detector takes ten times as long.
const many = 300
