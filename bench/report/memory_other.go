//go:build !linux

package report

// FreeMemory is 0: the system does not say.
func FreeMemory() float64 { return 0 }

// PeakMemory is 0: the system does not say.
func PeakMemory() float64 { return 0 }

// ResetPeakMemory does nothing.
func ResetPeakMemory() {}
