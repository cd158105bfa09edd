//go:build !race

package comm_test

// raceEnabled: the race detector is on, and everything takes ten times as long.
const raceEnabled = false
