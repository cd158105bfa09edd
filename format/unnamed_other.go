//go:build !linux

package format

import (
	"errors"
	"io/fs"
	"os"
)

// createUnnamed fails: only Linux has files without a name that can be given one later.
func createUnnamed(string, fs.FileMode) (*os.File, error) { return nil, errors.ErrUnsupported }

func nameFile(*os.File, string) error { return errors.ErrUnsupported }
