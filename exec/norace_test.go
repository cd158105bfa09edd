//go:build !race

package exec_test

// raceDetector: the tests were built with it.
const raceDetector = false
