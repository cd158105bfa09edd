package bench

import (
	"context"
	"crypto/tls"
	"io"
	"net"

	"github.com/darray-go/darray/net/comm"
)

// tlsLoop is the rival of the TCP lane: one crypto/tls connection between the same two processes, a block one way, a
// byte back.
type tlsLoop struct {
	conn *tls.Conn
}

// connectTLS: rank 1 listens and tells rank 0 its address and certificate by comm.
func connectTLS(ctx context.Context, c *comm.Comm) (*tlsLoop, error) {
	if c.Rank() != 1 {
		addr, roots, err := bareAddress(ctx, c)
		if err != nil {
			return nil, err
		}
		dialer := tls.Dialer{Config: &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: roots, ServerName: bareProtocol}}
		conn, err := dialer.DialContext(ctx, "tcp", addr)
		if err != nil {
			return nil, err
		}
		return &tlsLoop{conn.(*tls.Conn)}, nil
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	defer context.AfterFunc(ctx, func() { _ = listener.Close() })()
	cert, err := bareCertificate()
	if err != nil {
		return nil, err
	}
	if err := tellAddress(ctx, c, listener.Addr().String(), cert); err != nil {
		return nil, err
	}
	conn, err := listener.Accept()
	if err != nil {
		return nil, err
	}
	server := tls.Server(conn, &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert}})
	if err := server.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return &tlsLoop{server}, nil
}

// pass moves the block once.
func (l *tlsLoop) pass(rank int, block []byte) error {
	ack := make([]byte, 1)
	if rank == 0 {
		if _, err := l.conn.Write(block); err != nil {
			return err
		}
		_, err := io.ReadFull(l.conn, ack)
		return err
	}
	if _, err := io.ReadFull(l.conn, block); err != nil {
		return err
	}
	_, err := l.conn.Write(ack)
	return err
}

func (l *tlsLoop) close() { _ = l.conn.Close() }
