//go:build !linux

package darray

// machineMemory is not known.
func machineMemory() int { return 0 }
