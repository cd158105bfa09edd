//go:build !race

package mem

// unordered: see unordered.go.
const unordered = false
