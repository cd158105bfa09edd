//go:build !amd64

package vmath

// Find finds nothing on this processor.
func Find(string, bool, bool) Routine { return nil }
