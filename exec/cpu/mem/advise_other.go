//go:build !linux

package mem

// advise and discard do nothing: the pages are those that the system gives, and go back when the runtime gets to it.
func advise([]byte) {}

func discard([]byte) {}
