//go:build !unix

package format

import (
	"errors"
	"os"
)

// mapFile fails: elsewhere files are read into memory.
func mapFile(*os.File, int) ([]byte, error) { return nil, errors.ErrUnsupported }

func unmapFile([]byte) {}

func syncFolder(string) error { return nil }
