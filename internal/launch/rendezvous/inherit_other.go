//go:build !unix

package rendezvous

import (
	"errors"
	"net"
)

func inherited(int) (net.Conn, error) {
	return nil, errors.New("sockets are not inherited on this system")
}
