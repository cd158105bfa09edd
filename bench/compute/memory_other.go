//go:build !linux

package compute

func freeMemory() float64 { return usualMemory }
