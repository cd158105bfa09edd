//go:build !linux

package darray

import "os"

func replaceDir(from, to string, old bool) error {
	if !old {
		return os.Rename(from, to)
	}
	return replaceInSteps(from, to)
}
