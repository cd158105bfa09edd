//go:build !unix

package files

import (
	"fmt"

	"github.com/darray-go/darray/bench/talk"
)

// mapped has no mappings here.
type mapped struct{}

func (*mapped) Prepare(talk.Question) error {
	return fmt.Errorf("%w: no mappings here", talk.ErrUnavailable)
}

func (*mapped) Play(string) (call func() error, check func() ([]float64, error), err error) {
	return nil, nil, fmt.Errorf("%w: no mappings here", talk.ErrUnavailable)
}

func (*mapped) Free() error { return nil }
