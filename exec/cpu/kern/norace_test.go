//go:build !race

package kern_test

// The race detector makes everything take ten times as long, and has nothing to find in these tests but that they are fit
// to run at once: they are shorter under it.
const (
	raceEnabled = false
	longest     = 4096 + 64 // elements, more than the longest of lengths
)
