//go:build !linux

package shmlink

import (
	"context"
	"errors"

	"github.com/darray-go/darray/net/link"
)

var errOS = errors.New("shared memory needs Linux")

type (
	host     struct{ arena noArena }
	expected struct{}
	shared   struct{}
	noArena  struct{}
)

func newHost(Config) (*host, error) { return nil, errOS }

func (*host) describe(*note) {}

func (*host) expect([]byte, [nonceSize]byte, [nonceSize]byte) *expected { return nil }

func (*host) forget(*expected) {}

func (*host) dial(context.Context, []byte, note, note) (*shared, error) { return nil, errOS }

func (*host) close() error { return nil }

func (*expected) wait(context.Context) (*shared, error) { return nil, errOS }

func (*shared) release() {}

func (noArena) alloc(int) []byte { return nil }

func (noArena) free([]byte) {}

func newConn(_ *transport, inner link.Conn, _ *shared) link.Conn { return inner }
