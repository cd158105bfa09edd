// Package socket is Unix sockets between processes of one user on one host: nobody else can listen or connect, and on
// Linux there is no file that could be left behind.
package socket

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
)

// ErrTaken is returned by Listen where another process listens under that name.
var ErrTaken = errors.New("another process has it")

// nameOf makes what cannot collide with another user's, and what fits a socket's address, of any key.
func nameOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return "darray-" + strconv.Itoa(os.Getuid()) + "-" + hex.EncodeToString(sum[:16])
}

// Listen opens the socket that Dial finds by the same key. cleanup is to be called after the listener is closed. Whoever
// accepts a connection asks CheckPeer first.
func Listen(key string) (l net.Listener, cleanup func(), err error) { return listen(nameOf(key)) }

// Dial connects to the process that listens under key; an error where that is another user's.
func Dial(ctx context.Context, key string) (net.Conn, error) {
	addr, err := find(nameOf(key))
	if err != nil {
		return nil, err
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", addr)
	if err != nil {
		return nil, err
	}
	if err := CheckPeer(conn); err != nil {
		return nil, errors.Join(fmt.Errorf("what answers is not this job: %w", err), conn.Close())
	}
	return conn, nil
}
